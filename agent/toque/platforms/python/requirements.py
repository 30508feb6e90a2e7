"""What a file of requirements asks for, as pip reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import normpath

from toque.core.errors import ToqueError
from toque.core.host import Host

_COMMENT = re.compile(r"(^|\s)#.*$")
_HASH = re.compile(r"\s--hash[= ]\S+|\s--(global|config)-(option|settings)[= ]\S+")
_INCLUDED = re.compile(r"(?:-r|--requirement)[= ]?\s*(?P<file>\S+)")
_IN_PLACE = re.compile(r"(?:-e|--editable)[= ]?\s*(?P<path>\S+)")
_DEEPEST = 8


def requirements_in(host: Host, path: str, depth: int = 0) -> Iterator[str]:
    """The requirements that a file names, those of files that it includes too. Raises ToqueError without the file."""
    content = host.read(path)
    if content is None:
        raise ToqueError(f"there is no file of requirements at {path}")
    folder = path.rpartition("/")[0]
    for line in content.decode(errors="replace").replace("\\\n", " ").splitlines():
        line = _HASH.sub("", _COMMENT.sub("", line)).strip()
        if (included := _INCLUDED.fullmatch(line)) is not None and depth < _DEEPEST:
            yield from requirements_in(host, _joined(folder, included["file"]), depth + 1)
        elif (in_place := _IN_PLACE.fullmatch(line)) is not None:
            yield f"-e {_joined(folder, in_place['path'].partition('[')[0])}"
        elif line and not line.startswith("-"):
            yield line


def _joined(folder: str, name: str) -> str:
    return normpath(name if name.startswith("/") else f"{folder}/{name}")
