"""/etc/fstab: what is mounted, and swapped to, when the machine boots. Other lines stay as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from toque.core.errors import BadProperty
from toque.core.files import in_lines, lines_of
from toque.core.host import Host

FSTAB = "/etc/fstab"
_SPEC = re.compile(r"(UUID|PARTUUID|LABEL|PARTLABEL|ID)=[^\s\"']+|[^\s#-]\S*")


@dataclass(frozen=True)
class Line:
    """The six fields of a line, without the octal escapes that blanks have in the file."""

    device: str
    path: str
    fstype: str
    options: str
    dump: int = 0
    order: int = 0

    def __str__(self) -> str:
        texts = map(_escaped, (self.device, self.path, self.fstype, self.options))
        return " ".join([*texts, str(self.dump), str(self.order)])


Wanted = Callable[[Line], bool]


def check_device(word: str, device: str) -> None:
    """Refuse what could be an option of mount or a comment of the file."""
    if not _SPEC.fullmatch(device) or not device.isprintable():
        raise BadProperty(
            f"{word} must be a path, a name such as UUID=… or LABEL=…, or what the file system calls its source, "
            f"got {device!r}"
        )


def line_in(host: Host, wanted: Wanted) -> Line | None:
    """What the file says of it, the last line where it has several; None when it says nothing."""
    found = None
    for raw in lines_of(host.read(FSTAB)):
        line = _parsed(raw)
        if line is not None and wanted(line):
            found = line
    return found


def put_line(host: Host, wanted: Wanted, line: Line | None) -> None:
    """Have this line in place of the ones that are meant; None takes them out."""
    out, placed = [], line is None
    for raw in lines_of(host.read(FSTAB)):
        said = _parsed(raw)
        if said is None or not wanted(said):
            out.append(raw)
        elif not placed:
            out.append(str(line))
            placed = True
    if not placed:
        out.append(str(line))
    host.write(FSTAB, in_lines(out))


def _parsed(raw: str) -> Line | None:
    fields = raw.split()
    if len(fields) < 3 or fields[0].startswith("#"):
        return None
    device, path, fstype, *more = map(_plain, fields)
    options = more[0] if more else "defaults"
    dump, order = (int(each) if each.isdecimal() else 0 for each in (*more[1:3], "0", "0")[:2])
    return Line(device, path, fstype, options, dump, order)


def _escaped(text: str) -> str:
    return re.sub(r"[\s\\]", lambda found: f"\\{ord(found[0]):03o}", text)


def _plain(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
