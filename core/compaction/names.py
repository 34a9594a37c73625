"""Names for compacted files: stock's own, or one that no file ever had where stock's is taken (`own-new-names`)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count
from typing import Final

from core.index import Index
from core.names import MetadataName, parse_metadata_name
from core.snapshot import Snapshot

_OWN_NAME_RE: Final = re.compile(r"(.+)_[0-9a-f]{8}\.meta")
#: What our moves put behind a name that was taken in `metadata_backup/`.
_SUFFIX_RE: Final = re.compile(r"(.+\.meta)\.[0-9]+")


def own_name(stock_name: str, content: bytes, turn: int = 0) -> str:
    """A name beside stock's for a compacted file with this content; `turn` counts the tries from 0."""
    digest = blake2b(content, digest_size=4, person=b"compacted", salt=turn.to_bytes(8, "little"))
    return f"{stock_name.removesuffix('.meta')}_{digest.hexdigest()}.meta"


def stock_name_of(name: str) -> str:
    """The name that stock would give a compacted file with a name of its own; any other name as it is."""
    match = _OWN_NAME_RE.fullmatch(name)
    if match is None:
        return name
    stock_name = f"{match[1]}.meta"
    parsed = parse_metadata_name(stock_name)
    return stock_name if parsed is not None and parsed.compacted else name


def compacted_name_of(name: str) -> MetadataName | None:
    """What the name of a compacted file promises, stock's or our own; None for any other name."""
    parsed = parse_metadata_name(stock_name_of(name))
    return parsed if parsed is not None and parsed.compacted else None


@dataclass(frozen=True, slots=True)
class UsedNames:
    """Which names are, and ever were, in use: by name the numbers of files in `index` and `retired`.

    `listed` holds a file under its own name, `variants` and `past` under the name that stock would give it. Where the
    past is `unseen`, only names that are made from their content are new for certain.
    """

    index: Index
    retired: Index
    listed: dict[str, int] = field(default_factory=dict)
    variants: dict[str, list[int]] = field(default_factory=dict)
    past: dict[str, list[int]] = field(default_factory=dict)
    unseen: bool = False

    def free_name(self, stock_name: str, content: bytes, *, clear: bool = True) -> str:
        """The first of the names for this content under which no reader can know anything else.

        Stock's own is one of them only where it is `clear`: where it can't be the name of another group.
        """
        if clear and not self.unseen and self._is_free(stock_name, content):
            return stock_name
        own_names = (own_name(stock_name, content, turn) for turn in count())
        return next(name for name in own_names if self._is_free(name, content))

    def _is_free(self, name: str, content: bytes) -> bool:
        return name not in self.listed and all(self._equals(number, content) for number in self.past.get(name, ()))

    def _equals(self, number: int, content: bytes) -> bool:
        """Whether a retired file says exactly this, plain or gzip: readers keep what a file says."""
        file = self.retired.files[number]
        return file.fault is None and file.ends_with_newline and self.retired.content(number) == content


def used_names(snapshot: Snapshot) -> UsedNames:
    """The names of a store, looked at once."""
    used = UsedNames(snapshot.index, snapshot.retired, unseen=snapshot.retired_unseen is not None)
    for number, file in enumerate(snapshot.index.files):
        name = file.listed.name
        used.listed[name] = number
        stock_name = stock_name_of(name)
        if stock_name != name:
            used.variants.setdefault(stock_name, []).append(number)
    for number, file in enumerate(snapshot.retired.files):
        suffixed = _SUFFIX_RE.fullmatch(file.listed.name)
        used.past.setdefault(suffixed[1] if suffixed else file.listed.name, []).append(number)
    return used
