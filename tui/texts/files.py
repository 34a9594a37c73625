"""What the Files screen says: metadata files as rows, one of them in full, its lines as they stand in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from rich.cells import cell_len

from core.files import FileFacts, FileTable
from core.findings.titles import title_of
from core.model import Finding, LaneKind
from core.names import MetadataName, NameKind
from core.phrases import moment
from core.snapshot import Snapshot
from core.storage.protocol import Listed
from tui.glyphs import Glyphs
from tui.numbers import counted, size, span, whole
from tui.safe_text import padded, safe, shorten
from tui.texts.common import quoted
from tui.widgets.painted import Row
from tui.widgets.prose import BLANK, Paragraph, runs, text

_FACT_CELLS: Final = 11
_NOTE_WORDS: Final = {
    "array-form-record": "written as a list instead of an object",
    "unknown-field": "has a field that stock does not know and ignores",
    "line-separator-chars": "holds a character that other tools take for the end of a line",
    "crlf": "ends in a carriage return",
    "not-canonical": "says it in other bytes than stock would write",
}


@dataclass(frozen=True, slots=True, eq=False)
class FilesAnswer:
    """The files of `metadata/` and then of `metadata_backup/`, numbered through; for each filter those it keeps.

    `columns` says how wide each column of the list has to be.
    """

    listed: FileTable
    retired: FileTable
    kept: dict[str, tuple[int, ...]]
    columns: tuple[int, ...]

    def facts(self, number: int) -> FileFacts:
        """One file."""
        table, place = self.place(number)
        return table.facts(place)

    def place(self, number: int) -> tuple[FileTable, int]:
        """The table of a file and its number there."""
        here = number < len(self.listed)
        return (self.listed, number) if here else (self.retired, number - len(self.listed))

    def is_retired(self, number: int) -> bool:
        """Whether a file lies in `metadata_backup/`, which stock never reads."""
        return number >= len(self.listed)

    def number_of(self, handles: Sequence[str]) -> int | None:
        """The number of the first file that one of `handles` names, those of `metadata/` before retired ones."""
        wanted = frozenset(handles)
        every = (*self.listed.index.files, *self.retired.index.files)
        return next((number for number, file in enumerate(every) if file.handle in wanted), None)


def _has_lines(kind: LaneKind) -> Callable[[FileFacts], bool]:
    return lambda facts: any(each is kind for each, _ in facts.lines)


def _other(facts: FileFacts) -> bool:
    return not any(isinstance(kind, LaneKind) for kind, _ in facts.lines)


_KEEPS: Final[dict[str, Callable[[FileFacts], bool]]] = {
    "with problems": lambda facts: facts.troubled,
    "epoch": _has_lines(LaneKind.EPOCH_ENDINGS),
    "state": _has_lines(LaneKind.STATE_SNAPSHOTS),
    "txn": _has_lines(LaneKind.TRANSACTIONS),
    "of no lane": _other,
}


def files_answer(snapshot: Snapshot, findings: Iterable[Finding]) -> FilesAnswer:
    """Look at every file once: meant for a worker thread."""
    listed, retired = FileTable(snapshot.index, findings), FileTable(snapshot.retired)
    count = len(listed) + len(retired)
    kept: dict[str, list[int]] = {name: [] for name in _KEEPS}
    columns = (0,) * len(_Column)
    for number in range(count):
        facts = listed.facts(number) if number < len(listed) else retired.facts(number - len(listed))
        cells = _cells(facts, retired=number >= len(listed))
        columns = tuple(map(max, columns, map(cell_len, cells)))
        for name, keeps in _KEEPS.items():
            if keeps(facts):
                kept[name].append(number)
    every = {"all": tuple(range(count)), **{name: tuple(numbers) for name, numbers in kept.items()}}
    return FilesAnswer(listed, retired, {**every, "retired": tuple(range(len(listed), count))}, columns)


def kind_word(kind: NameKind) -> str:
    """A kind of line in one short word."""
    if isinstance(kind, LaneKind):
        return kind.short
    return {"identity": "id", "timestamps": "times"}[kind]


class _Column(IntEnum):
    """The columns of the list; the last two are shown where the names leave room for them."""

    NAME = 0
    KIND = 1
    LINES = 2
    SIZE = 3
    TROUBLE = 4
    RANGE = 5
    WRITTEN = 6


def _cells(facts: FileFacts, *, retired: bool) -> tuple[str, ...]:
    """What stands in each column of a file's row."""
    listed = facts.file.listed
    return (
        safe(facts.file.handle if retired else listed.name),
        _kinds(facts),
        whole(facts.file.lines),
        size(listed.size),
        trouble_word(facts),
        span(*facts.held) if facts.held else "",
        moment(listed.modified, seconds=False) if listed.modified else "",
    )


