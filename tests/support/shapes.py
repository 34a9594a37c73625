"""The shapes of JSON documents: every field of the contract, each of its kind; others may stand beside them."""

from __future__ import annotations

from typing import Any


class Version:
    """In a shape: an integer of 0 to 2**64 - 1."""


class MaybeVersion:
    """In a shape: the same, or null."""


def require(shape: Any, value: Any, path: str = "$") -> None:
    """Fail unless `value` has all fields of `shape`, each of its kind; other fields may stand beside them."""
    if shape is Version or (shape is MaybeVersion and value is not None):
        assert type(value) is int and 0 <= value < 2**64, path
    elif shape is MaybeVersion:
        return
    elif isinstance(shape, dict):
        assert isinstance(value, dict), path
        for name, inner in shape.items():
            assert name in value, f"{path}.{name} is missing"
            require(inner, value[name], f"{path}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), path
        for number, each in enumerate(value):
            require(shape[0], each, f"{path}[{number}]")
    elif isinstance(shape, tuple):
        assert value is None or any(_fits(each, value, path) for each in shape), f"{path}: {value!r}"
    elif isinstance(shape, set):
        assert value in shape, f"{path}: {value!r}"
    else:
        assert type(value) is shape, f"{path}: {value!r}"


def _fits(shape: Any, value: Any, path: str) -> bool:
    require(shape, value, path)
    return True


def nullable(shape: Any) -> tuple[Any]:
    return (shape,)


STOCK = {"restorable_to": MaybeVersion, "latest": MaybeVersion, "error": nullable(str)}
