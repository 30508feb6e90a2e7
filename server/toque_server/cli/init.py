"""`toque server init`: keys, schema, the first administrator, and the five things to write down."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from toque.protocol import keys as pieces
from toque_server import settings as settings_file
from toque_server.cli.installation import data_dir_option, output_option, refusals, say
from toque_server.domain.user import User
from toque_server.operations.context import Services
from toque_server.security import keys, tls
from toque_server.security.envelope import Vault
from toque_server.security.passwords import hash_password, new_password
from toque_server.security.tokens import digest_of, new_access_key, new_api_token
from toque_server.settings import BadSettings, check_listen, from_document, host_and_port, is_loopback
from toque_server.store import access_keys, api_tokens, installation, users
from toque_server.store.data_keys import DataKeys
from toque_server.store.database import Database

CONSOLE_USER = "admin"


@click.command()
@data_dir_option
@click.option("--database", help="postgresql://user@host/name; without it, SQLite in the data directory.")
@click.option("--listen", default="127.0.0.1:8780", show_default=True, metavar="HOST:PORT")
@click.option("--public-url", help="How nodes, browsers and clients reach this server; by default where it listens.")
@click.option("--profile", type=click.Choice(list(settings_file.PROFILES)), default="default", show_default=True)
@click.option("--allow-insecure-sources", is_flag=True, help="Fetch from plain http, git, file and private addresses.")
@click.option("--tls-cert", type=click.Path(exists=True, dir_okay=False, resolve_path=True), help="PEM, whole chain.")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, resolve_path=True), help="PEM.")
@click.option("--tls-self-signed", is_flag=True, help="Make an authority and a certificate; prints its fingerprint.")
@click.option("--behind-proxy", is_flag=True, help="A proxy in front ends TLS and sets X-Forwarded-For and -Proto.")
@click.option("--account-id", help="Twelve digits; by default made up. Give the old one to keep ARNs.")
@output_option
def init(data_dir: Path, output: str, account_id: str | None, **options: Any) -> None:
    """Make a new installation in --data-dir.

    Writes keys, settings and the database's schema, makes the first administrator, and prints the console password, an
    access key for AWS clients and an API token: none of them can be shown again.
    """
    if account_id is not None and not (account_id.isdecimal() and len(account_id) == 12):
        raise click.BadParameter("an account id has twelve digits", param_hint="--account-id")
    if bool(options["tls_cert"]) != bool(options["tls_key"]):
        raise click.UsageError("--tls-cert and --tls-key go together")
    with refusals():
        _refuse_used(data_dir)
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        answer = make_installation(data_dir.resolve(), account_id=account_id, **options)
    say(answer, output, lambda: _print(answer))


def make_installation(
    data_dir: Path, *, account_id: str | None = None, tls_self_signed: bool = False, **options: Any
) -> dict[str, Any]:
    """Everything `init` does once its arguments are good; what it prints. The settings file comes last of all."""
    written = {name: value for name, value in options.items() if value not in (None, False)}
    answer: dict[str, Any] = {}
    if tls_self_signed:
        made = tls.make(data_dir / "tls", _names(written))
        written |= {"tls_cert": str(made.cert), "tls_key": str(made.key), "ca_file": str(made.ca)}
        answer = {"ca_file": str(made.ca), "ca_fingerprint": made.fingerprint}
    host, port = host_and_port(written["listen"])
    if "public_url" not in written and not is_loopback(host):
        wild = host in ("0.0.0.0", "::", "")
        written["public_url"] = f"https://{socket.getfqdn() if wild else host}:{port}"
    chosen = check_listen(from_document(written, data_dir))
    new = keys.make_keys(account_id=account_id)
    database = Database(chosen.database)
    try:
        database.claim()
        database.migrate()
        services = Services(
            database=database, settings=chosen, vault=Vault(new.master, DataKeys(database)), keys=new.running
        )
        secrets = first_administrator(services)
    finally:
        database.close()
    keys.save(data_dir / "keys", new.running, new.master)
    pieces.write_private(data_dir / keys.ROOT_FILE, new.root)
    settings_file.write(data_dir, written)
    return {
        "url": chosen.public_url,
        "data_dir": str(data_dir),
        "account_id": new.running.account_id,
        "installation_id": new.running.installation_id,
        **secrets,
        "root_key_file": str(data_dir / keys.ROOT_FILE),
        "root_fingerprint": new.running.root_fingerprint,
        **answer,
    }


def first_administrator(services: Services) -> dict[str, str]:
    """The account's owner with a password, an access key and an API token, which are returned and never seen again."""
    arn = f"arn:aws:iam::{services.keys.account_id}:root"
    password, token, (key_id, secret) = new_password(), new_api_token(), new_access_key()
    stored = hash_password(password)
    with services.database.write() as conn:
        if (other := installation.get(conn, "installation_id")) is not None:
            raise BadSettings(
                f"the database already holds the installation {other}: give another database, or serve that one with "
                "the data directory its `init` made"
            )
        now = services.database.now(conn)
        installation.put(conn, "installation_id", services.keys.installation_id)
        users.add(conn, User(arn=arn, name=CONSOLE_USER, administrator=True, created_at=now), password=stored)
        access_keys.add(conn, services.vault, access_key_id=key_id, secret=secret, user_arn=arn, at=now)
        api_tokens.add(conn, digest=digest_of(token), user_arn=arn, label="made by init", at=now)
    return {
        "console_user": CONSOLE_USER,
        "console_password": password,
        "access_key_id": key_id,
        "secret_access_key": secret,
        "api_token": token,
    }


def _refuse_used(data_dir: Path) -> None:
    if (data_dir / settings_file.FILE).exists():
        raise click.ClickException(f"{data_dir} holds an installation already; nothing was changed")
    if (data_dir / "keys").exists() or (data_dir / "toque.db").exists():
        raise click.ClickException(
            f"{data_dir} holds the beginnings of an installation whose init did not finish: remove it and try again"
        )


def _names(written: dict[str, Any]) -> list[str]:
    """What the certificate must be good for."""
    host = host_and_port(written["listen"])[0]
    public = urlsplit(written.get("public_url", "")).hostname
    given = [public, None if host in ("0.0.0.0", "::", "") else host]
    return [*(name for name in given if name), socket.getfqdn(), "localhost", "127.0.0.1", "::1"]


def _print(answer: dict[str, Any]) -> None:
    click.echo(f"Made the installation {answer['installation_id']} in {answer['data_dir']}.\n")
    click.echo("Write these down; they cannot be shown again:\n")
    for name in ("console_user", "console_password", "access_key_id", "secret_access_key", "api_token"):
        click.echo(f"  {name:18} {answer[name]}")
    click.echo(f"\nMove {answer['root_key_file']} to a safe place away from this machine: it vouches for the server's")
    click.echo("keys, and renews them (toque server rotate-key). Keep a copy of keys/master.key apart from backups.")
    if "ca_file" in answer:
        click.echo(f"\nNodes and clients trust {answer['ca_file']}, whose SHA-256 is\n  {answer['ca_fingerprint']}")
    click.echo(f"\nNow serve it:  toque server run --data-dir {answer['data_dir']}    ({answer['url']})")
