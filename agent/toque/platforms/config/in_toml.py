"""TOML: the line of the key is changed, all others stay; what came of it is proven by Python's own parser."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toque.core.edits import Lines
from toque.platforms.config import ABSENT, CannotEdit, plain, same, with_value

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = re.compile(rf"\s*(?P<key>{_PART}(?:\s*\.\s*{_PART})*)\s*=[ \t]*")
_HEADER = re.compile(rf"\s*\[\s*(?P<key>{_PART}(?:\s*\.\s*{_PART})*)\s*\]\s*(?:#.*)?")
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass
class _Statement:
    """A key and its value, or the header of a table: the numbers of its first and last line, and its whole path."""

    first: int
    last: int
    table: tuple[str, ...] | None
    path: tuple[str, ...] | None
    is_header: bool = False


def edited(text: str, keys: Sequence[str], value: Any) -> str:
    data = _parsed(text, "it is not TOML")
    wanted = with_value(data, keys, value if value is ABSENT else plain(value))
    if same(data, wanted):
        return text
    lines = Lines.of(text)
    statements = _statements(lines.lines)
    place = next((s for s in statements if s.path == tuple(keys) and not s.is_header), None)
    if place is not None:
        new = [] if value is ABSENT else [_with_value(lines.lines[place.first : place.last + 1], plain(value))]
        lines.lines[place.first : place.last + 1] = new
    elif value is ABSENT:
        for each in reversed(statements):
            if each.path is not None and each.path[: len(keys)] == tuple(keys):
                del lines.lines[each.first : each.last + 1]
    else:
        _add(lines, statements, tuple(keys), plain(value))
    made = str(lines)
    if not same(_parsed(made, _CANNOT), wanted):
        raise CannotEdit(_CANNOT)
    return made


_CANNOT = "it cannot be changed line by line: it stands in an inline table or is a table itself; change what holds it"


def _parsed(text: str, otherwise: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise CannotEdit(f"{otherwise} ({error})") from None


def _statements(lines: list[str]) -> list[_Statement]:
    found: list[_Statement] = []
    table: tuple[str, ...] | None = ()
    number = 0
    while number < len(lines):
        line = lines[number]
        if (header := _HEADER.fullmatch(line)) is not None:
            table = _path(header["key"])
            found.append(_Statement(number, number, table, table, is_header=True))
        elif line.lstrip().startswith("["):
            table = None  # one of an array of tables: which one a key means cannot be said
        elif (key := _KEY.match(line)) is not None:
            last = _last(lines, number)
            path = None if table is None else (*table, *_path(key["key"]))
            found.append(_Statement(number, last, table, path))
            number = last
        number += 1
    return found


def _path(key: str) -> tuple[str, ...]:
    """The parts of a key as it is written, `a."b.c"` for one."""
    parts: list[str] = []
    inner: Any = tomllib.loads(f"{key} = 0")
    while isinstance(inner, dict):
        ((part, inner),) = inner.items()
        parts.append(part)
    return tuple(parts)


def _last(lines: list[str], first: int) -> int:
    """The last line of a value that begins on line `first`."""
    for last in range(first, len(lines)):
        try:
            tomllib.loads("\n".join(lines[first : last + 1]))
        except tomllib.TOMLDecodeError:
            continue
        return last
    raise CannotEdit(f"where the value in line {first + 1} ends cannot be seen")


def _with_value(lines: list[str], value: Any) -> str:
    """The statement with another value; a comment at its end stays."""
    key = _KEY.match(lines[0])
    assert key is not None, "a statement begins with its key"
    line, comment = lines[-1], ""
    before = lines[:-1]
    for at in (m.start() for m in re.finditer("[ \t]*#", line)):
        try:
            tomllib.loads("\n".join([*before, line[:at]]))
        except tomllib.TOMLDecodeError:
            continue
        comment = line[at:]
        break
    return f"{key[0]}{_written(value)}{comment}"


def _add(lines: Lines, statements: list[_Statement], keys: tuple[str, ...], value: Any) -> None:
    line = f"{_name(keys[-1])} = {_written(value)}"
    inside = [s for s in statements if s.table == keys[:-1]]
    if inside:
        lines.insert(inside[-1].last + 1, [line])
    elif len(keys) == 1:
        first = next((n for n, each in enumerate(lines.lines) if each.lstrip().startswith("[")), len(lines.lines))
        at_end = first == len(lines.lines)
        lines.insert(first, [line] if at_end else [line, ""])
    else:
        header = f"[{'.'.join(map(_name, keys[:-1]))}]"
        gap = [""] if lines.lines and lines.lines[-1].strip() else []
        lines.insert(len(lines.lines), [*gap, header, line])


def _name(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _written(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{_name(key)} = {_written(each)}" for key, each in value.items()) + " }"
            if value
            else "{}"
        )
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    raise CannotEdit(f"TOML has no way to write {value!r}")
