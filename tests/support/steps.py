"""What a next step is: commands one after the other, each a look or a deed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from core.model import Finding, Severity

#: What only shows something.
_LOOKS = ("sed", "cat", "ls", "df", "diff", "gzip", "date")


def parts(step: str) -> Iterator[list[str]]:
    """The words of each command of a step."""
    for part in re.split(r" && |, then | \| |\n", step):
        yield shlex.split(part)


def is_dead_end(finding: Finding) -> bool:
    """Whether a problem leads to a look from which nothing follows."""
    only_looks = all(words[0] in _LOOKS for words in parts(finding.next_step))
    return finding.severity is not Severity.INFO and only_looks and not finding.then
