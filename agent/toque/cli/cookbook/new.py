"""`toque cookbook new`: a cookbook, a recipe or a resource to begin with, which passes its own tests."""

from __future__ import annotations

import keyword
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

_SKELETONS = Path(__file__).parent / "skeleton"
_KINDS = ("cookbook", "recipe", "resource")
_SUFFIX = ".new"

_EXIT_CODES = """\b
Exit codes:
  0   it was made
  1   something of that name is there already; nothing was written
  2   the name cannot be one, or FOLDER is no cookbook
"""


@click.command(epilog=_EXIT_CODES)
@click.argument("what", nargs=-1, required=True, metavar="[recipe|resource] NAME")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="Where the cookbook is made; for a recipe or a resource the cookbook it belongs to.",
)
def new(what: tuple[str, ...], folder: Path) -> None:
    """Make a cookbook NAME, or in the cookbook of this folder a recipe NAME or a resource NAME.

    A cookbook comes with its settings, a recipe for each lifecycle event, a template, a file, tests in memory, a suite
    for the kitchen and a README; a recipe and a resource with a test. All of it passes `toque cookbook test`.
    """
    kind, name = what if len(what) == 2 and what[0] in _KINDS else ("cookbook", what[0])
    if len(what) > 2 or (len(what) == 2 and what[0] not in _KINDS):
        raise click.UsageError(f"say `toque cookbook new NAME`, or `new recipe NAME`, or `new resource NAME`: {what!r}")
    made = _cookbook(name, folder) if kind == "cookbook" else _part(kind, name, folder)
    for path in made:
        click.echo(f"made {path}")
    if kind == "cookbook":
        click.echo(f"next: cd {folder / name} && toque cookbook test")
    sys.exit(0)


def _cookbook(name: str, folder: Path) -> list[Path]:
    """Made beside its place and then moved there, so that nothing half-made is ever left."""
    _check(name, "cookbook")
    target = folder / name
    if target.exists() or target.is_symlink():
        raise click.ClickException(f"{target} is there already: nothing was written")
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as temporary:
        draft = Path(temporary) / name
        for path, text in _filled("cookbook", {"NAME": name}).items():
            _write(draft / path, text)
        draft.chmod(0o755)
        shutil.move(draft, target)
    return sorted(path for path in target.rglob("*") if path.is_file())


def _part(kind: str, name: str, folder: Path) -> list[Path]:
    from toque.cookbook.layout import load_cookbook
    from toque.core.errors import NotLoadable

    _check(name, kind)
    try:
        cookbook = load_cookbook(folder)
    except NotLoadable as error:
        raise _Refused(f"{error}; name the cookbook with --folder") from None
    package = cookbook.name.replace("-", "_")
    values = {"NAME": cookbook.name, "PACKAGE": package, "PART": name, "PART_MODULE": name.replace("-", "_")}
    files = {folder / path: text for path, text in _filled(kind, values).items()}
    there = [path for path in files if path.exists()]
    if there:
        raise click.ClickException(f"{there[0]} is there already: nothing was written")
    for path, text in files.items():
        _write(path, text)
    return sorted(files)


def _check(name: str, kind: str) -> None:
    """Refuse what cannot be the name of one, with the rule."""
    from toque.protocol.names import BadName, check_cookbook_name

    try:
        check_cookbook_name(name)
    except BadName as error:
        raise _Refused(str(error)) from None
    if kind == "resource" and (not name.isidentifier() or keyword.iskeyword(name)):
        raise _Refused(f"a resource is a word of Python: letters, digits and _, and no keyword; got {name!r}")


def _filled(kind: str, values: Mapping[str, str]) -> dict[str, str]:
    """The files of a skeleton, by their path, with `@NAME@` and the like filled in."""
    root = _SKELETONS / kind
    found = {}
    for path in sorted(root.rglob(f"*{_SUFFIX}")):
        below, text = path.relative_to(root).as_posix().removesuffix(_SUFFIX), path.read_text(encoding="utf-8")
        for key, value in values.items():
            below, text = below.replace(f"@{key}@", value), text.replace(f"@{key}@", value)
        found[below] = text
    return found


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


class _Refused(click.ClickException):
    exit_code = 2
