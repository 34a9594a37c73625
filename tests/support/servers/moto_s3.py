"""S3 as moto serves it, in a process of its own: prints its port, serves until it is killed.

Every request is answered under one lock: moto's conditional put is a check and then a write, and two may win.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def main() -> None:
    """Serve on a free port of the loopback."""
    logging.disable(logging.CRITICAL)
    lock = threading.Lock()
    moto = DomainDispatcherApplication(create_backend_app)

    def answer(environment: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        with lock:
            return list(moto(environment, start))

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
