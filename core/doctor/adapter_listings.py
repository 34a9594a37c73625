"""What a command adapter's filter makes of a listing: of the one that its tool prints, and of lines that it may print.

The configuration's own text is run, and nothing else: the lines come in through the environment (`own-shell-values`).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Final

from core.doctor.model import Bars, Result
from core.doctor.patient import Patient, StoreKind
from core.doctor.registry import Topic, check
from core.phrases import count, shown
from core.storage.command.config import CommandConfig
from core.storage.command.lint import raw_listing, refusals
from core.storage.command.process import CommandFailed, last_words, run_command

_MAX_LISTING: Final = 64 << 20
#: Seconds without a line after which a listing is given up.
_IDLE_SECONDS: Final = 30.0
_METADATA_RE: Final = re.compile(r"[A-Za-z0-9._-]+\.meta\b")
_SPACED: Final = "odd name.meta"


@dataclass(frozen=True, slots=True)
class Tool:
    """How a tool lists: a file in each form that it has had, what is no file, and a filter that fits."""

    files: tuple[str, ...]
    folders: tuple[str, ...]
    filter: str

    @property
    def lines(self) -> Mapping[str, str]:
        """A line for a file in each form, by its name."""
        return {f"transaction_{number}-.meta": line for number, line in enumerate(self.files)}


_S3: Final = Tool(
    ("2024-01-31 10:20:30       1234 {}",),
    ("                           PRE old/", "2024-01-31 10:20:30          0 "),
    r"sed -ne 's#^[-0-9]* [:0-9]* *[0-9]* \(..*\.meta\)$#metadata/\1#p'",
)
_GCS: Final = Tool(
    ("gs://bucket/prefix/metadata/{}",),
    ("gs://bucket/prefix/metadata/", "gs://bucket/prefix/metadata/old/"),
    r"sed -ne 's#^gs://.*/metadata/\([^/]*\.meta\)$#metadata/\1#p'",
)
_AZURE: Final = Tool(
    ("INFO: {};  Content Length: 1.23 KiB", "{}; Content Length: 1.23 KiB"),
    (),
    r"sed -ne 's#; *Content Length.*##;s#^INFO: ##;s#^\([^/]*\.meta\)$#metadata/\1#p'",
)
#: By what the listing calls.
TOOLS: Final[Mapping[re.Pattern[str], Tool]] = {
    re.compile(r"\baws\b.* s3 ls\b"): _S3,
    re.compile(r"\bgsutil\b.* ls\b"): _GCS,
    re.compile(r"\bgcloud storage\b.* ls\b"): _GCS,
    re.compile(r"\bazcopy (?:ls|list)\b"): _AZURE,
}


@check("adapter-listing", "listing filter", StoreKind.ADAPTER, needs_listing=False)
def filtered(patient: Patient, topic: Topic) -> Iterator[Result]:
    """The listing without its filter, and without what hides its failure: raw lines against handles."""
    config = patient.config
    parts = raw_listing(config.list_metadata_files) if config else None
    if config is None or _is_refused(config):
        return
    if parts is None:
        yield topic.ok("the listing is no pipeline with a filter that could be left out")
        return
    patient.heed()
    try:
        lines = _printed(config, parts[0])
        handles = set(_printed(config, config.list_metadata_files))
    except CommandFailed as failed:
        words = last_words(config.without_secrets(failed.words))
        yield topic.problem(
            f"without what hides it, the listing {failed.why}{f': {words}' if words else ''}",
            "stock takes a listing that fails like this for an empty store (empty-listing-new-identity)",
            "run list_metadata_files by hand without its `||:`; look at its tool, the network and the credentials",
            Bars.READING,
        )
        return
    lost = [line for line in lines if (name := _METADATA_RE.search(line)) and f"metadata/{name[0]}" not in handles]
    seen = f"{count(len(lines), 'line')} of the tool, {count(len(handles), 'handle')} behind the filter"
    if not lost:
        yield topic.ok(seen)
        return
    yield topic.problem(
        f"{seen}; of `{shown(config.without_secrets(lost[0].strip()))}` it makes no handle",
        "the filter does not fit what the tool prints: files are missing for stock (list-filter-drift)",
        _advice(config, parts[0]),
        Bars.READING if not handles else Bars.WRITING,
    )


@check("adapter-filter", "filter on odd lines", StoreKind.ADAPTER, needs_listing=False)
def tried(patient: Patient, topic: Topic) -> Iterator[Result]:
    """What the filter makes of lines that its tool prints in other versions, of folders, and of odd names."""
    config = patient.config
    parts = raw_listing(config.list_metadata_files) if config else None
    tool = next((tool for pattern, tool in TOOLS.items() if parts and pattern.search(parts[0])), None)
    if config is None or parts is None or tool is None or _is_refused(config):
        return
    patient.heed()
    faults = list(filter_faults(config, parts[1], tool))
    for hazard, seen, why in faults:
        yield Topic(hazard, topic.title).note(seen, why, _advice(config, parts[0]))
    if not faults:
        yield topic.ok("it takes files in every form that its tool prints, and nothing else")


def _is_refused(config: CommandConfig) -> bool:
    """Whether no command of a configuration is to be run."""
    return bool(refusals(config)) and not config.accept_code


def filter_faults(config: CommandConfig, filter_: str, tool: Tool) -> Iterator[tuple[str, str, str]]:
    """Hazard, what is made of which line, and what comes of that."""
    for name, line in tool.lines.items():
        made = _made(config, filter_, line.format(name))
        if made != [f"metadata/{name}"]:
            why = "its tool prints such lines in some of its versions, and then the store looks empty"
            yield "list-filter-drift", _said(line.format(name), made), why
            break
    for line in tool.folders:
        made = _made(config, filter_, line)
        if made:
            why = "that is a folder: once somebody makes one there, no stock command works on the store"
            yield "list-placeholder", _said(line, made), why
            break
    line = tool.files[0].format(_SPACED)
    made = _made(config, filter_, line)
    if made and made != [f"metadata/{_SPACED}"]:
        yield "list-name-with-space", _said(line, made), "a file with a blank in its name is looked for under another"


def _made(config: CommandConfig, filter_: str, line: str) -> list[str]:
    """What the filter prints for a line; a filter that fails prints nothing."""
    text = f"printf '%s\\n' \"$SEAMLINE_LINE\" | {filter_}"
    try:
        return _printed(config, text, {"SEAMLINE_LINE": line})
    except CommandFailed:
        return []


def _said(line: str, made: list[str]) -> str:
    return f"of the line `{line.strip()}` the filter makes {f'`{shown(made[0])}`' if made else 'nothing'}"


def _advice(config: CommandConfig, raw: str) -> str:
    """The listing with a filter that fits, where its tool is known."""
    tool = next((tool for pattern, tool in TOOLS.items() if pattern.search(raw)), None)
    if tool is None:
        return "mend the filter, or have `seamline adapter STORE` print a whole configuration"
    return f"{config.without_secrets(' '.join(raw.split()))} | {tool.filter}"


def _printed(config: CommandConfig, text: str, more: Mapping[str, str] | None = None) -> list[str]:
    with tempfile.SpooledTemporaryFile(1 << 20) as printed:
        run_command(text, {**config.env_vars, **(more or {})}, printed, _MAX_LISTING, Event(), _IDLE_SECONDS)
        printed.seek(0)
        return [line.decode("utf-8", "surrogateescape").rstrip("\r\n") for line in printed]
