"""The text of a bash command taken apart: its words, operators and the variables it uses. Nothing is ever run.

It knows as much of bash as adapter commands need: quotes, expansions, substitutions, subshells, redirections, comments
and here-documents. What it can't follow it reads on the side of saying nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from core.storage.command.linting.lexer import NAME_RE, Lexer, Operator, Use, Word

#: Words behind which a command begins anew.
_RESERVED: Final = frozenset(
    ("!", "{", "}", "if", "then", "elif", "else", "fi", "while", "until", "do", "done", "time")
)
#: Commands whose arguments may be assignments, which are not split.
_DECLARING: Final = frozenset(("export", "local", "declare", "typeset", "readonly"))


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple command: its words, where its streams lead, and the operators before and behind it."""

    words: tuple[Word, ...]
    redirections: tuple[tuple[Operator, Word], ...]
    before: str
    before_at: int
    after: str

    @property
    def arguments(self) -> tuple[Word, ...]:
        """The words from its name on, without the assignments before it."""
        first = next((number for number, word in enumerate(self.words) if not word.assigned), len(self.words))
        return self.words[first:]

    @property
    def name(self) -> str:
        """The program's name without its path; "" where there are only assignments."""
        return self.arguments[0].plain.rpartition("/")[2] if self.arguments else ""

    @property
    def plain(self) -> tuple[str, ...]:
        """The program's name and arguments without quotes."""
        return (self.name, *(word.plain for word in self.arguments[1:]))

    @property
    def end(self) -> int:
        """Where it ends in the text."""
        return max(word.end for word in (*self.words, *(word for _, word in self.redirections)))

    @property
    def split_uses(self) -> Iterator[tuple[Word, Use]]:
        """Expansions without quotes in places where bash splits them into words and matches them with file names."""
        if self.name in ("[[", "case"):
            return
        for word in (*self.words, *(word for operator, word in self.redirections if "<<" not in operator.text)):
            if word.assigned and (word not in self.arguments or self.name in _DECLARING):
                continue
            yield from ((word, use) for use in word.uses if not use.quoted)


@dataclass(slots=True)
class Script:
    """A text with all its simple commands, also those in substitutions."""

    text: str
    simples: list[Simple] = field(default_factory=list)
    tokens: list[Word | Operator] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)

    def line_of(self, offset: int) -> int:
        """The line, from 1 on, in which an offset lies."""
        return self.text.count("\n", 0, offset) + 1

    def line_text(self, number: int) -> str:
        """A line by its number."""
        return self.text.split("\n")[number - 1]

    @property
    def assigned(self) -> set[str]:
        """Every name that the text gives a value: by `=`, `read`, `for` or `printf -v`."""
        names = {word.assigned for simple in self.simples for word in simple.words if word.assigned}
        for simple in self.simples:
            if simple.name in ("read", "readarray", "mapfile", "for", "select", *_DECLARING, "getopts"):
                names |= {text for text in simple.plain[1:] if NAME_RE.fullmatch(text)}
            if simple.name == "printf" and "-v" in simple.plain[:-1]:
                names.add(simple.plain[simple.plain.index("-v") + 1])
        return names

    @property
    def stages(self) -> list[str] | None:
        """The parts of the pipeline that the text is, if it is one and nothing else; each as it stands there."""
        operators = [each for each in self.tokens if isinstance(each, Operator) and not each.depth]
        cuts = [each for each in operators if each.text in ("|", "|&")]
        others = [each for each in operators if not each.redirects and each.text not in ("|", "|&", "\n", "(", ")")]
        words = [each.start for each in self.tokens if isinstance(each, Word)]
        lines = [each.start for each in operators if each.text == "\n"]
        if others or not words or any(words[0] < line < words[-1] and not _continues(self, line) for line in lines):
            return None
        starts = [0, *(each.end for each in cuts)]
        return [self.text[start:end] for start, end in zip(starts, [*(c.start for c in cuts), None], strict=True)]


def _continues(script: Script, line: int) -> bool:
    """Whether a line feed stands right behind a pipe, where it ends nothing."""
    before = [each for each in script.tokens if each.end <= line]
    return bool(before) and isinstance(before[-1], Operator) and before[-1].text in ("|", "|&")


def read_script(text: str) -> Script:
    """Take a command's text apart."""
    lexer = Lexer(text)
    script = Script(text)
    script.tokens = lexer.tokens("", 0)
    for tokens in (script.tokens, *lexer.inner):
        script.simples += _simples(tokens)
    script.uses = lexer.uses
    return script


def _simples(tokens: list[Word | Operator]) -> Iterator[Simple]:
    words: list[Word] = []
    redirections: list[tuple[Operator, Word]] = []
    pending: Operator | None = None
    before, before_at = "", 0
    for token in (*tokens, Operator("\n", 0, 0, 0)):
        if isinstance(token, Word):
            if pending is not None:
                redirections.append((pending, token))
                pending = None
            elif words or token.text not in _RESERVED:
                words.append(token)
        elif token.redirects:
            pending = token
        else:
            if words or redirections:
                yield Simple(tuple(words), tuple(redirections), before, before_at, token.text)
                words, redirections = [], []
            # Line feeds and brackets say nothing of how a command follows the one before.
            if token.text not in ("\n", "(") or before not in ("||", "&&", "|", "|&"):
                before, before_at = token.text, token.start
