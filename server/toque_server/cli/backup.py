"""`toque server backup`: the database and the files beside it, in one archive, while the server runs."""

from __future__ import annotations

import io
import sqlite3
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

import click

from toque_server.cli.installation import data_dir_option, opened
from toque_server.settings import FILE

_BESIDE = (FILE, "bundles", "tls")
_PAGES_AT_ONCE = 1024


@click.command()
@data_dir_option
@click.argument("archive", type=click.Path(path_type=Path, dir_okay=False))
def backup(data_dir: Path, archive: Path) -> None:
    """Write a backup to ARCHIVE (tar.gz, readable by you only).

    The keys are not in it: secrets in a backup open only with keys/master.key, which you keep elsewhere. On PostgreSQL
    the database is left to pg_dump, and the archive holds the files only.
    """
    if archive.exists():
        raise click.ClickException(f"{archive} is there already; nothing was changed")
    with opened(data_dir, writes=False) as services, tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        unfinished = Path(scratch) / "backup"
        unfinished.touch(mode=0o600)
        with tarfile.open(unfinished, "w:gz") as out:
            if services.database.path is not None:
                copy = Path(scratch) / "toque.db"
                copy_sqlite(services.database.path, copy)
                out.add(copy, "toque.db")
            for name in _BESIDE:
                if (data_dir / name).exists():
                    out.add(data_dir / name, name, filter=_without_keys)
            _add_text(out, "installation_id", services.keys.installation_id)
        unfinished.replace(archive)
    click.echo(f"Wrote {archive}.")
    if services.database.path is None:
        click.echo("The database is PostgreSQL: back it up with pg_dump.")


def copy_sqlite(source: Path, target: Path) -> None:
    """A consistent copy of a database that others may be writing to."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing, pages=_PAGES_AT_ONCE)


def _without_keys(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if entry.name.endswith(".key") else entry


def _add_text(out: tarfile.TarFile, name: str, text: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text.encode())
    out.addfile(entry, io.BytesIO(text.encode()))
