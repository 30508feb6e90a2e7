"""/etc/hosts: the lines of addresses, and the sections that are kept whole. Every other line stays as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from toque.core.errors import BadProperty
from toque.core.files import lines_of
from toque.core.host import Host

HOSTS = "/etc/hosts"
_BEGIN = "# begin of the block that Toque keeps: "
END = "# end of the block that Toque keeps"
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")


@dataclass(frozen=True)
class Line:
    """What one line says: an address, its names (the first is the canonical one), a comment."""

    ip: str
    names: tuple[str, ...]
    comment: str = ""

    def __str__(self) -> str:
        return f"{self.ip} {' '.join(self.names)}" + (f" # {self.comment}" if self.comment else "")


def check_address(word: str, ip: str) -> None:
    """Refuse what is neither an IPv4 nor an IPv6 address."""
    try:
        ip_address(ip)
    except ValueError:
        raise BadProperty(f'{word} must be an address such as "10.0.0.7" or "fd00::7", got {ip!r}') from None


def check_host_name(word: str, name: str) -> None:
    """Refuse what could be a second field or a comment of the file."""
    if not _NAME.fullmatch(name):
        raise BadProperty(f"{word} must be letters, digits, dots, hyphens and underscores, got {name!r}")


def hosts_text(host: Host) -> str:
    """What the file says; what it must say at least where there is none."""
    content = host.read(HOSTS)
    return "127.0.0.1 localhost\n" if content is None else content.decode(errors="surrogateescape")


def write_hosts(host: Host, text: str) -> None:
    host.write(HOSTS, text.encode(errors="surrogateescape"))


def entry_of(text: str, ip: str) -> Line | None:
    """What the lines of an address say together, sections left out; None when it has none."""
    found = [line for _, line in _entries(text) if line is not None and _same(line.ip, ip)]
    if not found:
        return None
    names = tuple(dict.fromkeys(name for line in found for name in line.names))
    return Line(ip, names, next((line.comment for line in found if line.comment), ""))


def others_with(text: str, ip: str, names: Sequence[str]) -> tuple[str, ...]:
    """The other addresses of the same family that bear one of these names."""
    wanted = set(names)
    return tuple(
        line.ip
        for _, line in _entries(text)
        if line is not None and not _same(line.ip, ip) and _family(line.ip) == _family(ip) and wanted & set(line.names)
    )


def with_entry(text: str, line: Line, *, exclusive: bool) -> str:
    """The text in which the address has this one line; `exclusive`: no other address of its family has its names."""
    out: list[str] = []
    placed = False
    for raw, found in _entries(text):
        if found is None:
            out.append(raw)
        elif _same(found.ip, line.ip):
            if not placed:
                out.append(str(line))
            placed = True
        elif exclusive and _family(found.ip) == _family(line.ip) and set(found.names) & set(line.names):
            left = tuple(name for name in found.names if name not in line.names)
            if left:
                out.append(str(Line(found.ip, left, found.comment)))
        else:
            out.append(raw)
    if not placed:
        # Before the sections: the first line that has a name is the one that is found.
        at = next((number for number, raw in enumerate(out) if raw.startswith(_BEGIN)), len(out))
        out.insert(at, str(line))
    return _joined(out)


def without_entry(text: str, ip: str, names: Sequence[str] = ()) -> str:
    """The text in which the address has none of these names; without names: no line at all."""
    out = []
    for raw, found in _entries(text):
        if found is None or not _same(found.ip, ip):
            out.append(raw)
            continue
        left = tuple(name for name in found.names if name not in names) if names else ()
        if left:
            out.append(raw if left == found.names else str(Line(found.ip, left, found.comment)))
    return _joined(out)


def section(name: str, lines: Sequence[Line]) -> str:
    """A section with its first and last line."""
    return _joined([f"{_BEGIN}{name}", *map(str, lines), END])


def section_in(text: str, name: str) -> str | None:
    """The section of this name as it stands; None when there is none."""
    place = _place_of(text, name)
    return None if place is None else text[place[0] : place[1]]


def with_section(text: str, name: str, content: str) -> str:
    """The text with this section: in the old one's place, else at the end; empty content takes it away."""
    if text and not text.endswith("\n"):
        text += "\n"
    place = _place_of(text, name) or (len(text), len(text))
    return text[: place[0]] + content + text[place[1] :]


def _place_of(text: str, name: str) -> tuple[int, int] | None:
    begin = re.search(rf"^{re.escape(_BEGIN + name)}\n", text, re.MULTILINE)
    if begin is None:
        return None
    end = re.compile(rf"^({re.escape(END)})?(\n|\Z)|^(?={re.escape(_BEGIN)})", re.MULTILINE)
    at = begin.end()
    while at < len(text):
        found = end.match(text, at)
        if found is not None and (found[1] or found.end() == at):
            return begin.start(), found.end()
        at = text.find("\n", at) + 1 or len(text)
    # Its last line is gone: only its first line is surely ours.
    return begin.start(), begin.end()


def _entries(text: str) -> Iterator[tuple[str, Line | None]]:
    """Each line, and what it says where it is an address outside the sections."""
    inside = False
    for raw in lines_of(text.encode(errors="surrogateescape")):
        if raw.startswith(_BEGIN):
            inside = True
        said, _, comment = raw.partition("#")
        fields = said.split()
        if inside or len(fields) < 2:
            yield raw, None
        else:
            yield raw, Line(fields[0], tuple(fields[1:]), comment.strip())
        if raw == END:
            inside = False


def _joined(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _same(one: str, other: str) -> bool:
    return one == other or (_family(one) != 0 and _family(one) == _family(other) and _number(one) == _number(other))


def _family(ip: str) -> int:
    try:
        return ip_address(ip).version
    except ValueError:
        return 0


def _number(ip: str) -> int:
    return int(ip_address(ip))
