"""What stands in the lock file (`lease.md`, "Where and what"): strict JSON of at most 1 KB, and never trusted.

Whatever a text field says, a record that is read or written shows in one line and hides nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from core.errors import SeamlineError
from core.host import Process
from core.invocation import Advice, Lock

#: Bytes a lock file may have.
MAX_BYTES: Final = 1024
#: What the operator types to break a lock file that names no owner.
UNREADABLE: Final = "unreadable"
VERSION: Final = 1
#: Seconds that a ttl may say; what another writer says beyond is taken for the nearest.
TTL_BOUNDS: Final = (1.0, 3600.0)
#: What part of a ttl is kept as a distance between two clocks that run at different speeds.
MARGIN: Final = 0.1
#: Tokens stay where every JSON reader takes them exactly.
MAX_TOKEN: Final = 2**53 - 1
_STATES: Final = ("held", "free")
_ID_RE: Final = re.compile(r"[0-9A-Za-z_-]{1,32}")
#: Bytes that each text may take in the file, so that the whole always keeps within `MAX_BYTES`.
_MOST_BYTES: Final = {
    "purpose": 32,
    "operation": 96,
    "pid_started": 24,
    "boot_id": 96,
    "user": 32,
    "host": 64,
    "app": 32,
    "progress": 96,
    "broken_by": 100,
}


class LeaseUnreadable(SeamlineError):
    """The lock file can't be understood, so nobody knows who may write. Nothing was changed."""

    exit_code = 11
    kind = "lease-unreadable"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the lease can't be read, so nothing is written: compaction.lock {why}",
            hint=Advice("if nothing writes to the store: ", Lock(action="break", owner=UNREADABLE)),
        )
        self.why = why


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """The lease as it was last written.

    `ttl` in seconds; `timestamp` is when the holding began, by its holder's wall clock (unix seconds), for display
    only; `broken_by` is who broke it, if somebody did.
    """

    state: str
    token: int
    seq: int
    ttl: float
    owner: str
    nonce: str
    purpose: str
    operation: str
    timestamp: int
    pid: int
    pid_started: str
    boot_id: str
    user: str
    host: str
    app: str
    progress: str
    broken_by: str = ""
    v: int = VERSION

    @property
    def is_held(self) -> bool:
        """Whether it says that somebody may write."""
        return self.state == "held"

    @property
    def holder(self) -> Process:
        """The process that wrote it."""
        return Process(self.pid, self.pid_started, self.boot_id, self.user, self.host)

    @property
    def bounded_ttl(self) -> float:
        """The ttl in seconds, within `TTL_BOUNDS` whatever the file says."""
        low, high = TTL_BOUNDS
        return float(min(max(self.ttl, low), high))

    @property
    def silence(self) -> float:
        """Seconds without a change, on the clock of whoever looks, after which its holder counts as gone."""
        return self.bounded_ttl * (1 + MARGIN)

    def to_bytes(self) -> bytes:
        """The file's content, at most `MAX_BYTES`; texts that are too long are cut, and lose what can't be seen."""
        ttl = self.bounded_ttl
        told: dict[str, object] = {
            "v": self.v,
            "state": self.state,
            "token": self.token,
            "seq": self.seq,
            "ttl": int(ttl) if ttl.is_integer() else ttl,
            "owner": self.owner,
            "nonce": self.nonce,
            "timestamp": self.timestamp,
            "pid": self.pid,
        }
        told |= {name: _fitted(getattr(self, name), most) for name, most in _MOST_BYTES.items()}
        if not self.broken_by:
            del told["broken_by"]
        return _dumped(told) + b"\n"


def parse(content: bytes) -> LeaseRecord:
    """The record in a lock file. Raises `LeaseUnreadable`. Keys that are not known are left alone."""
    if len(content) > MAX_BYTES:
        raise LeaseUnreadable(f"is larger than {MAX_BYTES:,} bytes")
    said = _object(content)
    if said is None:
        raise LeaseUnreadable("is empty" if not content.strip() else "is not a lease: it is no JSON object")
    version = said.get("v")
    if _is_count(version, MAX_TOKEN) and version > VERSION:
        raise LeaseUnreadable("was written by a newer seamline")
    wrong = next((name for name, is_right in _RULES.items() if not is_right(said.get(name))), None)
    if wrong is not None:
        raise LeaseUnreadable(f"is not a lease: {wrong!r} is missing or wrong")
    texts: dict[str, Any] = {name: visible(said.get(name) or "") for name in _MOST_BYTES}
    return LeaseRecord(
        state=said["state"],
        token=said["token"],
        seq=said["seq"],
        ttl=float(said["ttl"]),
        owner=said["owner"],
        nonce=said["nonce"],
        timestamp=int(said["timestamp"]),
        pid=said["pid"],
        **texts,
    )


def salvaged_token(content: bytes) -> int:
    """The token in a lock file that is no good otherwise, so that none is given out twice; 0 if it can't be had."""
    token = (_object(content) or {}).get("token") if len(content) <= MAX_BYTES else None
    return token if _is_count(token, MAX_TOKEN - 1) else 0


def visible(text: str) -> str:
    """A foreign text in one line: what is not printable (controls, bidi marks, lone surrogates) becomes `?`."""
    return "".join(char if char.isprintable() else "?" for char in text)


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(content.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _fitted(text: str, most: int) -> str:
    text = visible(text[:most])
    while len(_dumped(text)) - 2 > most:
        text = text[:-1]
    return text


def _is_count(value: Any, most: int) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= most


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and -MAX_TOKEN <= value <= MAX_TOKEN


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and _ID_RE.fullmatch(value) is not None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_RULES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "v": lambda value: value == VERSION and type(value) is int,
    "state": lambda value: value in _STATES,
    "token": lambda value: _is_count(value, MAX_TOKEN),
    "seq": lambda value: _is_count(value, MAX_TOKEN),
    "ttl": _is_number,
    "owner": _is_id,
    "nonce": _is_id,
    "timestamp": _is_number,
    "pid": lambda value: _is_count(value, MAX_TOKEN),
    **dict.fromkeys(_MOST_BYTES, _is_text),
    "broken_by": lambda value: value is None or _is_text(value),
}
