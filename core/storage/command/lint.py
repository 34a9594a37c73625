"""What is wrong with a command adapter configuration, told from its text alone: nothing is run, nothing is asked.

One function a hazard (`hazards.md`, "Storage"), registered in `core.storage.command.linting`. A configuration
without any of them yields nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

import yaml

from core.errors import UsageError

# Importing the rules registers them.
from core.storage.command.config import CommandConfig
from core.storage.command.linting import listing, values, writing
from core.storage.command.linting.listing import raw_listing
from core.storage.command.linting.model import PARAMETERS, RULES, LintProblem, Subject

__all__ = ["RULES", "CodeRefused", "LintProblem", "command_lines", "lint", "raw_listing", "refusals"]

_RULE_MODULES: Final = (values, listing, writing)
_ORDER: Final = {name: number for number, name in enumerate(PARAMETERS)}


class CodeRefused(UsageError):
    """Commands that read text as code are not run unless the operator insists. Nothing was run."""


def lint(config: CommandConfig, known: Collection[str] = ()) -> tuple[LintProblem, ...]:
    """Every problem of a configuration, the worst first; `known` are the variables of the environment it is run in."""
    subject = Subject(config, frozenset(known))
    found = [problem for rule in RULES.values() for problem in rule(subject)]
    return tuple(sorted(found, key=lambda each: (-each.severity.rank, _ORDER[each.command], each.line)))


def refusals(config: CommandConfig) -> tuple[LintProblem, ...]:
    """Why a configuration is not used unless the operator insists (`hazards.md`, `own-shell-values`).

    These are eval, nested shells and their like. Values of the store without quotes are none of them: bash splits such
    a value, and runs nothing of it.
    """
    return tuple(problem for problem in lint(config) if problem.executes)


def command_lines(data: bytes) -> Mapping[str, int]:
    """By command, the line of the YAML in which its text begins; empty for a text that is no YAML.

    Right for texts that stand in one line or in a block (`|`), which keep their lines.
    """
    try:
        top = yaml.compose(data.decode(), Loader=yaml.BaseLoader)
    except (UnicodeDecodeError, yaml.YAMLError, RecursionError):
        return {}
    return {name: node.start_mark.line + (2 if node.style in ("|", ">") else 1) for name, node in _commands(top)}


def _commands(top: yaml.Node | None) -> Iterator[tuple[str, yaml.ScalarNode]]:
    for key, value in top.value if isinstance(top, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode) and key.value == "commands" and isinstance(value, yaml.MappingNode):
            for name, node in value.value:
                if isinstance(name, yaml.ScalarNode) and isinstance(node, yaml.ScalarNode):
                    yield name.value, node
