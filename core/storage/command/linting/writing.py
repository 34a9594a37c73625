"""Rules on the commands that write: how they tell a handle, close their output, and keep what is there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Final

from core.model import Severity
from core.storage.command.linting.lexer import Word
from core.storage.command.linting.model import LintProblem, Subject, rule
from core.storage.command.linting.shell import Script, Simple

_SAVE: Final = "save_metadata_line"
_MOVE: Final = "backup_metadata_file"
_WANTED: Final = "metadata/$FILE_NAME"
_PRINTING: Final = ("echo", "printf")
_VARIABLE_RE: Final = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
#: By tool that copies or moves: options and headers that keep what is there, and the one to add.
_KEEPING: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "aws": (frozenset(("--no-overwrite", "--if-none-match")), ""),
    "gsutil": (frozenset(("-n", "x-goog-if-generation-match:0")), "-n"),
    "gcloud": (frozenset(("-n", "--no-clobber", "--if-generation-match=0")), "--no-clobber"),
    "azcopy": (frozenset(("--overwrite=false",)), "--overwrite=false"),
    "rclone": (frozenset(("--immutable", "--ignore-existing")), "--immutable"),
    "mv": (frozenset(("-n", "--no-clobber")), "-n"),
    "cp": (frozenset(("-n", "--no-clobber")), "-n"),
}
#: What makes `mv` and `cp` replace after all.
_FORCING: Final = frozenset(("-f", "--force"))
#: The words of a tool that carry content, behind which an option may stand.
_VERBS: Final = frozenset(("cp", "mv", "copy", "move", "rcat", "copyto", "moveto", "sync", "put-object"))


@rule("adapter-handle-mismatch")
def printed_handle(subject: Subject) -> Iterator[LintProblem]:
    """The handle that is printed when metadata is saved must be the one that the listing shows."""
    script = subject.scripts[_SAVE]
    told = _first_print(script)
    if told is None:
        if any(each.name not in _QUIET for each in script.simples if each.name):
            yield subject.problem(
                "adapter-handle-mismatch",
                Severity.ERROR,
                _SAVE,
                _last_line_start(script),
                "it prints no handle, so compaction takes its own new files for old ones and sets them aside",
                _with_print(script),
            )
        return
    simple, word = told
    handle = _resolved(subject, script, word)
    if handle is not None and handle != _WANTED:
        yield subject.problem(
            "adapter-handle-mismatch",
            Severity.ERROR,
            _SAVE,
            simple.words[0].start,
            f"it prints {handle} where the listing shows {_WANTED}: compaction takes its own new files for old ones",
            f'echo "{_WANTED}"',
        )


@rule("adapter-stdout-open")
def open_output(subject: Subject) -> Iterator[LintProblem]:
    """Stock reads the handle to the end of the output before it writes the content."""
    for command in (_SAVE, "create_for_write"):
        script = subject.scripts[command]
        if any(each.name == "exec" and _closes(each) for each in script.simples):
            continue
        told = _first_print(script)
        line = script.line_text(script.line_of(told[0].words[0].start)) if told else ""
        yield subject.problem(
            "adapter-stdout-open",
            Severity.ERROR,
            command,
            told[0].words[0].start if told else _last_line_start(script),
            "it never closes its output, for which stock waits before it writes: both wait for ever",
            _closing_line(script, line, told[0].end) if told else _with_print(script),
        )


@rule("adapter-no-move-command")
def missing_move(subject: Subject) -> Iterator[LintProblem]:
    """Compaction aborts as soon as something expires."""
    if _MOVE in subject.scripts:
        return
    yield LintProblem(
        "adapter-no-move-command",
        Severity.ERROR,
        _MOVE,
        0,
        "",
        "there is none: stock compaction aborts with `metadata backup command not defined !` a day after its first run",
        "`seamline adapter STORE` prints all six commands for a folder or a bucket",
    )


@rule("cloud-overwrite")
def replacing_save(subject: Subject) -> Iterator[LintProblem]:
    """A metadata file of that name that is there already is replaced."""
    script = subject.scripts[_SAVE]
    carrying = _transfers(script)
    simple = carrying[-1] if carrying else None
    if simple is not None and not any(_keeps(each) for each in carrying):
        yield subject.problem(
            "cloud-overwrite",
            Severity.INFO,
            _SAVE,
            simple.words[0].start,
            f"{simple.name} replaces a metadata file that has the name already, and its backup is lost to the index",
            _kept_line(subject, _SAVE, simple),
        )
    elif simple is None and (target := _replaced_file(script)) is not None:
        yield subject.problem(
            "cloud-overwrite",
            Severity.INFO,
            _SAVE,
            target.start,
            "`>` replaces a metadata file that has the name already, and its backup is lost to the index",
        )


@rule("backup-dir-overwrite")
def replacing_move(subject: Subject) -> Iterator[LintProblem]:
    """A file of that name in `metadata_backup/` is replaced, and a move that is cut off leaves two files."""
    if _MOVE not in subject.scripts:
        return
    carrying = _transfers(subject.scripts[_MOVE])
    if not carrying or any(_keeps(each) for each in carrying):
        return
    simple = carrying[-1]
    copies = "" if simple.name == "mv" else ", and copies before it deletes: one that is cut off leaves both"
    yield subject.problem(
        "backup-dir-overwrite",
        Severity.INFO,
        _MOVE,
        simple.words[0].start,
        f"{simple.name} replaces a file of the same name in metadata_backup/{copies}",
        _kept_line(subject, _MOVE, simple),
    )


_NO_CLOBBER: Final = (("set", "-C"), ("set", "-o", "noclobber"))
_QUIET: Final = frozenset(("cd", "mkdir", "exec", "exit", "set", "test", "["))


def _first_print(script: Script) -> tuple[Simple, Word] | None:
    """The first command that prints to the output, and what it prints."""
    for simple in script.simples:
        to_file = any(operator.text in (">", ">>", "1>", ">&", "1>&") for operator, _ in simple.redirections)
        if simple.name in _PRINTING and not to_file and simple.after != "|" and len(simple.arguments) > 1:
            return simple, simple.arguments[-1]
    return None


def _with_print(script: Script) -> str:
    """A command of one line with the handle printed and the output closed before it; "" for one of several."""
    text = script.text.strip()
    return "" if "\n" in text else f'echo "{_WANTED}" && exec 1>&- && {text}'


def _resolved(subject: Subject, script: Script, word: Word) -> str | None:
    """What a word says, its variables followed to the parameters; None where that can't be told."""
    values = {each.assigned: each.plain.partition("=")[2] for simple in script.simples for each in simple.words}
    text = word.plain
    for _ in range(8):
        replaced = _VARIABLE_RE.sub(lambda found: values.get(found[1], found[0]), text)
        if replaced == text:
            break
        text = replaced
    text = _VARIABLE_RE.sub(lambda found: subject.config.env_vars.get(found[1], f"${found[1]}"), text)
    return None if "$(" in text or "`" in text or set(_VARIABLE_RE.findall(text)) - {"FILE_NAME"} else text