def file_row(answer: FilesAnswer, number: int, width: int, glyphs: Glyphs) -> Row:
    """One file as a row: what is wrong with it, name, kind, lines, size; where there is room, range and time.

    Each column is as wide as it needs to be; a name is cut only where the others leave too little.
    """
    facts, columns, retired = answer.facts(number), answer.columns, answer.is_retired(number)
    cells = _cells(facts, retired=retired)
    room = width - 2 - sum(columns[column] + 2 for column in (_Column.KIND, _Column.LINES, _Column.SIZE))
    room -= columns[_Column.TROUBLE] + 2 if columns[_Column.TROUBLE] else 0
    further = []
    for column in (_Column.RANGE, _Column.WRITTEN):
        if room >= columns[_Column.NAME] + columns[column] + 2:
            room -= columns[column] + 2
            further.append(f"  {cells[column]:>{columns[column]}}")
    room = max(0, min(room, columns[_Column.NAME]))
    style = "dim" if retired else "text"
    told = (
        f"{cells[_Column.KIND]:<{columns[_Column.KIND]}}",
        f"{cells[_Column.LINES]:>{columns[_Column.LINES]}}",
        f"{cells[_Column.SIZE]:>{columns[_Column.SIZE]}}",
    )
    return (
        (f"{glyphs.problem} ", "conflict") if facts.troubled else ("  ", "text"),
        (padded(shorten(cells[_Column.NAME], room, glyphs.ellipsis), room), style),
        ("".join(f"  {cell}" for cell in told), style),
        ("".join(further), "dim"),
        (f"  {cells[_Column.TROUBLE]}", "conflict"),
    )


def _kinds(facts: FileFacts) -> str:
    kinds = [kind_word(kind) for kind, _ in facts.lines]
    if not kinds and facts.name is not None:
        kinds = [kind_word(facts.name.kind)]
    return kinds[0] if len(kinds) == 1 else "mixed" if kinds else "?"


def trouble_word(facts: FileFacts) -> str:
    """What is wrong with a file, in two words."""
    if facts.file.fault is not None:
        return "unreadable"
    if facts.file.bad_lines:
        return f"{whole(facts.file.bad_lines)} bad"
    if facts.name is None:
        return "unknown name"
    return "name differs" if facts.agrees is False else ""


def file_text(answer: FilesAnswer, number: int, glyphs: Glyphs) -> list[Paragraph]:
    """Everything that is known of one file."""
    facts, retired = answer.facts(number), answer.is_retired(number)
    file = facts.file
    story = [text(file.handle, "strong")]
    if retired:
        story.append(text("retired: stock never reads this folder, its lines are evidence only", "dim"))
    story += _trouble_text(facts)
    story.append(_fact("lines", _lines_words(facts)))
    story += _range_text(facts, glyphs)
    zipped = "   gzip" if file.gzip else ""
    story.append(_fact("size", f"{size(file.listed.size)}   {whole(file.listed.size)} bytes{zipped}"))
    story.append(_fact("written", _written_words(file.listed)))
    story += [
        _fact("note", f"{counted(count, 'line')} {_NOTE_WORDS.get(note, note)}") for note, count in file.notes.items()
    ]
    if not file.ends_with_newline and not file.fault:
        story.append(_fact("note", "the last line lacks its line feed"))
    if facts.findings:
        story.append(BLANK)
        story += [_finding_text(finding) for finding in facts.findings]
    return story


