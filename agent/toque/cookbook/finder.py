"""Importing from cookbooks: `from cookbooks.web.vhosts import vhost`, from the run's own bundle and from nowhere else.

`cookbooks` is no package on disk. While a run goes on, a finder maps `cookbooks.<name, with - as _>` to the folder of
that cookbook in the bundle, and modules below to files in it. `sys.path` is never asked, so a package `cookbooks` that
happens to be installed cannot take its place, and what a cookbook imports is what was signed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from toque.core.resource import COOKBOOKS, REGISTRY

PACKAGE = "cookbooks"


def module_name(cookbook: str) -> str:
    """The name by which a cookbook is imported."""
    return f"{PACKAGE}.{cookbook.replace('-', '_')}"


class CookbookFinder:
    """Finds modules in the cookbooks of one bundle. Not derived from `importlib.abc`, which takes long to load."""

    def __init__(self, cookbooks: Mapping[str, Path]) -> None:
        self._roots = {name.replace("-", "_"): path for name, path in cookbooks.items()}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == PACKAGE:
            spec = ModuleSpec(PACKAGE, None, is_package=True)
            spec.submodule_search_locations = []
            return spec
        top, _, rest = fullname.partition(".")
        if top != PACKAGE:
            return None
        name, *below = rest.split(".")
        root = self._roots.get(name)
        return None if root is None else _spec(fullname, root.joinpath(*below))


def _spec(fullname: str, place: Path) -> ModuleSpec | None:
    """A folder is a package, with or without `__init__.py`; a file is a module."""
    if place.is_dir():
        first = place / "__init__.py"
        if first.is_file():
            loader = _SourceOnly(fullname, str(first))
            return spec_from_file_location(fullname, first, loader=loader, submodule_search_locations=[str(place)])
        spec = ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = [str(place)]
        return spec
    file = place.with_name(f"{place.name}.py")
    return spec_from_file_location(fullname, file, loader=_SourceOnly(fullname, str(file))) if file.is_file() else None


class _SourceOnly(SourceFileLoader):
    """Neither reads nor writes byte code: what runs is the source that was signed, and its folder stays as it was."""

    def path_stats(self, path: str) -> dict[str, float]:
        raise OSError("byte code is not used for cookbooks")


@contextmanager
def importable(cookbooks: Mapping[str, Path]) -> Iterator[None]:
    """While this lasts, the cookbooks can be imported; afterwards none of their modules is left behind."""
    finder = CookbookFinder(cookbooks)
    _forget()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _forget()


def _forget() -> None:
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(f"{PACKAGE}.")]:
        del sys.modules[name]
    for word in [word for word, kind in REGISTRY.items() if kind.__module__.startswith(COOKBOOKS)]:
        del REGISTRY[word]
