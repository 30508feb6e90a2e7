"""An option in a package manager's configuration that is a list of words, such as `IgnorePkg = linux nvidia`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

_SECTION = re.compile(r"\s*\[([^]]+)\]\s*$")


def words_of(text: str, section: str, keys: Collection[str]) -> list[str]:
    """The words of an option, under any of its names and on any number of lines."""
    return [word for _, words in _lines(text, section, keys) for word in words]


def with_words(
    text: str, section: str, keys: tuple[str, ...], *, add: Collection[str] = (), drop: Collection[str] = ()
) -> str:
    """The text with these words added and those taken out; every other line stays as it is."""
    lines = text.splitlines()
    there = list(_lines(text, section, keys))
    known = {word for _, words in there for word in words}
    new = [word for word in add if word not in known]
    for number, words in reversed(there):
        # What is new joins the last line: where an option may stand but once, that is the one that counts.
        wanted = [word for word in words if word not in drop] + new
        new = []
        if wanted != words:
            name = lines[number].partition("=")[0].rstrip()
            lines[number : number + 1] = [f"{name} = {' '.join(wanted)}"] if wanted else []
    if new:
        heading = next((number for number, line in enumerate(lines) if _is_section(line, section)), None)
        if heading is None:
            lines.append(f"[{section}]")
            heading = len(lines) - 1
        lines.insert(heading + 1, f"{keys[0]} = {' '.join(new)}")
    return "\n".join(lines) + "\n"


def _lines(text: str, section: str, keys: Collection[str]) -> Iterator[tuple[int, list[str]]]:
    inside = False
    for number, line in enumerate(text.splitlines()):
        if _SECTION.match(line):
            inside = _is_section(line, section)
        elif inside and line.partition("=")[0].strip() in keys:
            yield number, line.partition("=")[2].replace(",", " ").split()


def _is_section(line: str, section: str) -> bool:
    match = _SECTION.match(line)
    return match is not None and match[1] == section
