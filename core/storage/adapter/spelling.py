"""How stock's command adapter configurations are spelled out: any YAML reader takes every value for the text it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

#: Longer than any line: nothing is folded.
_WIDTH: Final = 1_000_000


def configuration(
    variables: Mapping[str, str], commands: Mapping[str, str], more: Mapping[str, Mapping[str, str]] | None = None
) -> str:
    """The YAML of a configuration; `more` are sections that stock does not know."""
    config = {
        "env_vars": [{"key": key, "value": _Value(value)} for key, value in variables.items()],
        "commands": dict(commands),
    }
    sections = {name: {key: _Value(value) for key, value in values.items()} for name, values in (more or {}).items()}
    return yaml.dump(config | sections, Dumper=_Dumper, sort_keys=False, width=_WIDTH)


class _Value(str):
    """A value that is text, whatever it looks like: 1e3, no, ~."""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, where that says exactly the same, and values in quotes."""

    def ignore_aliases(self, data: Any) -> bool:
        """Equal texts are spelled out each time."""
        return True


def _scalar(dumper: yaml.SafeDumper, text: str, style: str | None) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style="|" if "\n" in text else style)


_Dumper.add_representer(_Value, lambda dumper, text: _scalar(dumper, text, '"'))
_Dumper.add_representer(str, lambda dumper, text: _scalar(dumper, text, None))
