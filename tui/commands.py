"""Every command of the app, once: id, keys, label, help, where it works, why it may be disabled, what it calls.

Key bindings, the footer, the palette (ctrl+p), the help panel (?) and the README's key table are made from `COMMANDS`.
A command calls the action method `action` of the screen it is given on (`app.` in front: of the app). A disabled
command stays visible and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from textual.binding import Binding

from tui.state import Session


class Screens(StrEnum):
    """The screens by name."""

    TIMELINE = "timeline"
    COMPARE = "compare"
    COMPACTION = "compaction"
    RESTORE = "restore"
    REPAIR = "repair"
    FILES = "files"
    MANIFEST = "manifest"
    CHANGES = "changes"
    CHANGE = "change set"


ALL: Final = frozenset(Screens)
TIMELINE: Final = frozenset({Screens.TIMELINE})
OTHERS: Final = ALL - TIMELINE
#: Where `u` takes back the operation in front, instead of showing all of them.
OPERATIONS: Final = frozenset({Screens.CHANGES, Screens.CHANGE})


@dataclass(frozen=True, slots=True)
class Context:
    """What decides whether a command is enabled: the shared session and a few facts of the screen in front.

    `running`: an operation is at work. `obstacle` says why the screen's own main command can't be given, `not_undone`
    why there is nothing to undo, `not_resumed` why there is nothing to resume.
    """

    screen: Screens
    session: Session
    running: bool = False
    obstacle: str | None = None
    not_undone: str | None = None
    not_resumed: str | None = None
    can_go_back: bool = False
    can_go_forward: bool = False
    searching: bool = False
    has_entry: bool = False
    has_zone: bool = False


Enabled: TypeAlias = Callable[[Context], str | None]


@dataclass(frozen=True, slots=True)
class Hint:
    """How the footer names a command: its keys (several commands may share one hint), a word, and how important it is.

    The lowest `priority` is the last to be dropped when the footer is short of room.
    """

    keys: str
    label: str
    priority: int


def _always(_: Context) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `keys` are Textual key names, `help` is one sentence, `enabled` returns why it is not."""

    id: str
    keys: tuple[str, ...]
    label: str
    help: str
    action: str
    group: str
    screens: frozenset[Screens] = ALL
    hint: Hint | None = None
    enabled: Enabled = _always

    @property
    def key_names(self) -> tuple[str, ...]:
        """The keys as people write them: `w` and `+`."""
        return tuple(_KEY_NAMES.get(key, key) for key in self.keys if key not in _SECOND_SPELLINGS)


_KEY_NAMES: Final = {
    "shift+left": "shift+left",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "right_curly_bracket": "}",
    "left_curly_bracket": "{",
    "full_stop": ".",
    "comma": ",",
    "equals_sign": "=",
    "plus": "+",
    "minus": "-",
    "slash": "/",
    "question_mark": "?",
    "G": "shift+g",
    "Z": "shift+z",
    "R": "shift+r",
    "N": "shift+n",
    "A": "shift+a",
    "T": "shift+t",
    "H": "shift+h",
    "P": "shift+p",
    "escape": "Esc",
    "enter": "Enter",
}
#: The same keys as terminals with the Kitty protocol report them.
_SECOND_SPELLINGS: Final = frozenset(
    {"shift+g", "shift+z", "shift+r", "shift+n", "shift+t", "shift+h", "shift+p", "shift+a"}
)


def _needs_store(context: Context) -> str | None:
    return None if context.session.picture else "nothing is read yet"


def _needs_snapshot(context: Context) -> str | None:
    return None if context.session.snapshot else "nothing is read yet"


def _needs_change(context: Context) -> str | None:
    snapshot = context.session.snapshot
    differs = snapshot is not None and (snapshot.gone or snapshot.other is not None)
    return None if differs else "nothing differs from the last look"


def _needs_all(context: Context) -> str | None:
    return context.session.why_incomplete


