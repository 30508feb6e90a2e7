"""AWS shorthand for structures on a command line: `Name=deploy,Args={recipes=[a::b,c::d]}`.

pairs    = pair { "," pair }
pair     = key [ "@" ] "=" ( words | nested )        with "@" a word `file://path` stands for what the file holds
words    = word { "," word }                         two or more are a list; a word before "=" begins the next pair
nested   = "[" [ value { "," value } ] "]" | "{" [ key "=" value { "," key "=" value } ] "}"
value    = word | nested
word     = 'quoted' | "quoted" | text in which a comma is written as `\\,`
"""

from __future__ import annotations

import re
from typing import Any

from toque.cli.files import text_of

_KEY = re.compile(r"[\w\-.#/:]*", re.ASCII)
_QUOTED = re.compile(r"'((?:\\'|[^'])*)'|\"((?:\\\"|[^\"])*)\"")
_BLANKS = re.compile(r"\s*")
_WORD = re.compile(r"(?:\\,|[^\s\"',=\[\]{}])(?:\\,|[^\"',\]}])*")
# Of several words each but the first ends where "=" would begin a pair.
_FURTHER = re.compile(r"(?:\\,|[^\s\"',=\[{])(?:\\,|[^\"',=])*")


class BadShorthand(ValueError):
    """The text is neither JSON nor shorthand; the message says where it breaks."""


def parse(text: str) -> dict[str, Any]:
    """The map that the text means; all leaves are strings. Raises BadShorthand, and UnreadableFile.

    >>> parse("Name=execute_recipes,Args={recipes=[a::b,c]}")
    {'Name': 'execute_recipes', 'Args': {'recipes': ['a::b', 'c']}}
    """
    return _Reader(text).pairs()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at, self.file = text, 0, False

    def pairs(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        while True:
            key = self.key(made)
            made[key] = self.values()
            if self.at >= len(self.text):
                return made
            self.need(",")

    def key(self, made: dict[str, Any]) -> str:
        key = self.match(_KEY) or ""
        self.blanks()
        self.file = self.take("@")
        if not key or not self.take("="):
            raise BadShorthand(f"{self.text!r} needs key=value at {self.rest()}")
        if key in made:
            raise BadShorthand(f"{self.text!r} has {key} twice")
        self.blanks()
        return key

    def values(self) -> Any:
        if self.text.startswith(("[", "{"), self.at):
            return self.value()
        first = self.value()
        words = [first]
        self.blanks()
        while self.text.startswith(",", self.at):
            before = self.at
            self.need(",")
            word = self.word(_FURTHER)
            self.blanks()
            if word is None or not (self.at >= len(self.text) or self.text[self.at] == ","):
                self.at = before
                break
            words.append(word)
        return first if len(words) == 1 else words

    def value(self) -> Any:
        if self.take("["):
            return self.items()
        if self.take("{"):
            return self.nested()
        return self.word(_WORD) or ""

    def items(self) -> list[Any]:
        found: list[Any] = []
        self.blanks()
        while not self.take("]"):
            before = self.at
            found.append(self.value())
            self.close("]", before)
        return found

    def nested(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        self.blanks()
        while not self.take("}"):
            before = self.at
            key = self.key(made)
            made[key] = self.value()
            self.close("}", before)
        return made

    def close(self, end: str, before: int) -> None:
        """After one of several: a comma, or the end, which is left where it is."""
        self.blanks()
        if self.text.startswith(end, self.at):
            return
        if self.at >= len(self.text) or not self.text.startswith(",", self.at):
            raise BadShorthand(f"{self.text!r} lacks a closing {end} after {self.text[before : self.at]!r}")
        self.need(",")

    def word(self, kind: re.Pattern[str]) -> str | None:
        if self.text.startswith(("'", '"'), self.at):
            return self.read(self.quoted())
        found = self.match(kind)
        return None if found is None else self.read(found.replace("\\,", ",").rstrip())

    def quoted(self) -> str:
        quote = self.text[self.at]
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            raise BadShorthand(f"{self.text!r} lacks a closing {quote}")
        self.at = found.end()
        return found.group()[1:-1].replace(f"\\{quote}", quote).replace("\\\\", "\\")

    def read(self, word: str) -> str:
        return text_of(word) if self.file else word

    def match(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self.text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found.group()

    def take(self, character: str) -> bool:
        if self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False

    def need(self, character: str) -> None:
        self.blanks()
        if not self.take(character):
            raise BadShorthand(f"{self.text!r} breaks at {self.rest()}")
        self.blanks()

    def blanks(self) -> None:
        self.match(_BLANKS)

    def rest(self) -> str:
        return repr(self.text[self.at :]) if self.at < len(self.text) else "its end"
