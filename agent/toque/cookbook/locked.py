"""The cookbooks that an author's own see while he plans and tests them: beside his, those of cookbooks.lock."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from toque.cookbook.layout import find_cookbooks
from toque.core.errors import NotLoadable, ToqueError

if TYPE_CHECKING:
    from toque.cookbook.deps.cache import Cache


def with_locked(root: Path) -> dict[str, Path]:
    """The cookbooks of a repository with the locked ones, by name, from the author's cache; nothing is fetched.

    Without a cookbooks.lock they are the repository's alone. Raises NotLoadable, with the command that helps, and
    BadCookbook.
    """
    if not (root / "cookbooks.lock").is_file():
        return find_cookbooks(root)
    from toque.cookbook.deps.cache import Cache, users_cache
    from toque.cookbook.deps.repository import Repository

    try:
        repository = Repository.read(root)
        lock, cache = repository.lock(), Cache(users_cache())
        found = {name: _overlaid(root / name, each.digest, cache) for name, each in lock.cookbooks.items()}
    except ToqueError as error:
        raise NotLoadable(f"{error} (`toque cookbook deps lock` fetches what is locked)") from error
    return {**found, **repository.folders}


def _overlaid(over: Path, content: str, cache: Cache) -> Path:
    """A dependency, with the files of the repository's folder of its name over it, should there be one."""
    from toque.cookbook.deps.content import copy

    if not over.is_dir():
        return cache.folder(content)
    with cache.scratch() as place:
        cache.copy(content, place / "merged")
        copy(over, place / "merged")
        return cache.folder(cache.add(place / "merged"))
