"""`toque cookbook deps …`: the cookbooks that yours need, locked to exact versions and contents."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from toque.cli.cookbook.dependencies import fetcher, fetching, in_folder, told
from toque.cli.output import table, written
from toque.cli.verbs.group import Verbs, output
from toque.cookbook.deps.edit import put, put_back
from toque.cookbook.deps.errors import BadDependencies, NotToBeHad
from toque.cookbook.deps.fetch import Fetcher
from toque.cookbook.deps.lock import FILE, Lock
from toque.cookbook.deps.manifest import read_manifest
from toque.cookbook.deps.repository import Repository
from toque.cookbook.deps.solve import Solver
from toque.cookbook.deps.tree import graph
from toque.protocol.names import BadName, check_cookbook_name

VENDORED = ".vendored-by-toque"

deps = Verbs("deps", "Cookbooks that yours need: cookbooks.toml says which, cookbooks.lock exactly which.")


@deps.command()
@click.argument("name")
@click.option("--version", help='Which versions will do, such as ">=1.2, <2".')
@click.option("--git", help="A repository: https://…, ssh://… or user@host:path.")
@click.option("--tag", help="With --git: a tag.")
@click.option("--branch", help="With --git: a branch.")
@click.option("--rev", help="With --git: a whole commit id.")
@click.option("--archive", help="An archive: https://….tar.gz (or bz2, xz, zip).")
@click.option("--sha256", help="With --archive: the digest that it must have.")
@click.option("--path", help="A folder on this disk; with --git or --archive a folder inside.")
@click.option("--source", help="A server of [sources].")
@click.option("--builtin", is_flag=True, help="It comes with every Toque server.")
@in_folder
@fetching
@output
def add(
    name: str,
    folder: Path,
    output: str,
    offline: bool,
    allow_insecure_sources: bool,
    ssh_key: Path | None,
    **said: Any,
) -> None:
    """Ask for the cookbook NAME in cookbooks.toml, and lock it. Where that fails, nothing is changed."""
    given = {key: value for key, value in said.items() if value}
    order = ("builtin", "git", "archive", "source", "tag", "branch", "rev", "sha256", "path", "version")
    with told():
        try:
            check_cookbook_name(name)
        except BadName as error:
            raise click.UsageError(str(error)) from None
        read_manifest(folder)
        before = put(folder, "cookbooks", name, {key: given[key] for key in order if key in given} or {"version": "*"})
        try:
            repository = Repository.read(folder)
            found = fetcher(repository, offline=offline, allow_insecure_sources=allow_insecure_sources, ssh_key=ssh_key)
            lock = _solved(repository, found, [name] if _was_locked(repository, name) else [])
        except BaseException:
            put_back(folder, before)
            raise
        repository.write(lock)
    _show(lock, output, f"{name} is asked for, and {FILE} is written")


@deps.command("lock")
@in_folder
@fetching
@output
def lock_(folder: Path, output: str, **options: Any) -> None:
    """Write cookbooks.lock for today's cookbooks.toml; what is locked already and still fits stays."""
    with told():
        repository = Repository.read(folder)
        lock = _solved(repository, fetcher(repository, **options), [])
        changed = repository.write(lock)
    _show(lock, output, f"{FILE} {'is written' if changed else 'was right already'}")


@deps.command()
@click.argument("names", nargs=-1, metavar="[NAME]…")
@in_folder
@fetching
@output
def update(names: tuple[str, ...], folder: Path, output: str, **options: Any) -> None:
    """Take the newest that cookbooks.toml allows: of the cookbooks NAME, or of all."""
    with told():
        repository = Repository.read(folder)
        before = repository.old_lock()
        lock = _solved(repository, fetcher(repository, **options), list(names) or None)
        repository.write(lock)
    for name, each in sorted(lock.cookbooks.items()):
        old = before.cookbooks.get(name) if before else None
        if old is not None and old.digest != each.digest and output == "table":
            click.echo(f"{name}: {old.version} ({old.digest[:12]}) → {each.version} ({each.digest[:12]})", err=True)
    _show(lock, output, f"{FILE} is up to date")


