"""What the linter of adapter commands says, what its rules look at, and the registry of the rules.

To add a rule: one function decorated with `@rule("hazard-id")` that yields problems of that hazard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final, TypeAlias

from core.model import Severity
from core.storage.command.config import CommandConfig
from core.storage.command.linting.shell import Script, read_script

#: What stock hands to each command, in the environment (`format.md`, "Command adapter configuration").
PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "create_backup": ("BACKUP_NAME",),
    "create_for_write": ("BACKUP_HANDLE", "FILE_NAME"),
    "open_for_read": ("FILE_HANDLE",),
    "save_metadata_line": ("FILE_NAME",),
    "list_metadata_files": (),
    "backup_metadata_file": ("FILE_NAME",),
}


@dataclass(frozen=True, slots=True)
class LintProblem:
    """One thing that is wrong with a command.

    `hazard` is its id in `hazards.md`; `line` counts from 1 within the command, 0 where the command is missing; `text`
    is that line and `correction` what could stand there instead ("" where that can't be told), both without secrets.
    `executes` is whether text out of a store could be run as code (`own-shell-values`).
    """

    hazard: str
    severity: Severity
    command: str
    line: int
    text: str
    why: str
    correction: str = ""
    executes: bool = False


@dataclass(frozen=True, eq=False)
class Subject:
    """A configuration under examination; `known` are variables that the environment has besides."""

    config: CommandConfig
    known: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def scripts(self) -> Mapping[str, Script]:
        """The commands that there are, by name."""
        texts = {name: getattr(self.config, name) for name in PARAMETERS}
        return {name: read_script(text) for name, text in texts.items() if text is not None}

    def foreign(self, command: str) -> set[str]:
        """The variables of a command whose values come out of the store, or are made of such."""
        script = self.scripts[command]
        names = set(PARAMETERS[command])
        if command == "list_metadata_files":
            return {name for name in script.assigned if name not in self.config.env_vars}
        for simple in script.simples:
            for word in simple.words:
                if word.assigned and any(use.name in names for use in word.uses):
                    names.add(word.assigned)
        return names

    def problem(
        self,
        hazard: str,
        severity: Severity,
        command: str,
        at: int,
        why: str,
        correction: str = "",
        *,
        executes: bool = False,
    ) -> LintProblem:
        """A problem at an offset in a command; `correction` is for the whole line."""
        script = self.scripts[command]
        line = script.line_of(at)
        clean = self.config.without_secrets
        text = clean(script.line_text(line).strip())
        return LintProblem(hazard, severity, command, line, text, why, clean(correction.strip()), executes)

    def corrected(self, command: str, at: int, old: tuple[int, int], new: str) -> str:
        """The line of an offset with the text between two offsets replaced."""
        script = self.scripts[command]
        start = script.text.rfind("\n", 0, at) + 1
        end = script.text.find("\n", at)
        end = len(script.text) if end < 0 else end
        return script.text[start : old[0]] + new + script.text[min(old[1], end) : end]


Rule: TypeAlias = Callable[[Subject], Iterator[LintProblem]]

_registry: dict[str, Rule] = {}
RULES: Final[Mapping[str, Rule]] = MappingProxyType(_registry)
"""All rules by the id of their hazard and the name of their function, in the order in which they were registered."""


def rule(hazard: str) -> Callable[[Rule], Rule]:
    """Register the decorated function for a hazard."""

    def register(function: Rule) -> Rule:
        _registry[f"{hazard}:{function.__name__}"] = function
        return function

    return register
