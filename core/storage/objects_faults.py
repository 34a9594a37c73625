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

#: Everything that a call of the client may end with. What is missing comes as `FileNotFoundError`.
CLIENT_ERRORS: Final = (BaseError, OSError, ValueError)
_STATUS_RE: Final = re.compile(r"Server returned non-2xx status code: (\d{3})")
_CODE_RE: Final = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_CREDENTIALS: Final = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (of a profile or SSO: "
    'eval "$(aws configure export-credentials --format env)"), or AWS_SKIP_SIGNATURE=true for a public bucket'
)
#: Where the client asks for the machine's own keys, when the environment has none.
_MACHINE_KEYS: Final = ("//169.254.169.254/", "/latest/api/token", "/latest/meta-data/iam/")
_RIGHTS: Final = "the key needs s3:ListBucket and s3:GetObject; to write, s3:PutObject and s3:DeleteObject too"
_NETWORK: Final = "check the network, the proxy and AWS_ENDPOINT_URL, then try again"


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


#: By the storage's own code: nothing was done.
_CODES: Final[dict[str, tuple[str, str]]] = {
    "NoSuchBucket": ("there is no such bucket", "check its name, its region (AWS_REGION) and AWS_ENDPOINT_URL"),
    "ExpiredToken": ("the credentials have expired", "get fresh ones, then try again"),
    "TokenRefreshRequired": ("the credentials have expired", "get fresh ones, then try again"),
    "InvalidToken": ("the session token is not accepted", "check AWS_SESSION_TOKEN"),
    "InvalidAccessKeyId": ("the access key is not known there", "check AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL"),
    "SignatureDoesNotMatch": ("the secret key is not accepted", "check AWS_SECRET_ACCESS_KEY"),
    "RequestTimeTooSkewed": ("this machine's clock is wrong", "set the clock, then try again"),
    "PermanentRedirect": ("the bucket is in another region", "set AWS_REGION to the bucket's region"),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", "set AWS_REGION to the bucket's region"),
    "IllegalLocationConstraintException": ("the bucket is in another region", "set AWS_REGION to its region"),
}
#: By HTTP status, where the code says nothing; whether something was done.
_STATUSES: Final[Sequence[tuple[range, FaultKind, str, str]]] = (
    (range(301, 309), FaultKind.REFUSED, "the bucket is in another region", "set AWS_REGION to the bucket's region"),
    (range(401, 402), FaultKind.REFUSED, "the credentials are not accepted", _CREDENTIALS),
    (range(403, 404), FaultKind.REFUSED, "access is denied", _RIGHTS),
    (range(409, 410), FaultKind.TAKEN, "another request for the same object was under way", "try again"),
    (range(429, 430), FaultKind.UNKNOWN, "the storage asks for fewer requests", "wait a while, then try again"),
    (range(503, 504), FaultKind.UNKNOWN, "the storage asks for fewer requests", "wait a while, then try again"),
    (range(500, 600), FaultKind.UNKNOWN, "the storage fails", "try again; if it lasts, look at the storage"),
    (range(300, 500), FaultKind.REFUSED, "the storage refuses the request", _NETWORK),
)
#: By what the client says where no answer came.
_TEXTS: Final[Sequence[tuple[str, str, str]]] = (
    ("dns error", "the server's name is not known", _NETWORK),
    ("ConnectionRefused", "nothing answers there", _NETWORK),
    ("Connection refused", "nothing answers there", _NETWORK),
    ("TimedOut", "no answer came in time", _NETWORK),
    ("timed out", "no answer came in time", _NETWORK),
)


def fault_of(error: Exception) -> ObjectFault:
    """What an error out of `CLIENT_ERRORS` means."""
    text = str(error)
    code, status = _CODE_RE.search(text), _STATUS_RE.search(text)
    if code and code[1] in _CODES:
        return ObjectFault(FaultKind.REFUSED, *_CODES[code[1]])
    if isinstance(error, FileNotFoundError):
        return ObjectFault(FaultKind.MISSING, "there is no such file", "look at the store again")
    if isinstance(error, AlreadyExistsError):
        return ObjectFault(FaultKind.TAKEN, "the name is taken", "look at what stands there; it was not touched")
    if isinstance(error, PreconditionError):
        return ObjectFault(FaultKind.CHANGED, "somebody else changed it meanwhile", "try again")
    if isinstance(error, InvalidPathError):
        hint = "look at the bucket's own listing for a key with `//`, `/./` or a control character, and rename it"
        return ObjectFault(FaultKind.REFUSED, "a key there is no path", hint)
    if any(mark in text for mark in _MACHINE_KEYS):
        return ObjectFault(FaultKind.REFUSED, "no credentials were found", _CREDENTIALS)
    if status:
        return _of_status(int(status[1]), code[1] if code else "")
    why, hint = next(((why, hint) for mark, why, hint in _TEXTS if mark in text), ("no answer could be had", _NETWORK))
    return ObjectFault(FaultKind.UNKNOWN, why, hint)


def _of_status(status: int, code: str) -> ObjectFault:
    kind, why, hint = next(
        (each[1:] for each in _STATUSES if status in each[0]),
        (FaultKind.UNKNOWN, "the storage answers oddly", _NETWORK),
    )
    return ObjectFault(kind, f"{why} ({status}{f' {code}' if code else ''})", hint)
