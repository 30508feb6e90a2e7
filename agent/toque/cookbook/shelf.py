"""The cookbooks of a run: which recipe is which file, what settings a cookbook has, and running each recipe once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import CodeType
from typing import Any

from toque.cookbook.finder import module_name
from toque.cookbook.layout import CookbookInfo, load_cookbook, split_recipe
from toque.cookbook.settings import build
from toque.core.errors import BadData, NotLoadable, did_you_mean
from toque.core.files import cookbook_of
from toque.core.pages import place
from toque.core.run import Run
from toque.core.source import Source
from toque.core.world import World


@dataclass(frozen=True)
class Recipe:
    """A recipe by name, its file, and its code, compiled but not run."""

    name: str
    path: Path
    code: CodeType
    module: str


class Shelf:
    """The cookbooks that one phase of a run may use, by name; `base` is what paths in errors are relative to."""

    def __init__(self, cookbooks: Mapping[str, Path], base: Path | None = None) -> None:
        self.cookbooks = dict(cookbooks)
        self._base = base
        self._infos: dict[str, CookbookInfo] = {}
        self._settings: dict[str, Any] = {}
        self._begun: set[str] = set()

    def info(self, cookbook: str) -> CookbookInfo:
        if cookbook not in self.cookbooks:
            raise NotLoadable(f"there is no cookbook {cookbook}{did_you_mean(cookbook, self.cookbooks)}")
        if cookbook not in self._infos:
            self._infos[cookbook] = load_cookbook(self.cookbooks[cookbook])
        return self._infos[cookbook]

    def load(self, name: str) -> Recipe:
        """Find and compile a recipe; raises NotLoadable for one that is missing or no valid Python."""
        cookbook, recipe = split_recipe(name)
        info = self.info(cookbook)
        if recipe not in info.recipes:
            near = did_you_mean(recipe, info.recipes) if info.recipes else " (it has none)"
            raise NotLoadable(
                f"there is no recipe {cookbook}::{recipe}: cookbook {cookbook} has no recipe {recipe}{near}"
            )
        path = self.cookbooks[cookbook] / "recipes" / f"{recipe}.py"
        package = f"{module_name(cookbook)}.recipes"
        return Recipe(f"{cookbook}::{recipe}", path, compile_recipe(path, self._base), f"{package}.{recipe}")

    def run(self, name: str, run: Run, world: World) -> None:
        """Run a recipe at this point, unless it ran (or began) already."""
        recipe = self.load(name)
        if recipe.name in self._begun:
            return
        self._begun.add(recipe.name)
        self._check_platform(recipe.name.partition("::")[0], world)
        run_code(recipe, run)

    def judge_settings(self, recipes: Sequence[str], world: World) -> None:
        """Make the settings of every cookbook of the run list, and of those they require, so that what does not fit
        ends the run before anything is changed."""
        todo = [split_recipe(name)[0] for name in recipes]
        seen: set[str] = set()
        while todo:
            cookbook = todo.pop(0)
            if cookbook in seen or cookbook not in self.cookbooks:
                continue
            seen.add(cookbook)
            todo += self.info(cookbook).requires
            root = self.cookbooks[cookbook]
            if cookbook not in self._settings and (root / "settings.py").is_file():
                self._settings[cookbook] = self._make_settings(cookbook, root, world)

    def settings_of(self, file: str, world: World) -> Any:
        """The settings of the cookbook that a file belongs to, merged and checked once per run."""
        root, in_cookbook = cookbook_of(file)
        if not in_cookbook:
            raise BadData(f"{file} is in no cookbook, so it has no settings")
        name = load_cookbook(root).name if root not in self._by_root else self._by_root[root]
        if name not in self._settings:
            self._settings[name] = self._make_settings(name, root, world)
        return self._settings[name]

    @cached_property
    def _by_root(self) -> dict[Path, str]:
        return {path.resolve(): name for name, path in self.cookbooks.items()}

    def _make_settings(self, name: str, root: Path, world: World) -> Any:
        if not (root / "settings.py").is_file():
            raise NotLoadable(f"cookbook {name} has no settings.py with a class Settings")
        kind = getattr(import_module(f"{module_name(name)}.settings"), "Settings", None)
        if not (isinstance(kind, type) and is_dataclass(kind)):
            raise NotLoadable(f"{root / 'settings.py'}: needs a frozen dataclass called Settings")
        return build(kind, world.given(name), name)

    def _check_platform(self, cookbook: str, world: World) -> None:
        wanted = self.info(cookbook).platforms
        if wanted:
            here = world.node.platform
            if here.name not in wanted and here.family not in wanted:
                raise NotLoadable(
                    f"cookbook {cookbook} is for {', '.join(wanted)}; this is {here.name} ({here.family})"
                )


def compile_recipe(path: Path, base: Path | None = None) -> CodeType:
    """A recipe's code; a syntax error becomes a page that shows the line."""
    try:
        return compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        lines = place(Source(str(path), error.lineno or 1), base)
        raise NotLoadable("\n".join([f"{path.stem} is not valid Python", *lines, f"  {error.msg}"])) from None
    except (ValueError, OSError) as error:
        raise NotLoadable(f"{path} cannot be read: {error}") from None


def run_code(recipe: Recipe, run: Run) -> None:
    """Execute a recipe's file from top to bottom, in a namespace of its own."""
    package = recipe.module.rpartition(".")[0]
    names = {"__name__": recipe.module, "__file__": str(recipe.path), "__package__": package or None}
    with run.inside(recipe.name):
        exec(recipe.code, names)


def without_repeats(recipes: Sequence[str]) -> list[str]:
    """A run list with each recipe where it stands first; `nginx` and `nginx::default` are one."""
    return list(dict.fromkeys("::".join(split_recipe(name)) for name in recipes))
