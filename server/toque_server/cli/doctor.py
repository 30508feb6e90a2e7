"""`toque server doctor`: what is not as it should be, and what to do about it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import click
from cryptography import x509
from sqlalchemy import text

from toque_server.cli.installation import data_dir_option, opened, output_option, say
from toque_server.operations.context import Services
from toque_server.security import keys
from toque_server.store import audit, overview

_WARN_BEFORE = timedelta(days=30)
_LEAST_FREE = 1 << 30
# Two connections that write and checkpoint at the same moment could damage a database in WAL mode before this one.
_SQLITE_FIXED = (3, 51, 3)

Verdict = Literal["good", "warning", "bad"]


@dataclass(frozen=True)
class Finding:
    about: str
    verdict: Verdict
    message: str


@click.command()
@data_dir_option
@output_option
def doctor(data_dir: Path, output: str) -> None:
    """Look an installation over. Exit status 1 when something is bad; warnings leave it 0."""
    with opened(data_dir, writes=False) as services:
        findings = [*_files(services), *_keys(services), *_database(services)]
    say({"findings": [asdict(each) for each in findings]}, output, lambda: _print(findings))
    sys.exit(any(each.verdict == "bad" for each in findings))


def _print(findings: list[Finding]) -> None:
    marks = {"good": "ok  ", "warning": "warn", "bad": "BAD "}
    for each in findings:
        click.echo(f"{marks[each.verdict]}  {each.about}: {each.message}")


def _files(services: Services) -> Iterator[Finding]:
    directory = services.settings.data_dir
    mode = directory.stat().st_mode & 0o777
    closed = not mode & 0o077
    yield Finding("data directory", "good" if closed else "bad", f"mode {mode:04o}" + ("" if closed else ": chmod 700"))
    free = shutil.disk_usage(directory).free
    yield Finding("disk", "good" if free > _LEAST_FREE else "warning", f"{free >> 20} MiB free")
    root = directory / keys.ROOT_FILE
    if root.exists():
        yield Finding("root key", "warning", f"{root} is still here: move it away from this machine")
    else:
        yield Finding("root key", "good", "not on this machine")


def _keys(services: Services) -> Iterator[Finding]:
    manifest = services.keys.manifest
    issued, expires = (datetime.fromtimestamp(each, UTC) for each in (manifest.issued_at, manifest.expires_at))
    renew = "renew with toque server rotate-key --root-key FILE"
    yield _dated("root manifest", expires, renew)
    yield _dated("online key", issued + keys.ONLINE_LIFE, renew)
    if (services.settings.data_dir / "keys" / keys.FORMER).exists():
        yield Finding("master key", "warning", "a rekey did not finish: call toque server rekey again")
    if services.settings.tls_cert is not None:
        certificate = x509.load_pem_x509_certificate(Path(services.settings.tls_cert).read_bytes())
        yield _dated("certificate", certificate.not_valid_after_utc, "get a new one")


def _dated(about: str, until: datetime, renew: str) -> Finding:
    left = until - datetime.now(UTC)
    if left < timedelta(0):
        return Finding(about, "bad", f"has been over since {until:%Y-%m-%d}: {renew}")
    verdict: Verdict = "warning" if left < _WARN_BEFORE else "good"
    return Finding(about, verdict, f"until {until:%Y-%m-%d}" + (f": {renew}" if verdict == "warning" else ""))


def _database(services: Services) -> Iterator[Finding]:
    database = services.database
    with database.read() as conn:
        found = overview.counts(conn)
        broken = list(audit.broken_links(conn))
        synchronous = None if database.is_sqlite else conn.execute(text("SHOW synchronous_commit")).scalar()
    yield Finding("database", "good", f"{found.stacks} stacks, {sum(found.instances.values())} instances")
    if broken:
        yield Finding("audit", "bad", f"the record was changed at row {broken[0]}, and {len(broken) - 1} more")
    else:
        yield Finding("audit", "good", "the chain is whole")
    if synchronous == "off":
        yield Finding("database", "bad", "synchronous_commit is off: what was answered may be lost; switch it on")
    if database.is_sqlite and sqlite3.sqlite_version_info < _SQLITE_FIXED:
        yield Finding(
            "sqlite",
            "good",
            f"{sqlite3.sqlite_version}; keep to one process with this database, as the server does by itself",
        )
