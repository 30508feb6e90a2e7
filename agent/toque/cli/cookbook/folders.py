"""Which cookbooks an author means: the folder given, or the one that the working directory is in."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import click

FOLDER = click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
"""A cookbook, or a repository with one folder per cookbook."""


def cookbooks_in(folder: Path) -> dict[str, Path]:
    """The cookbooks in a folder, by name; an error that says what a cookbook is when there is none."""
    from toque.cookbook.layout import BadCookbook, find_cookbooks

    folder = folder.resolve()
    try:
        for root in (folder, folder / "cookbooks", *_above(folder)):
            if found := find_cookbooks(root):
                return found
    except BadCookbook as error:
        raise click.ClickException(str(error)) from error
    raise click.ClickException(f"there is no cookbook in {folder}: a cookbook is a folder with a cookbook.toml")


def _above(folder: Path) -> list[Path]:
    """The cookbook that a folder is inside of, such as its `recipes/`."""
    return [each for each in folder.parents if (each / "cookbook.toml").is_file()][:1]


def needs_extra(missing: ModuleNotFoundError | str) -> NoReturn:
    """Say which extra brings what is not installed."""
    name = missing if isinstance(missing, str) else missing.name
    raise click.ClickException(f"this needs {name}, which is not installed: pip install 'toque[authoring]'")


def shown(path: Path) -> str:
    """A path as people type it: relative to where they are, when it is below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
