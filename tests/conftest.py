"""Settings for all tests."""

from __future__ import annotations

from hashlib import blake2b

from hypothesis import settings

# How fast a machine is at a moment proves nothing: no example fails for its time.
settings.register_profile("seamline", deadline=None)
settings.load_profile("seamline")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Long bytes are named by their length and a hash: a name is read by people."""
    if isinstance(val, bytes) and len(val) > 80:
        return f"{len(val)}-bytes-{blake2b(val, digest_size=4).hexdigest()}"
    return None