def _closes(simple: Simple) -> bool:
    return any(operator.text in (">&", "1>&", ">", "1>", "&>", ">>", "1>>") for operator, _ in simple.redirections)


def _closing_line(script: Script, line: str, end: int) -> str:
    """The printing line with the closing one behind it; in a chain of `&&` as a further link."""
    if "&&" not in line:
        return f"{line}\nexec 1>&-"
    offset = end - (script.text.rfind("\n", 0, end) + 1)
    return f"{line[:offset]} && exec 1>&-{line[offset:]}"


def _last_line_start(script: Script) -> int:
    return script.simples[-1].words[0].start if script.simples and script.simples[-1].words else 0


def _transfers(script: Script) -> list[Simple]:
    """The simple commands by which a known tool carries content; one that keeps what is there speaks for all."""
    return [each for each in script.simples if each.name in _KEEPING and _VERBS & set(each.plain)]


def _keeps(simple: Simple) -> bool:
    keeping = _KEEPING[simple.name][0]
    words = simple.plain[1:]
    spelled = {*words, *(f"{one}={two}" for one, two in pairwise(words))}
    return bool(spelled & keeping) and not spelled & _FORCING


def _kept_line(subject: Subject, command: str, simple: Simple) -> str:
    """The line with the option that keeps what is there; "" for a tool without one."""
    option = _KEEPING[simple.name][1]
    verb = next((word for word in simple.arguments if word.plain in _VERBS), None)
    forcing = next((word for word in simple.arguments if word.plain in _FORCING), None)
    if not option or verb is None:
        return ""
    if forcing is not None:
        return subject.corrected(command, forcing.start, (forcing.start, forcing.end), option)
    return subject.corrected(command, verb.start, (verb.start, verb.end), f"{verb.text} {option}")


def _replaced_file(script: Script) -> Word | None:
    """The file that the content is written to over whatever is there."""
    guarded = any(
        (each.name in ("test", "[", "[[") and "!" in each.plain) or each.plain[:3] in _NO_CLOBBER
        for each in script.simples
    )
    words = [
        word
        for simple in script.simples
        for operator, word in simple.redirections
        if operator.text in (">", "1>") and any(use.name in ("FILE_NAME", "FILE_HANDLE") for use in word.uses)
    ]
    return words[-1] if words and not guarded else None
