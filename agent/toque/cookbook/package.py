"""A package: cookbooks with all that they need, in one file that is the same bytes wherever it is made.

    nginx/…  web/…        the cookbooks, as in a bundle: sorted, no times, no owners, modes 0755 and 0644
    package.json          which they are, where they came from, and the SHA-256 of each file

It is a bundle too: PublishCookbooks takes it.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toque.cookbook.archive import BadArchive, unpack
from toque.cookbook.bundle import pack
from toque.cookbook.deps.content import Files, digest_of, inspect
from toque.cookbook.deps.errors import NotToBeHad
from toque.cookbook.layout import BadCookbook, load_cookbook
from toque.core.errors import ToqueError
from toque.protocol.canonical import canonical
from toque.protocol.names import BadName, check_cookbook_name

CONTENTS = "package.json"
_FORMAT = 1


class BadPackage(ToqueError):
    """A file that is no package, or one whose content is not what it says."""

    def __init__(self, file: Path, why: str) -> None:
        self.file, self.why = file, why
        super().__init__(f"{file} is refused: {why}")


@dataclass(frozen=True)
class Packed:
    """`digest` is the file's SHA-256; `cookbooks` are (version, digest of the files, where it came from) by name."""

    digest: str
    size: int
    cookbooks: dict[str, tuple[str, str, str]]


def package(cookbooks: Mapping[str, Path], out: Path, *, origins: Mapping[str, str]) -> Packed:
    """Write a package of these cookbooks. `origins` says in words where the dependencies among them came from."""
    found: dict[str, tuple[str, str, str]] = {}
    listed: dict[str, Any] = {}
    for name, folder in sorted(cookbooks.items()):
        files, version = inspect(folder), load_cookbook(folder).version
        found[name] = (version, digest_of(files), origins.get(name, "own"))
        listed[name] = dict(zip(("version", "digest", "origin"), found[name], strict=True)) | {"files": files}
    contents = canonical({"format": _FORMAT, "cookbooks": listed})
    info = pack(cookbooks, out, beside={CONTENTS: contents}, stored=True)
    return Packed(info.digest, info.size, found)


def verify(file: Path) -> Packed:
    """Unpack a package in private, hold it against its package.json, throw it away. Raises BadPackage."""
    with tempfile.TemporaryDirectory(prefix="toque-package-") as place:
        tree = Path(place) / "tree"
        try:
            unpack(file, tree, name=str(file))
            listed = _listed(file, tree)
            there = {each.name for each in tree.iterdir()} - {CONTENTS}
            if there != set(listed):
                odd = sorted(there ^ set(listed))[0]
                raise BadPackage(file, f"{odd} is in it and not in {CONTENTS}, or the other way round")
            found = {name: _verified(file, tree / name, name, said) for name, said in listed.items()}
        except (BadArchive, NotToBeHad, BadCookbook) as error:
            raise BadPackage(file, getattr(error, "why", str(error).replace(f"{tree}/", ""))) from None
        except OSError as error:
            raise BadPackage(file, error.strerror or str(error)) from None
    with file.open("rb") as opened:
        return Packed(hashlib.file_digest(opened, "sha256").hexdigest(), file.stat().st_size, found)


def _listed(file: Path, tree: Path) -> dict[str, Any]:
    try:
        said = json.loads((tree / CONTENTS).read_bytes())
        if said["format"] != _FORMAT:
            raise BadPackage(file, "it was made by another version of Toque")
        listed: dict[str, Any] = {check_cookbook_name(name): about for name, about in said["cookbooks"].items()}
    except FileNotFoundError:
        raise BadPackage(file, f"it has no {CONTENTS}: was it made by `toque cookbook package`?") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, BadName):
        raise BadPackage(file, f"its {CONTENTS} cannot be read") from None
    return listed


def _verified(file: Path, folder: Path, name: str, said: Any) -> tuple[str, str, str]:
    files, info = inspect(folder), load_cookbook(folder)
    if not isinstance(said, dict) or said.get("files") != files:
        raise BadPackage(file, f"{name}/{_first_difference(files, said)} is not what its {CONTENTS} says")
    if (info.name, info.version, digest_of(files)) != (name, said.get("version"), said.get("digest")):
        raise BadPackage(file, f"{name} is not the cookbook that its {CONTENTS} says")
    return info.version, digest_of(files), str(said.get("origin", ""))


def _first_difference(files: Files, said: Any) -> str:
    listed = said.get("files") if isinstance(said, dict) else None
    if not isinstance(listed, dict):
        return ""
    return min((path for path in {*files, *listed} if files.get(path) != listed.get(path)), default="")
