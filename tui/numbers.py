"""Numbers as the screens show them, and places on the axis as the operator types them.

Text has thousands separators and inclusive ranges; short forms like `1.185B` stand on the ruler and for sizes only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from core.model import U64_MAX

_SCALES: Final = (("E", 10**18), ("P", 10**15), ("T", 10**12), ("B", 10**9), ("M", 10**6))
_MOST_DECIMALS: Final = 4
_TYPED_SCALES: Final = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12, "p": 10**15, "e": 10**18}
_NUMBER: Final = re.compile(r"(\d[\d_, ]*(?:\.\d+)?)\s*([kmbgtpe]?)", re.IGNORECASE | re.ASCII)
_EPOCH: Final = re.compile(r"e(?:poch)?\s*(\d[\d_,]*)", re.IGNORECASE | re.ASCII)
_RANGE_MARKS: Final = ("..", " - ", "-")


def whole(number: int) -> str:
    """`1185000000` → `1,185,000,000`."""
    return f"{number:,}"


def span(first: int, last: int) -> str:
    """An inclusive range: `1,185,000,000 - 1,189,999,999`, or the one number when both ends are the same."""
    return whole(first) if first == last else f"{whole(first)} - {whole(last)}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 manifest`, `2 manifests`, `2 metadata files`."""
    return f"{whole(number)} {noun if number == 1 else plural or noun + 's'}"


def short(number: int) -> str:
    """Three significant digits from a million on: `3.21B`, `72.0M`, `500,000`."""
    for suffix, scale in _SCALES:
        if number >= scale:
            decimals = 2 if number < 10 * scale else 1 if number < 100 * scale else 0
            return f"{_rounded_down(number, scale, decimals)}{suffix}"
    return whole(number)


def ruler_label(number: int, step: int) -> str:
    """A version on the ruler, with as many decimals as ticks `step` versions apart need: `1.150B`, `12,500`."""
    for suffix, scale in _SCALES:
        if number >= scale:
            decimals = max(0, len(str(scale)) - len(str(step)))
            return f"{_rounded_down(number, scale, decimals)}{suffix}" if decimals <= _MOST_DECIMALS else whole(number)
    return whole(number)


def _rounded_down(number: int, scale: int, decimals: int) -> str:
    scaled = number * 10**decimals // scale
    return f"{scaled // 10**decimals}.{scaled % 10**decimals:0{decimals}d}" if decimals else str(scaled)


def size(count: int) -> str:
    """Bytes in binary units with three significant digits: `4.71 GiB`, `812 B`."""
    amount, unit = float(count), "B"
    for following in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if amount < 1000:
            break
        amount, unit = amount / 1024, following
    if unit == "B":
        return f"{count} B"
    return f"{amount:.{2 if amount < 10 else 1 if amount < 100 else 0}f} {unit}"


@dataclass(frozen=True, slots=True)
class VersionPlace:
    """One version of the axis."""

    version: int


@dataclass(frozen=True, slots=True)
class EpochPlace:
    """One epoch."""

    epoch: int


@dataclass(frozen=True, slots=True)
class RangePlace:
    """An inclusive range of versions."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class NamePlace:
    """Anything else: a part of the name of a manifest or a metadata file."""

    text: str


TypedPlace: TypeAlias = VersionPlace | EpochPlace | RangePlace | NamePlace


def parse_place(text: str) -> TypedPlace | None:
    """What was typed: `1_185_000_000`, `1.185b`, `epoch 4377`, `1.18b..1.19b`, or else a name. None if empty."""
    text = text.strip()
    if not text:
        return None
    epoch = _EPOCH.fullmatch(text)
    if epoch and _digits(epoch[1]) <= U64_MAX:
        return EpochPlace(_digits(epoch[1]))
    version = parse_version(text)
    if version is not None:
        return VersionPlace(version)
    for mark in _RANGE_MARKS:
        left, found, right = text.partition(mark)
        first, last = parse_version(left), parse_version(right)
        if found and first is not None and last is not None:
            return RangePlace(min(first, last), max(first, last))
    return NamePlace(text)


def parse_version(text: str) -> int | None:
    """One version: digits with `_` or `,` between them, or a decimal with k, m, b, t. None when it is no u64."""
    match = _NUMBER.fullmatch(text.strip())
    if not match or ("." in match[1] and not match[2]):
        return None
    amount = Decimal(re.sub(r"[_, ]", "", match[1])) * _TYPED_SCALES[match[2].lower()]
    version = int(amount)
    return version if version <= U64_MAX and version == amount else None


def _digits(text: str) -> int:
    return int(re.sub(r"[_,]", "", text))