def _needs_problem(context: Context) -> str | None:
    if context.session.report is None:
        return "the check has not finished"
    return None if context.session.problem_count else "no problems were found"


def _needs_back(context: Context) -> str | None:
    return None if context.can_go_back else "nowhere to go back to"


def _needs_forward(context: Context) -> str | None:
    return None if context.can_go_forward else "nowhere to go forward to"


def _needs_search(context: Context) -> str | None:
    return None if context.searching else "find something first: /"


def _needs_flaw(context: Context) -> str | None:
    return None if context.searching else "nothing wrong was seen in it"


def _needs_entry(context: Context) -> str | None:
    return None if context.has_entry else "no range under the cursor"


def _needs_idle(context: Context) -> str | None:
    return "an operation is running: Esc stops it between two steps" if context.running else None


def _needs_writing(context: Context) -> str | None:
    """Whether this session may change the store."""
    return "this session is read-only" if context.session.read_only else _needs_idle(context)


def _can_compact(context: Context) -> str | None:
    """Two lines that stop the run are compared; where nothing stops it, the change set is opened."""
    return None if context.has_entry else _needs_writing(context) or context.obstacle


def _can_repair(context: Context) -> str | None:
    return _needs_writing(context) or context.obstacle


def _can_overlay(context: Context) -> str | None:
    return context.obstacle


def _needs_all_idle(context: Context) -> str | None:
    return _needs_idle(context) or _needs_all(context)


def _can_carry_out(context: Context) -> str | None:
    return _needs_writing(context) or context.obstacle


def _can_undo(context: Context) -> str | None:
    return _needs_writing(context) or context.not_undone


def _can_resume(context: Context) -> str | None:
    return _needs_writing(context) or context.not_resumed


def _has_row(context: Context) -> str | None:
    return None if context.has_entry else "the journal is empty"


def _can_open(context: Context) -> str | None:
    return context.obstacle


def _can_compare_records(context: Context) -> str | None:
    return context.obstacle


def _needs_zone(context: Context) -> str | None:
    return None if context.has_zone else "no problem is selected: ] goes to the next"


_MOVE, _FIND, _LOOK, _VIEWS, _STORE, _APP = "Move", "Find", "Look closer", "Screens", "Store", "App"

