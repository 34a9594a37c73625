"""S3 as moto serves it, in a process of its own: prints its port, serves until it is killed.

Every request is answered under one lock: moto's conditional put is a check and then a write, and two may win. moto lets
everybody do anything, so who asks is told by the access key: each of `RIGHTS` may do what it says, each of `FAULTS`
nothing. As at AWS, who may not list is not told that an object is missing.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

RIGHTS: Final[Mapping[str, frozenset[str]]] = {
    "AKIA-no-list": frozenset({"get"}),
    "AKIA-no-get": frozenset({"list"}),
    "AKIA-no-write": frozenset({"list", "get"}),
    "AKIA-no-delete": frozenset({"list", "get", "put"}),
}
FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "AKIA-expired": ("400 Bad Request", "ExpiredToken"),
    "AKIA-unknown": ("403 Forbidden", "InvalidAccessKeyId"),
    "AKIA-forged": ("403 Forbidden", "SignatureDoesNotMatch"),
}
_DENIED: Final = ("403 Forbidden", "AccessDenied")
_KEY_RE: Final = re.compile(r"Credential=([^/]+)/")


def main() -> None:
    """Serve on a free port of the loopback."""
    logging.disable(logging.CRITICAL)
    lock = threading.Lock()
    moto = DomainDispatcherApplication(create_backend_app)

    def answer(environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        found = _KEY_RE.search(environment.get("HTTP_AUTHORIZATION", ""))
        key = found[1] if found else ""
        rights = RIGHTS.get(key)
        fault = FAULTS.get(key) or (_DENIED if rights is not None and _right(environment) not in rights else None)
        hides = rights is not None and "list" not in rights

        def begin(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start(_DENIED[0] if hides and status.startswith("404") else status, headers, *more)

        if fault:
            return _refuse(environment, start, *fault)
        with lock:
            return list(moto(environment, begin))

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


def _right(environment: Mapping[str, Any]) -> str:
    """What a request needs: of a path with one part, a listing."""
    if environment["PATH_INFO"].strip("/").count("/") == 0:
        return "list"
    return {"PUT": "put", "POST": "put", "DELETE": "delete"}.get(environment["REQUEST_METHOD"], "get")


def _refuse(environment: dict[str, Any], start: Callable[..., Any], status: str, code: str) -> Iterable[bytes]:
    environment["wsgi.input"].read(int(environment.get("CONTENT_LENGTH") or 0))
    body = f"<Error><Code>{code}</Code><Message>SECRET-BODY</Message></Error>".encode()
    start(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [] if environment["REQUEST_METHOD"] == "HEAD" else [body]


if __name__ == "__main__":
    main()
