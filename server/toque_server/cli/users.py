"""`toque server create-user`, `create-access-key`, `create-api-token`: ways in, made on the server's own machine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from toque_server.cli.installation import data_dir_option, opened, output_option, say
from toque_server.domain.user import Profile, User, check_user_name, ssh_username, user_arn
from toque_server.operations.context import Services
from toque_server.security.passwords import hash_password, new_password
from toque_server.security.tokens import digest_of, new_access_key, new_api_token
from toque_server.store import access_keys, api_tokens, audit, users

_BY = "toque server"


@click.command("create-user")
@data_dir_option
@click.argument("name")
@click.option("--administrator", is_flag=True, help="May do everything, except where a stack denies it.")
@output_option
def create_user(data_dir: Path, name: str, administrator: bool, output: str) -> None:
    """Make a user with a password for the console, which is printed once.

    The user may do nothing until somebody sets levels on stacks, or --administrator is given.
    """
    with opened(data_dir, writes=True) as services:
        try:
            check_user_name(name)
        except ValueError as error:
            raise click.ClickException(str(error)) from error
        password = new_password()
        stored = hash_password(password)
        arn = user_arn(services.keys.account_id, name)
        with services.database.write() as conn:
            if users.get(conn, arn) is not None or users.by_name(conn, name) is not None:
                raise click.ClickException(f"there is a user {name} already")
            now = services.database.now(conn)
            taken = {each.profile.ssh_username for each in users.listed(conn) if each.profile}
            profile = Profile(ssh_username=ssh_username(None, name, taken), allow_self_management=True)
            made = User(arn=arn, name=name, administrator=administrator, created_at=now, profile=profile)
            users.add(conn, made, password=stored)
            _note(services, conn, "CreateUser", arn)
    answer = {"user": name, "arn": arn, "administrator": administrator, "password": password}
    say(answer, output, lambda: click.echo(f"user      {name}\narn       {arn}\npassword  {password}"))


@click.command("create-access-key")
@data_dir_option
@click.argument("name")
@output_option
def create_access_key(data_dir: Path, name: str, output: str) -> None:
    """Make an access key for AWS clients; its secret is printed once."""
    with opened(data_dir, writes=True) as services, services.database.write() as conn:
        user = _user(conn, name)
        key_id, secret = new_access_key()
        now = services.database.now(conn)
        access_keys.add(conn, services.vault, access_key_id=key_id, secret=secret, user_arn=user.arn, at=now)
        _note(services, conn, "CreateAccessKey", user.arn)
    answer = {"access_key_id": key_id, "secret_access_key": secret}
    say(answer, output, lambda: click.echo(f"access_key_id      {key_id}\nsecret_access_key  {secret}"))


@click.command("create-api-token")
@data_dir_option
@click.argument("name")
@click.option("--label", default="made on the server", show_default=True, help="What it is for.")
@click.option("--days", type=click.IntRange(1, 3650), help="It ends after so many days; by default never.")
@output_option
def create_api_token(data_dir: Path, name: str, label: str, days: int | None, output: str) -> None:
    """Make an API token, which is printed once."""
    with opened(data_dir, writes=True) as services, services.database.write() as conn:
        user, token = _user(conn, name), new_api_token()
        now = services.database.now(conn)
        ends = None if days is None else now + timedelta(days=days)
        api_tokens.add(conn, digest=digest_of(token), user_arn=user.arn, label=label, at=now, expires_at=ends)
        _note(services, conn, "CreateApiToken", user.arn)
    answer: dict[str, Any] = {"api_token": token, "expires_at": ends and ends.isoformat(timespec="seconds")}
    say(answer, output, lambda: click.echo(token))


def _user(conn: Connection, name: str) -> User:
    found = users.by_name(conn, name) or users.get(conn, name)
    if found is None:
        known = ", ".join(user.name for user in users.listed(conn))
        raise click.ClickException(f"there is no user {name}; there are: {known}")
    return found


def _note(services: Services, conn: Connection, action: str, arn: str) -> None:
    now = services.database.now(conn)
    detail = {"parameters": {"UserArn": arn}}
    audit.add(conn, audit.Entry(at=now, user_arn=_BY, action=action, allowed=True, detail=detail))
