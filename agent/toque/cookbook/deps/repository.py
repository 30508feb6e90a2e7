"""A repository of cookbooks on disk: its own cookbooks, what they ask for, and what is locked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from toque.cookbook.deps.lock import FILE, Lock, fresh_lock, read_lock, written
from toque.cookbook.deps.manifest import Manifest, read_manifest
from toque.cookbook.layout import CookbookInfo, find_cookbooks, load_cookbook
from toque.protocol.durable import write_durably


@dataclass(frozen=True)
class Repository:
    """`own` and `folders` are the cookbooks of the repository itself, by name."""

    root: Path
    manifest: Manifest
    own: dict[str, CookbookInfo]
    folders: dict[str, Path]

    @classmethod
    def read(cls, root: Path) -> Repository:
        """Raises BadDependencies and BadCookbook, with file and line."""
        folders = find_cookbooks(root)
        return cls(root, read_manifest(root), {name: load_cookbook(each) for name, each in folders.items()}, folders)

    def lock(self) -> Lock:
        """The lock, if it answers today's cookbooks.toml. Raises StaleLock and BadDependencies."""
        return fresh_lock(self.manifest, self.own)

    def old_lock(self) -> Lock | None:
        """The lock as it stands there, whatever it answers."""
        return read_lock(self.root)

    def write(self, lock: Lock) -> bool:
        """Write the lock; False where these bytes stand there already."""
        path, data = self.root / FILE, written(lock)
        if path.is_file() and path.read_bytes() == data:
            return False
        write_durably(path, data, mode=0o644)
        return True
