"""`toque cookbook docs`: the manual pages of cookbooks, from what stands in them."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from toque.cli.cookbook.folders import FOLDER, cookbooks_in, shown


@click.command(
    epilog="\b\nExit codes:\n  0    done; with --check: the pages are up to date\n  1    with --check: they are not\n"
    "  2    there is no cookbook, or the command line is wrong\n"
)
@FOLDER
@click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), help="Write NAME.md there, one each.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; say whether the pages are up to date.")
def docs(folder: Path, out: Path | None, only_check: bool) -> None:
    """Write the manual of the cookbooks of FOLDER: recipes, settings with types and defaults, words of their own.

    Without --out it is printed.
    """
    from toque.cookbook.describe import manual

    if only_check and out is None:
        raise click.UsageError("--check compares with the pages in a folder: say which with --out")
    try:
        pages = {name: manual(root) for name, root in cookbooks_in(folder).items()}
    except SyntaxError as error:
        raise click.ClickException(f"{error.filename}:{error.lineno}: is not valid Python: {error.msg}") from error
    if out is None:
        click.echo("\n".join(pages.values()), nl=False)
        return
    old = [name for name, page in pages.items() if not _says(out / f"{name}.md", page)]
    if only_check:
        for name in old:
            page = shown(out / f"{name}.md")
            click.echo(f"{page} is older than the cookbook: toque cookbook docs --out {shown(out)}")
        sys.exit(1 if old else 0)
    out.mkdir(parents=True, exist_ok=True)
    for name in old:
        (out / f"{name}.md").write_text(pages[name], encoding="utf-8")
        click.echo(f"wrote {shown(out / f'{name}.md')}")


def _says(path: Path, page: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == page