@deps.command()
@in_folder
@output
def tree(folder: Path, output: str) -> None:
    """Show who needs what, as it is locked."""
    with told():
        repository = Repository.read(folder)
        found = graph(repository.manifest, repository.own, repository.lock())
    if output == "table":
        click.echo("\n".join(found.lines()))
    else:
        names = sorted({*found.versions, *found.needs})
        records = [
            {"Name": name, "Version": found.versions.get(name), "Requires": dict(found.needs.get(name, {}))}
            for name in names
        ]
        click.echo(written({"Roots": list(found.roots), "Cookbooks": records}, output))


@deps.command()
@click.argument("name")
@in_folder
@output
def why(name: str, folder: Path, output: str) -> None:
    """Say who needs the cookbook NAME, and where it comes from. Exits with 1 where nobody does."""
    with told():
        repository = Repository.read(folder)
        lock = repository.lock()
        found = graph(repository.manifest, repository.own, lock)
        chains = found.chains(name)
        if not chains:
            raise BadDependencies(folder / FILE, f"nobody needs {name}")
    origin = str(lock.cookbooks[name].origin) if name in lock.cookbooks else "own or built-in"
    if output == "table":
        click.echo("\n".join([f"{found.title(name)}, {origin}", *map(found.said, chains)]))
    else:
        click.echo(written({"Name": name, "Origin": origin, "Chains": chains}, output))


@deps.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@in_folder
@fetching
@output
def vendor(directory: Path, folder: Path, output: str, **options: Any) -> None:
    """Put the locked cookbooks into DIRECTORY, one folder each, and nothing else; needs no network once fetched."""
    with told():
        repository = Repository.read(folder)
        lock = repository.lock()
        _clear(directory)
        found = fetcher(repository, **options)
        found.bring_all(lock)
        for name, each in sorted(lock.cookbooks.items()):
            found.cache.copy(each.digest, directory / name)
            (directory / VENDORED).write_text("".join(f"{each}\n" for each in sorted(lock.cookbooks)))
    _show(lock, output, f"{len(lock.cookbooks)} cookbooks in {directory}")


def _clear(directory: Path) -> None:
    """Empty a folder that is ours; refuse one that has something else in it."""
    directory.mkdir(parents=True, exist_ok=True)
    ours = directory / VENDORED
    names = {each.name for each in directory.iterdir()}
    mine = set(ours.read_text(encoding="utf-8").split()) if ours.is_file() and not ours.is_symlink() else set()
    if strangers := sorted(names - mine - {VENDORED}):
        raise NotToBeHad(f"{directory} has {strangers[0]} in it, which was not vendored: choose an empty folder")
    for name in sorted(names & mine):
        if (directory / name).is_symlink():
            raise NotToBeHad(f"{directory}/{name} is a link: choose an empty folder")
        shutil.rmtree(directory / name)


def _solved(repository: Repository, found: Fetcher, update: list[str] | None) -> Lock:
    old = repository.old_lock()
    return Solver(repository.manifest, repository.own, repository.folders, found, old, update).solve()


def _was_locked(repository: Repository, name: str) -> bool:
    old = repository.old_lock()
    return old is not None and name in old.cookbooks


def _show(lock: Lock, output: str, said: str) -> None:
    if output == "table":
        rows = [[each.name, each.version, each.digest[:12], str(each.origin)] for each in _sorted(lock)]
        click.echo(table(rows, ["COOKBOOK", "VERSION", "DIGEST", "FROM"]))
        click.echo(said, err=True)
    else:
        records = [
            {"Name": each.name, "Version": each.version, "Digest": each.digest, "Origin": str(each.origin)}
            for each in _sorted(lock)
        ]
        click.echo(written({"Cookbooks": records}, output))


def _sorted(lock: Lock) -> list[Any]:
    return [each for _, each in sorted(lock.cookbooks.items())]
