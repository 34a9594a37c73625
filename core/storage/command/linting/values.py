"""Rules on the variables of a command: unquoted, undefined, or run as code."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Final

from core.model import Severity
from core.storage.command.linting.lexer import Use, Word
from core.storage.command.linting.model import PARAMETERS, LintProblem, Subject, rule
from core.storage.command.linting.shell import Script, Simple

_SHELLS: Final = frozenset(("bash", "sh", "dash", "zsh", "ksh", "ash"))
_INTERPRETERS: Final = frozenset(("python", "python3", "perl", "ruby", "node"))
#: Names that bash sets by itself.
_BASH_SETS: Final = frozenset(
    (
        *("BASHOPTS", "COLUMNS", "DIRSTACK", "EPOCHREALTIME", "EPOCHSECONDS", "EUID", "FUNCNAME", "GROUPS", "HOSTNAME"),
        *("HOSTTYPE", "IFS", "LINENO", "LINES", "MACHTYPE", "OPTARG", "OPTERR", "OPTIND", "OSTYPE", "PIPESTATUS"),
        *("PPID", "PS4", "PWD", "RANDOM", "REPLY", "SECONDS", "SHELL", "SHELLOPTS", "SHLVL", "SRANDOM", "UID"),
        # The environment of every process that somebody has logged in for.
        *("HOME", "LANG", "LOGNAME", "PATH", "TERM", "TMPDIR", "USER"),
    )
)
_BASH_RE: Final = re.compile(r"BASH(?:PID|_[A-Z]+)?|LC_[A-Z]+")
_AZURE_RE: Final = re.compile(r"\.(?:blob|dfs)\.core\.windows\.net/")


@rule("adapter-argument-splitting")
def unquoted_values(subject: Subject) -> Iterator[LintProblem]:
    """Values out of the store, or of the configuration where they hold blanks, that bash splits."""
    for command, script in subject.scripts.items():
        foreign = subject.foreign(command)
        lines: dict[int, dict[int, tuple[Word, Use]]] = {}
        for simple in script.simples:
            for word, use in simple.split_uses:
                if use.name in foreign or _is_split(subject.config.env_vars.get(use.name, "")):
                    lines.setdefault(script.line_of(use.start), {})[use.start] = word, use
        for line, found in lines.items():
            names = dict.fromkeys(f"${use.name}" for _, use in found.values())
            at = min(found)
            yield subject.problem(
                "adapter-argument-splitting",
                Severity.WARNING,
                command,
                at,
                f"{' and '.join(names)} {'stands' if len(names) == 1 else 'stand'} there without quotes: a name with a "
                "blank becomes two words, one with a star many",
                _quoted_line(script, line, [word for word, _ in found.values()]),
            )


@rule("azure-sample-broken")
def undefined_variables(subject: Subject) -> Iterator[LintProblem]:
    """Variables that nothing sets: stock runs every command under nounset."""
    for command, script in subject.scripts.items():
        known = {*subject.config.env_vars, *subject.known, *PARAMETERS[command], *script.assigned, *_BASH_SETS}
        told: set[str] = set()
        for use in script.uses:
            if use.name in known or use.has_default or use.name in told or _BASH_RE.fullmatch(use.name):
                continue
            told.add(use.name)
            near = difflib.get_close_matches(use.name, sorted(known - subject.known - _BASH_SETS), n=1, cutoff=0.7)
            meant = f", and ${near[0]} is meant" if near else ""
            yield subject.problem(
                "azure-sample-broken",
                Severity.ERROR,
                command,
                use.start,
                f"nothing sets ${use.name}, so the command ends with `{use.name}: unbound variable`{meant}",
                _with_container(subject, subject.corrected(command, use.start, (use.start, use.end), f"${near[0]}"))
                if near
                else "",
            )


@rule("azure-sample-broken")
def missing_container(subject: Subject) -> Iterator[LintProblem]:
    """An Azure URL without the container that the configuration names."""
    for command, script in subject.scripts.items():
        for found in _AZURE_RE.finditer(script.text):
            line = script.line_text(script.line_of(found.start()))
            if "CONTAINER" not in subject.config.env_vars or _with_container(subject, line) == line:
                continue
            yield subject.problem(
                "azure-sample-broken",
                Severity.ERROR,
                command,
                found.start(),
                "the URL lacks $CONTAINER, which every other URL of Azure begins with behind the account",
                _with_container(subject, _with_names(subject, command, line)),
            )
            break


@rule("config-is-code")
def nested_code(subject: Subject) -> Iterator[LintProblem]:
    """Text that is read as commands a second time."""
    for command, script in subject.scripts.items():
        for simple in script.simples:
            why = _second_reading(simple)
            if why:
                yield subject.problem(
                    "config-is-code", Severity.ERROR, command, simple.words[0].start, why, executes=True
                )


@rule("config-is-code")
def odd_substitutions(subject: Subject) -> Iterator[LintProblem]:
    """Backticks around values of the store, and words that xargs makes of a listing."""
    for command, script in subject.scripts.items():
        foreign = subject.foreign(command)
        use = next((each for each in script.uses if each.in_backticks and each.name in foreign), None)
        if use is not None:
            yield subject.problem(
                "config-is-code",
                Severity.WARNING,
                command,
                use.start,
                f"${use.name} stands inside backticks, where quotes mean something else",
                "write $( … ) instead of the backticks, with the variable in double quotes",
            )
        for simple in script.simples:
            if simple.name == "xargs" and not any(_is_null_option(text) for text in simple.plain[1:]):
                yield subject.problem(
                    "config-is-code",
                    Severity.WARNING,
                    command,
                    simple.words[0].start,
                    "xargs without -0 splits names at blanks and reads quotes and backslashes in them",
                    "find … -print0 | xargs -0 …, or a loop: while IFS= read -r name; do …; done",
                )


def _is_split(value: str) -> bool:
    return any(char in value for char in " \t\n*?[")


def _quoted_line(script: Script, line: int, words: list[Word]) -> str:
    """A line with double quotes around what is to be quoted."""
    start = sum(len(each) + 1 for each in script.text.split("\n")[: line - 1])
    text = script.line_text(line)
    # From the end on, so that what comes before keeps its place.
    for word in sorted(set(words), key=lambda each: -each.start):
        first, last = word.start - start, word.end - start
        if first >= 0 and last <= len(text):
            text = f"{text[:first]}{_quoted_word(word)}{text[last:]}"
    return text


def _quoted_word(word: Word) -> str:
    if not re.search(r"[\"'\\`]|\$\(|=", word.text):
        return f'"{word.text}"'
    text = word.text
    for use in sorted((use for use in word.uses if not use.quoted), key=lambda use: -use.start):
        first, last = use.start - word.start, use.end - word.start
        text = f'{text[:first]}"{text[first:last]}"{text[last:]}'
    return text


def _with_names(subject: Subject, command: str, line: str) -> str:
    """A line in which names that nothing sets are replaced by those that are meant."""
    known = {*subject.config.env_vars, *PARAMETERS[command], *subject.scripts[command].assigned}

    def meant(found: re.Match[str]) -> str:
        near = difflib.get_close_matches(found[1], sorted(known), n=1, cutoff=0.7)
        return found[0] if found[1] in known | subject.known or not near else f"${near[0]}"

    return re.sub(r"\$([A-Za-z_][A-Za-z0-9_]*)", meant, line)


def _with_container(subject: Subject, line: str) -> str:
    if "CONTAINER" not in subject.config.env_vars:
        return line
    value = re.escape(subject.config.env_vars["CONTAINER"])
    missing = rf"(\.(?:blob|dfs)\.core\.windows\.net/)(?!\$\{{?CONTAINER\b|{value}/)(?=\$|\w)"
    return re.sub(missing, r"\1$CONTAINER/", line)


def _second_reading(simple: Simple) -> str:
    """Why a command reads text as code; "" if it does not."""
    plain = simple.plain
    for number, word in enumerate(plain):
        name = word.rpartition("/")[2]
        option = next((text for text in plain[number + 1 :] if text.startswith("-")), "")
        if name == "eval" and number == 0:
            return "eval reads its text as commands: whatever a name holds is run"
        if name in _SHELLS and re.fullmatch(r"-[a-z]*c", option):
            return f"{name} {option} reads a text as commands once more: a name that gets into it is run"
        if name in _INTERPRETERS and option in ("-c", "-e") and any(word.uses for word in simple.arguments):
            return f"{name} {option} reads a text as a program: a name that gets into it is run"
    if simple.name in ("source", ".") and any(word.uses for word in simple.arguments):
        return f"{simple.name} runs the file that a variable names"
    if simple.name == "ssh" and any(word.uses for word in simple.arguments):
        return "ssh has its words read as commands on the other side: a name that gets into them is run"
    return ""


def _is_null_option(text: str) -> bool:
    return text == "--null" or (
        re.fullmatch(r"-[a-zA-Z0-9]*0[a-zA-Z0-9]*", text) is not None and text[1] not in "nPLsI"
    )