COMMANDS: Final[tuple[Command, ...]] = (
    Command("pan-left", ("a", "shift+left"), "Pan left", "Pan a quarter view to the left.", "pan(-1)", _MOVE, TIMELINE,
            Hint("ad", "Pan", 1), _needs_store),
    Command("pan-right", ("d", "shift+right"), "Pan right", "Pan a quarter view to the right.", "pan(1)", _MOVE,
            TIMELINE, None, _needs_store),
    Command("zoom-in", ("w", "plus"), "Zoom in", "Zoom in about the cursor (ctrl+wheel: about the mouse).", "zoom(1)",
            _MOVE, TIMELINE, Hint("ws", "Zoom", 2), _needs_store),
    Command("zoom-out", ("s", "minus"), "Zoom out", "Zoom out about the cursor.", "zoom(-1)", _MOVE, TIMELINE, None,
            _needs_store),
    Command("cursor-left", ("h", "left"), "Left", "Move the cursor one cell to the left.", "cursor(-1)", _MOVE,
            TIMELINE, Hint("hjkl", "Move", 9), _needs_store),
    Command("cursor-right", ("l", "right"), "Right", "Move the cursor one cell to the right.", "cursor(1)", _MOVE,
            TIMELINE, None, _needs_store),
    Command("row-down", ("j", "down"), "Down", "Next lane, or next row of a list.", "row(1)", _MOVE, ALL),
    Command("row-up", ("k", "up"), "Up", "Previous lane, or previous row of a list.", "row(-1)", _MOVE, ALL),
    Command("page-down", ("pagedown",), "Page down", "One page down in a list.", "page(1)", _MOVE, ALL),
    Command("page-up", ("pageup",), "Page up", "One page up in a list.", "page(-1)", _MOVE, ALL),
    Command("first", ("home",), "First", "Go to the first version, or the first row of a list.", "first", _MOVE, ALL),
    Command("last", ("end", "G", "shift+g"), "Last", "Go to the last version, or the last row of a list.", "last",
            _MOVE, ALL),
    Command("next-range", ("full_stop",), "Next range", "Next range in the lane.", "range(1)", _MOVE, TIMELINE,
            Hint(".,", "Range", 10), _needs_store),
    Command("previous-range", ("comma",), "Previous range", "Previous range in the lane.", "range(-1)", _MOVE, TIMELINE,
            None, _needs_store),
    Command("fit-all", ("equals_sign", "0"), "Fit all", "Show the whole axis.", "fit_all", _MOVE, TIMELINE, None,
            _needs_store),
    Command("fit", ("f",), "Fit", "Centre the selection; a second time, fit it.", "fit", _MOVE, TIMELINE,
            Hint("f", "Fit", 11), _needs_store),
    Command("back", ("z",), "Back", "Back to where you have been.", "back(1)", _MOVE, TIMELINE, Hint("z", "Back", 13),
            _needs_back),
    Command("forward", ("Z", "shift+z"), "Forward", "Forward again.", "back(-1)", _MOVE, TIMELINE, None,
            _needs_forward),
    Command("next-problem", ("right_square_bracket",), "Next problem",
            "Next open problem of those that the list shows; wraps, and says so.",
            "problem(1)", _FIND, ALL, Hint("][", "Problem", 3), _needs_problem),
    Command("previous-problem", ("left_square_bracket",), "Previous problem", "Previous open problem.",
            "problem(-1)", _FIND, ALL, None, _needs_problem),
    Command("next-of-all", ("right_curly_bracket",), "Next of all",
            "Next problem of all, also one that is decided, ignored or left out by the filter.",
            "any_problem(1)", _FIND, ALL, None, _needs_problem),
    Command("previous-of-all", ("left_curly_bracket",), "Previous of all", "Previous problem of all.",
            "any_problem(-1)", _FIND, ALL, None, _needs_problem),
    Command("go-to", ("g",), "Go to", "Go to a version, an epoch, a range or a manifest by name.", "go_to", _FIND,
            TIMELINE, Hint("g", "Go to", 4), _needs_store),
    Command("find", ("slash",), "Find", "Find in the names of manifests and metadata files.", "find", _FIND,
            frozenset({Screens.TIMELINE, Screens.FILES}), Hint("/", "Find", 7), _needs_store),
    Command("find-next", ("n",), "Next hit", "Next hit of the last search.", "find_next(1)", _FIND,
            frozenset({Screens.TIMELINE, Screens.FILES}), None, _needs_search),
    Command("find-previous", ("N", "shift+n"), "Previous hit", "Previous hit of the last search.", "find_next(-1)",
            _FIND, frozenset({Screens.TIMELINE, Screens.FILES}), None, _needs_search),
    Command("filter", ("i",), "Filter",
            "Filter the list: all, errors only, lane by lane, the file that claims what is selected.", "filter",
            _FIND, TIMELINE, None, _needs_problem),
    Command("filter-files", ("i",), "Filter", "Filter the files: all, with problems, kind by kind, retired.",
            "filter", _FIND, frozenset({Screens.FILES}), Hint("i", "Filter", 5), _needs_store),
    Command("select-area", ("v",), "Select", "Select an area by moving the cursor; the status line totals it.",
            "select_area", _LOOK, TIMELINE, Hint("v", "Select", 12), _needs_store),
    Command("pin", ("space",), "Keep", "Keep the range in the inspector; two that are kept can be compared.", "pin",
            _LOOK, TIMELINE, None, _needs_entry),
    Command("open", ("enter",), "Open", "Open: on a problem the comparison, on a range its manifest.", "open", _LOOK,
            TIMELINE, None, _can_open),
    Command("compact-now", ("enter",), "Compact now",
            "Open the change set of this compaction; on a group that stops, compare the two lines.", "open", _STORE,
            frozenset({Screens.COMPACTION}), Hint("Enter", "Compact", 2), _can_compact),
    Command("repair-now", ("enter", "r"), "Repair now", "Open the change set of this repair.", "open", _STORE,
            frozenset({Screens.REPAIR}), Hint("Enter", "Repair", 1), _can_repair),
    Command("park", ("space",), "Park the tail",
            "Hide from stock what lies behind a true gap, until that is closed; again: keep it in sight.", "park",
            _LOOK, frozenset({Screens.REPAIR}), Hint("Space", "Park tail", 4)),
    Command("carry-out", ("enter",), "Carry out",
            "Carry the change set out, once its word is typed; after a failure, the way on.", "open", _STORE,
            frozenset({Screens.CHANGE}), Hint("Enter", "Carry out", 1), _can_carry_out),
    Command("operation", ("enter",), "Files", "Every file that the operation wrote, brought back or retired.", "open",
            _LOOK, frozenset({Screens.CHANGES}), Hint("Enter", "Files", 1), _has_row),
    Command("resume", ("r",), "Resume", "Finish an operation that was interrupted, once the word is typed.", "resume",
            _STORE, frozenset({Screens.CHANGES}), Hint("r", "Resume", 3), _can_resume),
    Command("look-again", ("l",), "Look again", "Look at lease and journal anew: who is at work by now, and how far.",
            "look_again", _STORE, frozenset({Screens.CHANGES}), Hint("l", "Look again", 19), _needs_snapshot),
    Command("undo", ("u",), "Undo", "Take the operation back: its own change set first, then the word.", "undo",
            _STORE, OPERATIONS, Hint("u", "Undo", 2), _can_undo),
    Command("why", ("enter",), "Why", "Why the selected entry is left out; again: compare it with what is used.",
            "open", _LOOK, frozenset({Screens.RESTORE}), Hint("Enter", "Why", 2)),
    Command("raw-lines", ("enter",), "Lines", "The lines of the file as they stand in it, shown harmlessly.", "open",
            _LOOK, frozenset({Screens.FILES}), Hint("Enter", "Lines", 2)),
    Command("pin-a", ("a",), "Choose A", "Choose A, and see what that does to the chain and to stock's verdict.",
            "pin_side('a')", _LOOK, frozenset({Screens.COMPARE}), Hint("ab", "Choose", 4)),
    Command("pin-b", ("b",), "Choose B", "Choose B, and see what that does to the chain and to stock's verdict.",
            "pin_side('b')", _LOOK, frozenset({Screens.COMPARE})),
    Command("next-difference", ("n",), "Next difference", "Next chunk that differs.", "difference(1)", _LOOK,
            frozenset({Screens.COMPARE}), Hint("n", "Next diff", 5)),
    Command("previous-difference", ("N", "shift+n"), "Previous difference", "Previous chunk that differs.",
            "difference(-1)", _LOOK, frozenset({Screens.COMPARE})),
    Command("only-differences", ("i",), "Only differences", "Show only the chunks that differ, or all again.",
            "only_differences", _LOOK, frozenset({Screens.COMPARE}), Hint("i", "Only diff", 8)),
    Command("other-side", ("s",), "Next pair", "The next two manifests of this problem that compete.", "other_side",
            _LOOK, frozenset({Screens.COMPARE}), Hint("s", "Next pair", 10)),
    Command("compare-content", ("v",), "Compare records",
            "Say how many bytes comparing record by record reads; again: begin.", "compare_content", _LOOK,
            frozenset({Screens.COMPARE}), Hint("v", "Records", 4), _can_compare_records),
    Command("mark", ("m",), "Ignore",
            "Leave the problem alone, with a reason, for good or until when; again: open it.", "mark", _LOOK,
            frozenset({Screens.TIMELINE, Screens.COMPARE}), Hint("m", "Ignore", 13), _needs_zone),
    Command("factors", ("e",), "Factors", "Change how many lines stock puts into one file.", "factors", _LOOK,
            frozenset({Screens.COMPACTION}), Hint("e", "Factors", 3)),
    Command("target", ("T", "shift+t"), "Target", "Set the version to restore to.", "target", _LOOK,
            frozenset({Screens.RESTORE}), Hint("T", "Target", 3)),
    Command("history", ("H", "shift+h"), "History", "Set the version from which history is kept.", "history", _LOOK,
            frozenset({Screens.RESTORE}), Hint("H", "History", 4)),
    Command("best-target", ("b",), "Best target", "Take the highest target that works with these files.",
            "best_target", _LOOK, frozenset({Screens.RESTORE}), Hint("b", "Best", 5)),
    Command("policy", ("P", "shift+p"), "Policy", "Say what is preferred where manifests compete.", "policy", _LOOK,
            frozenset({Screens.RESTORE, Screens.REPAIR}), Hint("P", "Policy", 7)),
    Command("overlay", ("o",), "Overlay",
            "Write a folder through which unpatched stock restores, without touching the store.", "overlay", _STORE,
            frozenset({Screens.RESTORE}), Hint("o", "Overlay", 6), _can_overlay),
    Command("next-panel", ("tab",), "Next panel", "Move to the next panel.", "app.focus_next", _LOOK, ALL,
            Hint("Tab", "Panel", 18)),
    Command("previous-panel", ("shift+tab",), "Previous panel", "Move to the previous panel.", "app.focus_previous",
            _LOOK, ALL),
    Command("expand", ("e",), "Expand", "Give the panel the whole screen, or its place again.", "expand", _LOOK,
            ALL - {Screens.COMPACTION}, Hint("e", "Expand", 17)),
    Command("next-flaw", ("n",), "Next flaw", "Next chunk that is missing, empty, or does not join.", "flaw(1)", _LOOK,
            frozenset({Screens.MANIFEST}), Hint("n", "Next flaw", 4), _needs_flaw),
    Command("previous-flaw", ("N", "shift+n"), "Previous flaw", "Previous chunk in which something is wrong.",
            "flaw(-1)", _LOOK, frozenset({Screens.MANIFEST}), None, _needs_flaw),
    Command("metadata-file", ("o",), "Metadata file", "The metadata file whose line names this manifest.",
            "metadata_file", _LOOK, frozenset({Screens.MANIFEST}), Hint("o", "Its file", 2)),
    Command("compaction", ("c",), "Compaction", "Preview what compaction would write, and where it would stop.",
            "app.show_screen('compaction')", _VIEWS, TIMELINE, Hint("c", "Compact", 5), _needs_all),
    Command("restore", ("r",), "Restore", "Preview a restore to the cursor: what stock says, and the chain that works.",
            "app.show_screen('restore')", _VIEWS, TIMELINE, Hint("r", "Restore", 6), _needs_all),
    Command("files", ("o",), "Files",
            "The metadata files, from the one that names what is selected on; what each holds, what is wrong in it.",
            "app.show_screen('files')", _VIEWS, TIMELINE, Hint("o", "Files", 14), _needs_store),
    Command("repair", ("p",), "Repair", "Preview the repair after which stock's own selection succeeds.",
            "app.show_screen('repair')", _VIEWS, ALL - OPERATIONS - {Screens.REPAIR}, Hint("p", "Repair", 8),
            _needs_all_idle),
    Command("changes", ("u",), "Changes", "The journal of what was written to the store, with resume and undo.",
            "app.show_screen('changes')", _VIEWS, ALL - OPERATIONS, Hint("u", "Changes", 16), _needs_snapshot),
    Command("timeline", ("t",), "Timeline", "Show the selection on the timeline.", "app.show_screen('timeline')",
            _VIEWS, OTHERS, Hint("t", "Timeline", 14), _needs_idle),
    Command("close", ("escape",), "Back", "Leave this screen.", "leave", _VIEWS,
            OTHERS - {Screens.CHANGE, Screens.COMPARE, Screens.MANIFEST}, Hint("Esc", "Back", 9)),
    Command("stop-looking", ("escape",), "Stop, or back",
            "While the files of the manifest are looked up, stop that; else leave this screen.", "leave", _VIEWS,
            frozenset({Screens.MANIFEST}), Hint("Esc", "Back", 7)),
    Command("stop-comparing", ("escape",), "Stop, or back",
            "While records are compared, stop that; else leave this screen.", "leave", _VIEWS,
            frozenset({Screens.COMPARE}), Hint("Esc", "Back", 7)),
    Command("cancel", ("escape",), "Stop, or back",
            "While the operation runs, stop it between two steps; else leave this screen.", "leave", _STORE,
            frozenset({Screens.CHANGE}), Hint("Esc", "Stop, back", 3)),
    Command("stop", ("escape",), "Stop", "Stop reading, or clear the selected area.", "stop", _STORE, TIMELINE),
    Command("copy", ("y",), "Copy", "Copy a problem's next step, a range's manifest, a preview's command.", "copy",
            _LOOK, ALL,
            Hint("y", "Copy", 15)),
    Command("export", ("x",), "Export", "Write what this screen shows to a JSON file in the current folder.", "export",
            _LOOK, ALL, Hint("x", "Export", 16), _needs_store),
    Command("accept", ("A", "shift+a"), "Accept", "Take what differs from the last look for the truth: files that are "
            "gone, or another store; once the word is typed.", "app.accept_look", _STORE, TIMELINE, None,
            _needs_change),
    Command("read-again", ("R", "shift+r"), "Read again", "Read the store again.", "app.read_again", _STORE, ALL,
            None, _needs_idle),
    Command("help", ("question_mark",), "Help", "Show or hide this help.", "app.toggle_help", _APP, ALL,
            Hint("?", "Help", 0)),
    Command("palette", ("ctrl+p",), "Commands", "All commands by name.", "app.command_palette", _APP, ALL),
    Command("quit", ("q",), "Quit", "Leave; nothing needs saving.", "app.quit", _APP, ALL, None, _needs_idle),
)  # fmt: skip

