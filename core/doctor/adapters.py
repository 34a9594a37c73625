"""What can be told of a command adapter without running it: its commands' text, and the file that they stand in."""

from __future__ import annotations

import re
import stat as stat_bits
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from core.doctor.model import Bars, CheckState, Result
from core.doctor.patient import Patient, StoreKind
from core.doctor.registry import Topic, check
from core.model import Severity
from core.phrases import command, shown
from core.storage.command.config import MAX_CONFIG_BYTES, CommandConfig
from core.storage.command.lint import LintProblem, command_lines, lint

_SECRET_NAME_RE: Final = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|SAS|KEY|CREDENTIAL", re.IGNORECASE)
_SECRET_VALUE_RE: Final = re.compile(r"[?&](?:sig|signature|token)=", re.IGNORECASE)
#: The commands without which nothing can be written or set aside.
_WRITING: Final = frozenset(("create_backup", "create_for_write", "save_metadata_line", "backup_metadata_file"))
_STATES: Final = {
    Severity.CRITICAL: CheckState.PROBLEM,
    Severity.ERROR: CheckState.PROBLEM,
    Severity.WARNING: CheckState.NOTE,
    Severity.INFO: CheckState.NOTE,
}


@check("adapter-commands", "commands", StoreKind.ADAPTER, needs_listing=False)
def commands(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Each hazard of `hazards.md`, "Storage", that the text of the commands shows."""
    if patient.config is None or patient.path is None:
        return
    lines = command_lines(_content(patient.path))
    problems = lint(patient.config, patient.environment)
    for problem in problems:
        yield _told(problem, lines.get(problem.command, 0), topic)
    if not problems:
        yield topic.ok("none of the hazards of command adapters is in the text of these commands")


@check("adapter-file", "configuration", StoreKind.ADAPTER, needs_listing=False)
def file_itself(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Where the YAML lies, and who may read or change it: it is code, and may hold secrets."""
    config, path = patient.config, patient.path
    if config is None or path is None:
        return
    mode = path.stat().st_mode
    found = False
    if mode & (stat_bits.S_IWGRP | stat_bits.S_IWOTH):
        found = True
        yield topic.problem(
            f"others may change it (mode {mode & 0o7777:o})",
            "whoever changes it has their commands run as you (config-is-code)",
            command("chmod", "go-w", str(path)),
        )
    secrets = [name for name, value in config.env_vars.items() if _is_secret(name, value)]
    if secrets and mode & stat_bits.S_IROTH:
        found = True
        yield topic.problem(
            f"everybody here may read it (mode {mode & 0o7777:o}), and {shown(secrets[0])} looks like a secret",
            "whoever has the secret has the store (own-secrets)",
            command("chmod", "go-rwx", str(path)),
        )
    store = _store_around(config, path)
    if store is not None:
        found = True
        yield topic.problem(
            f"it lies in {shown(store)}, the store that it leads to",
            "whoever may write the store may then run commands as you (config-is-code)",
            f"{command('mv', str(path))} ~/",
        )
    if not found:
        yield topic.ok(f"mode {mode & 0o7777:o}, outside the store")


def _told(problem: LintProblem, first_line: int, topic: Topic) -> Result:
    line = first_line + problem.line - 1 if first_line and problem.line else 0
    where = f"{problem.command}, line {line}" if line else problem.command
    text = f": {shown(problem.text)}" if problem.text else ""
    # A file that reads text as code is not used at all, or is wanted as it is.
    breaks = problem.severity.rank >= Severity.ERROR.rank and problem.command in _WRITING and not problem.executes
    bars = Bars.WRITING if breaks else Bars.NOTHING
    return Result(
        problem.hazard, topic.title, _STATES[problem.severity], f"{where}{text}", problem.why, problem.correction, bars
    )


def _is_secret(name: str, value: str) -> bool:
    return bool(value) and bool(_SECRET_NAME_RE.search(name) or _SECRET_VALUE_RE.search(value))


def _store_around(config: CommandConfig, path: Path) -> str | None:
    """The folder named by a variable that the YAML itself lies in, if there is metadata in it."""
    real = path.resolve()
    for value in config.env_vars.values():
        folder = Path(value)
        if value.startswith("/") and (folder / "metadata").is_dir() and real.is_relative_to(folder.resolve()):
            return value
    return None


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_CONFIG_BYTES)
