"""INI, dotenv and properties: one line per key. The line is changed, all others stay."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from toque.core.edits import Lines
from toque.platforms.config import ABSENT, CannotEdit
from toque.platforms.environment import dotenv

_SECTION = re.compile(r"\s*\[(?P<name>[^\]]*)\]\s*(?:[#;].*)?")


@dataclass
class _Line:
    """The line of a key: its numbers, what stands before the value, and the value as it is written."""

    first: int
    last: int
    key: str
    before: str
    value: str


@dataclass
class _Found:
    """Where the lines of a section are, and all keys of the file."""

    first: int | None = 0
    last: int = 0
    ours: list[_Line] = field(default_factory=list)
    all: list[_Line] = field(default_factory=list)


def ini(text: str, keys: Sequence[str], value: Any) -> str:
    """`keys` are the section (empty: above the first one) and the key."""
    section, key = keys
    wanted = value if value is ABSENT else written(value)
    return _edited(text, key, wanted, _ini_lines, section=section, default=" = ")


def env(text: str, keys: Sequence[str], value: Any) -> str:
    if value is ABSENT:
        return _edited(text, keys[0], value, _env_lines, default="=")
    plain = written(value)
    wanted = dotenv.quoted(keys[0], plain)
    alike = (f'"{plain}"', f"'{plain}'") if wanted == plain else ()
    return _edited(text, keys[0], wanted, _env_lines, default="=", alike=alike)


def properties(text: str, keys: Sequence[str], value: Any) -> str:
    wanted = value if value is ABSENT else _escaped(written(value))
    return _edited(text, keys[0], wanted, _properties_lines, default="=", name=_escaped_key(keys[0]))


def written(value: Any) -> str:
    """A value as text: `true` and `false` in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise CannotEdit(f"this format holds text, numbers and true or false, not {type(value).__name__} {value!r}")


def _edited(
    text: str,
    key: str,
    wanted: Any,
    read: Callable[[list[str], str], _Found],
    *,
    section: str = "",
    default: str,
    name: str | None = None,
    alike: Sequence[str] = (),
) -> str:
    """The text with one value in it. `alike` are other ways to write it that are left as they are."""
    lines = Lines.of(text)
    found = read(lines.lines, section)
    ours = [line for line in found.ours if line.key == key]
    if wanted is ABSENT:
        for line in reversed(ours):
            del lines.lines[line.first : line.last + 1]
        return str(lines)
    if len(ours) > 1:
        places = ", ".join(str(line.first + 1) for line in ours)
        raise CannotEdit(f"{key!r} stands there {len(ours)} times (lines {places}): which one is meant cannot be said")
    if ours:
        if ours[0].value != wanted and ours[0].value not in alike:
            lines.lines[ours[0].first : ours[0].last + 1] = [f"{ours[0].before}{wanted}"]
        return str(lines)
    like = (found.ours or found.all)[-1:]
    sign = re.search(r"\s*[=:]\s*$|\s+$", like[0].before) if like else None
    new = f"{name or key}{sign[0] if sign and like[0].value else default}{wanted}"
    if found.first is None:
        gap = [""] if lines.lines and lines.lines[-1].strip() else []
        lines.insert(len(lines.lines), [*gap, f"[{section}]", new])
    else:
        lines.insert(found.ours[-1].last + 1 if found.ours else found.last, [new])
    return str(lines)


def _ini_lines(lines: list[str], section: str) -> _Found:
    found = _Found(None if section else 0, 0)
    here, indent = "", 0
    for number, line in enumerate(lines):
        if (header := _SECTION.fullmatch(line)) is not None:
            here = header["name"].strip()
            if here == section:
                found.first, found.last = number, number + 1
            continue
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        above = found.all[-1] if found.all else None
        if above is not None and above.last == number - 1 and len(line) - len(line.lstrip()) > indent:
            above.last, above.value = number, f"{above.value}\n{bare}"
            continue
        match = re.match(r"(\s*)([^=:]*?)(\s*[=:]\s*|\s*$)", line)
        assert match is not None, "all parts may be empty"
        indent = len(match[1])
        value = line[match.end() :].rstrip()
        before = match[0] if value or not match[3][:1].isspace() else f"{match[0].rstrip()} "
        made = _Line(number, number, match[2], before, value)
        found.all.append(made)
        if here == section:
            found.ours.append(made)
    return found


def _env_lines(lines: list[str], section: str) -> _Found:
    found = _Found(0, len(lines))
    for number, line in enumerate(lines):
        match = re.match(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=", line)
        if match is not None:
            found.all.append(_Line(number, number, match[1], match[0], line[match.end() :].rstrip()))
    found.ours = found.all
    return found


def _properties_lines(lines: list[str], section: str) -> _Found:
    found = _Found(0, len(lines))
    number = 0
    while number < len(lines):
        line, first = lines[number], number
        number += 1
        if not line.strip() or line.lstrip()[0] in "#!":
            continue
        while re.search(r"(?<!\\)(?:\\\\)*\\$", line) and number < len(lines):
            line = line[:-1] + lines[number].lstrip()
            number += 1
        match = re.match(r"\s*((?:[^\\\s=:]|\\.)*)(?:\s*[=:]\s*|\s+|$)", line)
        assert match is not None, "all parts may be empty"
        key = re.sub(r"\\(.)", r"\1", match[1])
        found.all.append(_Line(first, number - 1, key, match[0], line[match.end() :]))
    found.ours = found.all
    return found


def _escaped(value: str) -> str:
    """As Java reads it: backslashes, line ends and a space at the beginning escaped, ASCII only."""
    text = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    if text.startswith(" "):
        text = f"\\{text}"
    units = (text[at : at + 1] for at in range(len(text)))
    return "".join(each if each.isascii() else _units(each) for each in units)


def _units(letter: str) -> str:
    raw = letter.encode("utf-16-be")
    return "".join(f"\\u{raw[at]:02x}{raw[at + 1]:02x}" for at in range(0, len(raw), 2))


def _escaped_key(key: str) -> str:
    return re.sub(r"([=:#! ])", r"\\\1", _escaped(key))