BY_ID: Final = {command.id: command for command in COMMANDS}


def commands_on(screen: Screens) -> Iterable[Command]:
    """The commands of one screen, in the order of the help."""
    return (command for command in COMMANDS if screen in command.screens)


def bindings_on(screen: Screens) -> list[Binding]:
    """The key bindings of one screen; each has the command's id, so a keymap can replace its keys."""
    return [
        Binding(",".join(command.keys), f"command('{command.id}')", command.help, show=False, id=command.id)
        for command in commands_on(screen)
    ]


def hints_on(screen: Screens) -> list[Hint]:
    """The footer's hints of one screen, most important first."""
    hints = [command.hint for command in commands_on(screen) if command.hint]
    return sorted(hints, key=lambda hint: hint.priority)


def key_table_markdown() -> str:
    """The table of keys for the README: one row per command, grouped."""
    rows = ["| keys | does | where |", "| --- | --- | --- |"]
    for command in sorted(COMMANDS, key=lambda each: GROUPS.index(each.group)):
        where = "everywhere" if command.screens == ALL else ", ".join(sorted(command.screens))
        keys = " ".join(f"`{key}`" for key in command.key_names)
        rows.append(f"| {keys} | {command.help} | {where} |")
    return "\n".join(rows) + "\n"


GROUPS: Final = (_MOVE, _FIND, _LOOK, _VIEWS, _STORE, _APP)
