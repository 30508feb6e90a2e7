"""`toque user`: people, and what they may do on which stack."""

from __future__ import annotations

import click

from toque.cli.verbs.group import Verbs, of_stack, output, show_list, show_one
from toque.cli.verbs.server import Server
from toque.cli.verbs.user_policy import add_policies

user = Verbs("user", "Users: who may sign in, and what they may do on which stack.")

_COLUMNS = {"Name": "NAME", "Administrator": "ADMINISTRATOR", "CreatedAt": "CREATED", "UserArn": "ARN"}
_PERMISSIONS = {"IamUserArn": "USER", "StackId": "STACK", "Level": "LEVEL", "AllowSsh": "SSH", "AllowSudo": "SUDO"}
_SESSIONS = {"CreatedAt": "SINCE", "LastSeenAt": "SEEN", "SessionId": "ID"}
_LEVELS = ("deny", "show", "deploy", "manage", "iam_only")


@user.command("list")
@output
def list_(output: str) -> None:
    """List the users of the installation."""
    show_list("Users", Server.here().every("DescribeUsers", "Users"), _COLUMNS, output)


@user.command()
@click.argument("which")
@output
def show(which: str, output: str) -> None:
    """Show one user, by his name or ARN."""
    show_one(Server.here().user(which), output)


@user.command()
@click.argument("name")
@click.option("--administrator", is_flag=True, help="May do everything.")
@click.option("--password", prompt=False, help="For the console; asked for where it is `-`.")
@click.option("--ssh-key", metavar="KEY|file://…", help="The public key with which he reaches instances.")
def create(name: str, administrator: bool, password: str | None, ssh_key: str | None) -> None:
    """Create a user and his profile; prints his ARN."""
    from toque.cli.files import UnreadableFile, text_of

    try:
        key = text_of(ssh_key).strip() if ssh_key else None
    except UnreadableFile as error:
        raise click.UsageError(str(error)) from None
    said = click.prompt("Password", hide_input=True, confirmation_prompt=True) if password == "-" else password
    made = Server.here()(
        "CreateUser", UserName=name, Administrator=administrator or None, Password=said, SshPublicKey=key
    )
    click.echo(made["UserArn"])


@user.command()
@click.argument("which")
def delete(which: str) -> None:
    """Delete a user with his profile, keys and tokens; his accounts on instances go, too."""
    server = Server.here()
    server("DeleteUser", UserArn=server.user(which)["UserArn"], Cascade=True)


@user.command()
@click.argument("which")
@click.argument("level", type=click.Choice(_LEVELS), required=False)
@of_stack
@click.option("--ssh/--no-ssh", default=None, help="Whether he may sign in on instances.")
@click.option("--sudo/--no-sudo", default=None, help="Whether he may be root there.")
def permit(which: str, level: str | None, stack: str, ssh: bool | None, sudo: bool | None) -> None:
    """Say what a user may do on a stack."""
    server = Server.here()
    server(
        "SetPermission",
        StackId=server.stack_id(stack),
        IamUserArn=server.user(which)["UserArn"],
        Level=level,
        AllowSsh=ssh,
        AllowSudo=sudo,
    )


@user.command()
@of_stack
@output
def permissions(stack: str, output: str) -> None:
    """List who may what on a stack."""
    server = Server.here()
    found = server("DescribePermissions", StackId=server.stack_id(stack))["Permissions"]
    show_list("Permissions", found, _PERMISSIONS, output)


@user.command()
@output
def whoami(output: str) -> None:
    """Show who you are to the server."""
    show_one(Server.here()("DescribeCaller"), output)


@user.command()
def password() -> None:
    """Change your own password for the console; you are signed out everywhere."""
    old = click.prompt("Password", hide_input=True)
    new = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    Server.here()("ChangePassword", CurrentPassword=old, NewPassword=new)


@user.command()
@click.argument("which", required=False)
@output
def sessions(which: str | None, output: str) -> None:
    """List where you, or a user, are signed in to the console."""
    server = Server.here()
    found = server.every("DescribeSessions", "Sessions", UserArn=server.user(which)["UserArn"] if which else None)
    show_list("Sessions", found, _SESSIONS, output)


@user.command("sign-out")
@click.argument("which", required=False)
@click.option("--session", help="Only this one.")
def sign_out(which: str | None, session: str | None) -> None:
    """Sign yourself, or a user, out of the console everywhere."""
    server = Server.here()
    server("EndSessions", UserArn=server.user(which)["UserArn"] if which else None, SessionId=session)


add_policies(user)
