"""Cookbooks by the digest of their files, on this disk: what was fetched once is not fetched again.

A folder of the cache is never believed: it is judged by its digest each time it is used, and thrown away if it differs.
Beside the cookbooks stand small notes, by which a place that was seen is known again without the network.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from toque.cookbook.deps.content import copy, digest_of, inspect
from toque.cookbook.deps.errors import NotToBeHad
from toque.protocol.canonical import canonical, digest
from toque.protocol.durable import write_durably


def users_cache() -> Path:
    """Where the tools of authors keep what they fetched."""
    home = os.environ.get("XDG_CACHE_HOME") or f"{os.environ.get('HOME', '/')}/.cache"
    return Path(home) / "toque" / "cookbooks"


class Cache:
    """`<directory>/<digest>/` are cookbooks, `<directory>/notes/` what is remembered of places."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "notes").mkdir(mode=0o700, parents=True, exist_ok=True)

    def has(self, content: str) -> bool:
        """Whether a cookbook is here and whole; what is here and not whole is removed."""
        folder = self.directory / content
        if not folder.is_dir():
            return False
        try:
            if digest_of(inspect(folder)) == content:
                return True
        except NotToBeHad:
            pass
        shutil.rmtree(folder, ignore_errors=True)
        return False

    def folder(self, content: str) -> Path:
        """A cookbook to read from. Raises NotToBeHad."""
        if not self.has(content):
            raise NotToBeHad(f"the cookbook {content[:12]} is not in the cache {self.directory}")
        return self.directory / content

    def copy(self, content: str, into: Path) -> None:
        """Copy a cookbook over `into`. What is copied is what is judged. Raises NotToBeHad."""
        if digest_of(copy(self.directory / content, into)) != content:
            raise NotToBeHad(f"the cookbook {content[:12]} in the cache {self.directory} is not what it was")

    def add(self, tree: Path) -> str:
        """Keep a copy of a cookbook's folder; answers with its digest. Raises NotToBeHad."""
        with self.scratch() as place:
            content = digest_of(copy(tree, place / "cookbook"))
            if not self.has(content):
                try:
                    (place / "cookbook").rename(self.directory / content)
                except OSError:
                    # Another process was faster; what it put there is judged as everything here.
                    if not self.has(content):
                        raise
        return content

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A private folder on the same file system, gone afterwards."""
        with tempfile.TemporaryDirectory(dir=self.directory, prefix=".fetching-", ignore_cleanup_errors=True) as place:
            yield Path(place)

    def note(self, about: object, said: Mapping[str, str]) -> None:
        write_durably(self._note(about), json.dumps(dict(said)).encode())

    def noted(self, about: object) -> dict[str, str]:
        """What was noted about a place; empty for one that is new, or where the note is broken."""
        try:
            said = json.loads(self._note(about).read_bytes())
        except (OSError, ValueError):
            return {}
        is_note = isinstance(said, dict) and all(isinstance(value, str) for value in said.values())
        return said if is_note else {}

    def _note(self, about: object) -> Path:
        return self.directory / "notes" / digest(canonical(about))