def _fact(name: str, words: str, style: str = "text") -> Paragraph:
    return runs((f"{name:<{_FACT_CELLS}}", "dim"), (words, style), hanging=_FACT_CELLS)


def _trouble_text(facts: FileFacts) -> Iterator[Paragraph]:
    """The parser's words, line by line."""
    if facts.file.fault is not None:
        yield _fact("unreadable", facts.file.fault.message, "conflict")
    for problem in facts.problems:
        yield _fact(
            f"line {whole(problem.claim.line)}", f"{quoted(problem.message)}   {title_of(problem.hazard)}", "conflict"
        )
    more = facts.file.bad_lines - len(facts.problems)
    if more > 0:
        yield _fact("", f"and {counted(more, 'more line')} that stock refuses", "conflict")


def _written_words(listed: Listed) -> str:
    if not listed.modified:
        return "time not known: the storage tells none"
    return f"{moment(listed.modified)}   (time of the object in the store)"


def _lines_words(facts: FileFacts) -> str:
    kinds = "   ".join(f"{kind_word(kind)} {whole(count)}" for kind, count in facts.lines)
    bad = f"   {whole(facts.file.bad_lines)} refused by stock" if facts.file.bad_lines else ""
    return f"{whole(facts.file.lines)}   {kinds}{bad}".rstrip()


def _range_text(facts: FileFacts, glyphs: Glyphs) -> Iterator[Paragraph]:
    """What the name promises beside what the lines hold."""
    name = facts.name
    if name is None:
        yield _fact("by name", "no name that stock gives to a metadata file", "conflict")
    elif isinstance(name.kind, LaneKind):
        kept = "compacted" if name.compacted else "repair" if name.repaired else "one line"
        yield _fact("by name", f"{_range_words(name, name.first, name.last)}   {name.kind.short}, {kept}")
    if facts.held is None or facts.file.fault is not None:
        return
    sign = "" if facts.agrees is None else f"   {glyphs.same if facts.agrees else glyphs.differs}"
    kind = next(kind for kind, _ in facts.lines if isinstance(kind, LaneKind))
    unit = name.unit if name is not None and name.kind is kind else kind.unit
    yield _fact("by lines", f"{unit}s {span(*facts.held)}{sign}", "conflict" if facts.agrees is False else "text")


def _range_words(name: MetadataName, first: int, last: int) -> str:
    return f"{name.unit}s {span(first, last)}"


def _finding_text(finding: Finding) -> Paragraph:
    style = "conflict" if finding.severity.rank >= 2 else "snapshot" if finding.severity.rank else "dim"
    words = f" {quoted(finding.stock_says)} " if finding.stock_says else " "
    return runs(
        (finding.severity.value, style),
        (f"  {title_of(finding.kind)}:", "strong"),
        (words + finding.explanation, "text"),
        hanging=2,
    )


def files_document(answer: FilesAnswer, name: str, location: str) -> dict[str, Any]:
    """What `x` writes: every file that the filter `name` keeps."""
    files = [_file_fields(answer.facts(number)) for number in answer.kept[name]]
    return {"schema": 1, "screen": "files", "store": location, "filter": name, "files": files}


def _file_fields(facts: FileFacts) -> dict[str, Any]:
    file, name = facts.file, facts.name
    return {
        "handle": file.handle,
        "size": file.listed.size,
        "modified": file.listed.modified,
        "gzip": file.gzip,
        "lines": file.lines,
        "bad_lines": file.bad_lines,
        "kinds": {str(kind): count for kind, count in facts.lines},
        "by_name": None if name is None else {"kind": str(name.kind), "first": name.first, "last": name.last},
        "by_lines": None if facts.held is None else {"first": facts.held[0], "last": facts.held[1]},
        "agrees": facts.agrees,
        "unreadable": file.fault.message if file.fault else None,
        "problems": [
            {"line": each.claim.line, "kind": each.hazard, "message": each.message} for each in facts.problems
        ],
        "findings": [finding.id for finding in facts.findings],
    }
