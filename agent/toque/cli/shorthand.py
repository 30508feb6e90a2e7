"""AWS shorthand for structures on a command line: `Name=deploy,Args={recipes=[a::b,c::d]}`.

value    = list | map | word
pairs    = key "=" value { "," key "=" value }      after a comma without "=", further words join into a list
list     = "[" value { "," value } "]"
map      = "{" pairs "}"
"""

from __future__ import annotations

from typing import Any


class BadShorthand(ValueError):
    """The text is neither JSON nor shorthand; the message says where it breaks."""


def parse(text: str) -> dict[str, Any]:
    """The map that the text means; all leaves are strings.

    >>> parse("Name=execute_recipes,Args={recipes=[a::b,c]}")
    {'Name': 'execute_recipes', 'Args': {'recipes': ['a::b', 'c']}}
    """
    reader = _Reader(text)
    made = reader.pairs(until="")
    if reader.at < len(text):
        raise BadShorthand(f"{text!r} breaks at {text[reader.at :]!r}")
    return made


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def pairs(self, *, until: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        while True:
            key = self.word("=,]}")
            if not key or not self.take("="):
                raise BadShorthand(f"{self.text!r} needs key=value at {self.text[self.at :]!r}")
            values = [self.value()]
            while self.take(","):
                if self.next_is_key():
                    break
                values.append(self.value())
            else:
                made[key] = values[0] if len(values) == 1 else values
                if until and not self.take(until):
                    raise BadShorthand(f"{self.text!r} lacks a closing {until}")
                return made
            made[key] = values[0] if len(values) == 1 else values

    def value(self) -> Any:
        if self.take("["):
            return self.items()
        if self.take("{"):
            return self.pairs(until="}")
        return self.word(",]}")

    def items(self) -> list[Any]:
        found: list[Any] = []
        while not self.take("]"):
            if self.at >= len(self.text):
                raise BadShorthand(f"{self.text!r} lacks a closing ]")
            found.append(self.value())
            self.take(",")
        return found

    def word(self, stops: str) -> str:
        start = self.at
        if self.text[start : start + 1] in ('"', "'"):
            end = self.text.find(self.text[start], start + 1)
            if end < 0:
                raise BadShorthand(f"{self.text!r} lacks a closing quote")
            self.at = end + 1
            return self.text[start + 1 : end]
        while self.at < len(self.text) and self.text[self.at] not in stops:
            self.at += 1
        return self.text[start : self.at]

    def next_is_key(self) -> bool:
        rest = self.text[self.at :]
        equals = rest.find("=")
        return equals > 0 and not any(stop in rest[:equals] for stop in ",[]{}")

    def take(self, character: str) -> bool:
        if character and self.text.startswith(character, self.at):
            self.at += 1
            return True
        return False
