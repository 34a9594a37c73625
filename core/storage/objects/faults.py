"""What the errors of an object store mean to an operator, in words.

The client's own text is never shown: it is a dump of its insides, and may hold what a server sent. Only the kind of
exception, the HTTP status and the storage's error code are taken from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from obstore.exceptions import AlreadyExistsError, BaseError, InvalidPathError, PreconditionError

from core.storage.objects.words import Words

#: Everything that a call of the client may end with. What is missing comes as `FileNotFoundError`.
CLIENT_ERRORS: Final = (BaseError, OSError, ValueError)
#: Of a conflict: that the name is taken. Any other one may mean that nothing was written by anybody.
_THERE: Final = frozenset({"BlobAlreadyExists"})
#: What a server answered; one key of a deletion of several comes with a status of its own.
_STATUS_RE: Final = re.compile(r"Server returned non-2xx status code: (\d{3})|\(code: (\d{3})\)")
#: How the client tells of a redirection that leads nowhere, instead of its status.
_REDIRECTED: Final = "redirect without LOCATION"
_CODE_RE: Final = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")


class FaultKind(StrEnum):
    """What a failed call says of what it asked for."""

    MISSING = "missing"
    TAKEN = "taken"
    CHANGED = "changed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ObjectFault:
    """A failed call: what kind of failure, why in words, what to do."""

    kind: FaultKind
    why: str
    hint: str


_BUSY: Final = ("the storage asks for fewer requests", "wait a while, then try again")
_FAILS: Final = ("the storage fails", "try again; if it lasts, look at the storage")
#: By what the client says where no whole answer came.
_TEXTS: Final[Sequence[tuple[str, str]]] = (
    ("dns error", "the server's name is not known"),
    ("failed to lookup address", "the server's name is not known"),
    ("ConnectionRefused", "nothing answers there"),
    ("Connection refused", "nothing answers there"),
    ("TimedOut", "no answer came in time"),
    ("timed out", "no answer came in time"),
    ("certificate", "the server's certificate is not trusted"),
    ("IncompleteBody", "the answer broke off"),
    ("IncompleteMessage", "the answer broke off"),
    ("ConnectionReset", "the answer broke off"),
    ("Connection reset", "the answer broke off"),
    ("UnexpectedEof", "the answer broke off"),
    ("UnexpectedEnd", "the answer broke off"),
    ("invalid list response", "the answer is none of an object store"),
)


def fault_of(error: Exception, words: Words) -> ObjectFault:
    """What an error out of `CLIENT_ERRORS` means, in the words of its provider."""
    text = str(error)
    status = _STATUS_RE.search(text)
    number = (status[1] or status[2]) if status else "301" if _REDIRECTED in text else ""
    # Before the status stand names of objects, which may hold anything.
    found = _CODE_RE.search(text, status.end()) if status else None
    code = found[1] if found else ""
    if code in words.codes:
        return ObjectFault(FaultKind.REFUSED, *words.codes[code])
    known = _of_kind(error) if number != "409" or code in _THERE else None
    if known is not None:
        return known
    broken = next((why for mark, why in _TEXTS if mark in text), "") if not number else ""
    login = _of_login(text, broken, words)
    if login is not None:
        return login
    if number in words.codes:
        return ObjectFault(FaultKind.REFUSED, *words.codes[number])
    if number:
        return _of_status(int(number), code, words)
    return ObjectFault(FaultKind.UNKNOWN, broken or "no answer could be had", words.network)


def _of_kind(error: Exception) -> ObjectFault | None:
    """What the client tells by the kind of its exception."""
    if isinstance(error, FileNotFoundError):
        return ObjectFault(FaultKind.MISSING, "there is no such file", "look at the store again")
    if isinstance(error, AlreadyExistsError):
        return ObjectFault(FaultKind.TAKEN, "the name is taken", "look at what stands there; it was not touched")
    if isinstance(error, PreconditionError):
        return ObjectFault(FaultKind.CHANGED, "somebody else changed it meanwhile", "try again")
    if isinstance(error, InvalidPathError):
        hint = "look at the bucket's own listing for a key with `//`, `/./` or a control character, and rename it"
        return ObjectFault(FaultKind.REFUSED, "a key there is no path", hint)
    return None


def _of_login(text: str, broken: str, words: Words) -> ObjectFault | None:
    """What hinders the client before it even asks the storage: it has no credentials, or gets no token for them."""
    if any(mark in text for mark in words.machine):
        return ObjectFault(FaultKind.REFUSED, "no credentials were found", words.credentials)
    said = next((said for mark, said in words.logins if mark in text), None)
    if said is None:
        return None
    if broken:
        return ObjectFault(FaultKind.REFUSED, f"no token can be asked for: {broken}", words.network)
    return ObjectFault(FaultKind.REFUSED, *said)


def _of_status(status: int, code: str, words: Words) -> ObjectFault:
    """By HTTP status, where the code says nothing; whether something was done."""
    statuses: Sequence[tuple[range, FaultKind, tuple[str, str]]] = (
        (range(401, 402), FaultKind.REFUSED, ("the credentials are not accepted", words.credentials)),
        (range(403, 404), FaultKind.REFUSED, ("access is denied", words.rights)),
        (range(409, 410), FaultKind.UNKNOWN, ("another request for the same object was under way", "try again")),
        (range(412, 413), FaultKind.CHANGED, ("somebody else changed it meanwhile", "try again")),
        (range(429, 430), FaultKind.UNKNOWN, _BUSY),
        (range(503, 504), FaultKind.UNKNOWN, _BUSY),
        (range(500, 600), FaultKind.UNKNOWN, _FAILS),
        (range(300, 500), FaultKind.REFUSED, ("the storage refuses the request", words.network)),
    )
    kind, said = next(
        (each[1:] for each in statuses if status in each[0]),
        (FaultKind.UNKNOWN, ("the storage answers oddly", words.network)),
    )
    return ObjectFault(kind, f"{said[0]} ({status}{f' {code}' if code else ''})", said[1])
