"""`toque cookbook package`: cookbooks and all they need, in one file, the same bytes wherever it is made."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from toque.cli.cookbook.dependencies import fetcher, fetching, told
from toque.cookbook import signature
from toque.cookbook.deps.assemble import assemble
from toque.cookbook.deps.errors import BadDependencies
from toque.cookbook.deps.repository import Repository
from toque.cookbook.package import Packed, verify
from toque.cookbook.package import package as make


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.")
@click.option(
    "--verify",
    "check",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instead: hold a package against what it says of itself.",
)
@click.option(
    "--sign",
    "key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An Ed25519 private key of OpenSSH: writes FILE.sig beside the package.",
)
@click.option(
    "--signer",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --verify: demand a signature by a key in this file (id_ed25519.pub, allowed_signers).",
)
@fetching
def package(
    folder: Path, out: Path | None, check: Path | None, key: Path | None, signer: Path | None, **options: Any
) -> None:
    """Pack the cookbooks in FOLDER and those that cookbooks.lock names; prints the file's SHA-256.

    The same cookbooks give the same bytes, on any machine.
    """
    if (signer and not check) or (key and check):
        raise click.UsageError("--signer goes with --verify, and --sign without it")
    with told():
        if check is not None:
            by = None if signer is None else signature.verify(check, signer)
            _show(verify(check), check)
        else:
            file = out or Path("cookbooks.tar.gz")
            with packed(folder, file, **options) as made:
                by = None if key is None else signature.sign(file, key)
                _show(made, file)
    if by is not None:
        click.echo(f"signed by {by}", err=True)


@contextmanager
def packed(folder: Path, out: Path, **options: Any) -> Iterator[Packed]:
    """A package of a repository, written to `out`. Raises StaleLock and other ToqueErrors."""
    repository = Repository.read(folder)
    lock = repository.lock()
    found = fetcher(repository, **options)
    found.bring_all(lock)
    with tempfile.TemporaryDirectory(prefix="toque-package-") as place:
        cookbooks = assemble(folder, lock, found.cache, Path(place) / "cookbooks")
        if not cookbooks:
            raise BadDependencies(folder, "has no cookbooks: a folder with cookbook.toml each, or one at its root")
        origins = {name: str(each.origin) for name, each in lock.cookbooks.items() if name not in repository.own}
        beside = Path(place) / "package"
        made = make(cookbooks, beside, origins=origins)
        out.write_bytes(beside.read_bytes())
        yield made


def _show(made: Packed, file: Path) -> None:
    for name, (version, digest, origin) in sorted(made.cookbooks.items()):
        click.echo(f"{name} {version} {digest[:12]} {origin}", err=True)
    click.echo(f"{made.digest}  {file}")
