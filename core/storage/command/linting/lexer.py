"""The words, operators and variables in the text of a bash command.

Quotes, expansions, substitutions, subshells, redirections, comments and here-documents are known. What can not be
followed is read on the side of saying nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NAME_RE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ASSIGNMENT_RE: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]]*\])?\+?=")
_DEFAULT_RE: Final = re.compile(r":?[-=+?]")
_OPERATOR_RE: Final = re.compile(r"\d*(?:<<<|<<-?|>>|>&|<&|>\||<>|<|>)|&>>?|\|\||&&|\|&|;;&?|;&|[|&;()\n]")
_QUOTED_RE: Final = re.compile(r"(?:[^'\\]|\\.)*'", re.DOTALL)
#: Substitutions and expansions inside each other; nobody nests so deeply.
_DEEPEST: Final = 20


@dataclass(frozen=True, slots=True)
class Use:
    """A variable that a text expands. `start` and `end` are offsets in the whole text."""

    name: str
    start: int
    end: int
    quoted: bool
    has_default: bool
    in_backticks: bool = False


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it stands there, quotes and all."""

    text: str
    start: int
    end: int
    uses: tuple[Use, ...] = ()

    @property
    def plain(self) -> str:
        """The word without its quotes."""
        return re.sub(r"[\"'\\]", "", self.text)

    @property
    def assigned(self) -> str:
        """The variable that it sets, if it is an assignment."""
        found = _ASSIGNMENT_RE.match(self.text)
        return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Operator:
    """`|`, `||`, `;`, `(`, `1>&` and their like; `depth` counts the subshells around it."""

    text: str
    start: int
    end: int
    depth: int

    @property
    def redirects(self) -> bool:
        """Whether a file or a descriptor follows it."""
        return "<" in self.text or ">" in self.text


class Lexer:
    """Reads a text once from its start to its end; nested texts become lists of tokens of their own."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.uses: list[Use] = []
        self.inner: list[list[Word | Operator]] = []
        self._backticks = 0
        self._documents: list[tuple[str, bool]] = []

    def tokens(self, closing: str, nesting: int) -> list[Word | Operator]:
        """Tokens up to the `closing` character, which is passed; "" for all. `nesting` bounds the recursion."""
        found: list[Word | Operator] = []
        depth = 0
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == closing and (char != ")" or not depth):
                self.at += 1
                break
            if char in " \t" or self.text.startswith("\\\n", self.at):
                self.at += 1 if char in " \t" else 2
            elif char == "#":
                self.at = self._line_end()
            elif operator := _OPERATOR_RE.match(self.text, self.at):
                depth = max(0, depth - (char == ")"))
                found.append(Operator(operator[0], self.at, operator.end(), depth))
                depth += char == "("
                self.at = operator.end()
                self._after(found, operator[0])
            else:
                found.append(self._word(closing, nesting))
                self._open_document(found)
        return found

    def _after(self, found: list[Word | Operator], operator: str) -> None:
        """Behind a line feed stand the here-documents that the line has announced."""
        if operator != "\n":
            return
        for delimiter, is_plain in self._documents:
            end = re.compile(rf"^\t*{re.escape(delimiter)}$", re.MULTILINE).search(self.text, self.at)
            body_end = end.start() if end else len(self.text)
            while not is_plain and (dollar := self.text.find("$", self.at, body_end)) >= 0:
                self.at = dollar
                self._dollar(quoted=True, nesting=1)
            self.at = end.end() if end else len(self.text)
        self._documents.clear()

    def _open_document(self, found: list[Word | Operator]) -> None:
        if len(found) > 1 and isinstance(found[-2], Operator) and found[-2].text.lstrip("0123456789") in ("<<", "<<-"):
            word = found[-1]
            text = self.text[word.start : word.end]
            plain = re.sub(r"[\"'\\]", "", text)
            self._documents.append((plain, plain != text))

    def _line_end(self) -> int:
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end

    def _word(self, closing: str, nesting: int) -> Word:
        start, first_use = self.at, len(self.uses)
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t|&;()\n<>" or char == closing:
                break
            self._piece(nesting)
        return Word(self.text[start : self.at], start, self.at, tuple(self.uses[first_use:]))

    def _piece(self, nesting: int) -> None:
        """A quoted part, an expansion or a character of a word."""
        char = self.text[self.at]
        if char == "\\":
            self.at += 2
        elif char == "'":
            end = self.text.find("'", self.at + 1)
            self.at = len(self.text) if end < 0 else end + 1
        elif char == '"':
            self._double(nesting)
        elif char == "$":
            self._dollar(quoted=False, nesting=nesting)
        elif char == "`":
            self._substitution("`", nesting, 1)
        else:
            self.at += 1

    def _double(self, nesting: int) -> None:
        self.at += 1
        while self.at < len(self.text) and self.text[self.at] != '"':
            char = self.text[self.at]
            if char == "\\":
                self.at += 2
            elif char == "$":
                self._dollar(quoted=True, nesting=nesting)
            elif char == "`":
                self._substitution("`", nesting, 1)
            else:
                self.at += 1
        self.at += 1

    def _dollar(self, *, quoted: bool, nesting: int) -> None:
        start = self.at
        following = self.text[start + 1 : start + 2]
        name = NAME_RE.match(self.text, start + 1)
        if name:
            self.at = name.end()
            self._use(name[0], start, quoted, has_default=False)
        elif self.text.startswith("$((", start):
            end = self.text.find("))", start)
            self.at = len(self.text) if end < 0 else end + 2
        elif following == "(":
            self._substitution(")", nesting, 2)
        elif following == "{":
            self._braces(start, quoted, nesting)
        elif following == "'" and not quoted:
            ended = _QUOTED_RE.match(self.text, start + 2)
            self.at = ended.end() if ended else len(self.text)
        else:
            self.at += 1 if following in ('"', "") else 2

    def _braces(self, start: int, quoted: bool, nesting: int) -> None:
        if nesting > _DEEPEST:
            self.at = len(self.text)
            return
        self.at = start + 2
        prefix = self.text[self.at : self.at + 1]
        self.at += prefix in ("#", "!")
        name = NAME_RE.match(self.text, self.at)
        self.at = name.end() if name else self.at
        has_default = _DEFAULT_RE.match(self.text, self.at) is not None
        while self.at < len(self.text) and self.text[self.at] != "}":
            if self.text[self.at] == "$":
                # What a default is made of follows the quotes around it.
                self._dollar(quoted=quoted, nesting=nesting + 1)
            elif self.text[self.at] == '"':
                self._double(nesting + 1)
            else:
                self.at += 2 if self.text[self.at] == "\\" else 1
        self.at += 1
        if name:
            self._use(name[0], start, quoted or prefix == "#", has_default=has_default)

    def _substitution(self, closing: str, nesting: int, width: int) -> None:
        self.at += width
        if nesting > _DEEPEST:
            self.at = len(self.text)
            return
        self._backticks += closing == "`"
        self.inner.append(self.tokens(closing, nesting + 1))
        self._backticks -= closing == "`"

    def _use(self, name: str, start: int, quoted: bool, *, has_default: bool) -> None:
        self.uses.append(Use(name, start, self.at, quoted, has_default, self._backticks > 0))
