"""Makes a server agree with a document: finds what differs, shows it, asks, carries it out, tells how far it came."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import click
import msgspec

from toque.cli.opsworks import REFUSED, exit_code_of
from toque.cli.stackfile.carrying import Stopped, carry_out
from toque.cli.stackfile.fetching import Call, fetched, ids_before, user_labels
from toque.cli.stackfile.given import remedy
from toque.client.errors import AccessDeniedException, CallFailed
from toque.stackfile.comparing import Secrets
from toque.stackfile.differences import differences
from toque.stackfile.ids import Ids
from toque.stackfile.model import StackFile
from toque.stackfile.plan import Plan, Step
from toque.stackfile.rendering import lines, summary, title

DIFFERS: Final = 10
"""As `toque plan` answers where there is something to do."""

CANNOT: Final = 1


class Wish(NamedTuple):
    """What was asked for beside the document."""

    secrets: Mapping[str, str] = {}
    prune: bool = False
    renew: bool = False


def bring_about(call: Call, document: StackFile, wish: Wish, *, dry_run: bool = False, yes: bool = False) -> int:
    """Show what differs, and do it; the exit status. Without `yes` a terminal is asked, and a pipe refused.

    Raises CallFailed where the server cannot be asked at all.
    """
    plan, ids = planned(call, document, wish)
    show(plan)
    if dry_run:
        return DIFFERS if plan.steps or plan.impossible else 0
    if plan.impossible or plan.missing:
        return CANNOT
    if not plan.steps:
        return 0
    if not yes and not agreed():
        click.echo("toque: nothing was changed", err=True)
        return CANNOT
    try:
        carry_out(call, plan.steps, ids, Secrets(wish.secrets, wish.renew), lambda step: _done(step))
    except Stopped as stopped:
        return _tell_stopped(stopped, len(plan.steps))
    click.echo(f"stack {plan.stack} is as the file says")
    return 0


def planned(call: Call, document: StackFile, wish: Wish) -> tuple[Plan, Ids]:
    """What would have to be done, and the ids it needs. Raises CallFailed."""
    there = fetched(call, document.stack.name)
    ids = ids_before(call) if there is None else there.ids
    found = None if there is None else there.document
    if found is not None and found.permissions is None and document.permissions:
        click.echo("toque: permissions are left out: seeing and setting them needs the level manage", err=True)
        document = msgspec.structs.replace(document, permissions=None)
    document, found = _with_profiles(call, document, found, ids)
    return differences(document, found, secrets=wish.secrets, prune=wish.prune, renew=wish.renew), ids


def show(plan: Plan) -> None:
    """The plan on standard output; what stands in its way on the other."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line in lines(plan, colour=colour):
        click.echo(line, color=colour)
    click.echo(f"stack {plan.stack}: {summary(plan.steps)}")
    for reason in plan.impossible:
        click.echo(f"toque: {reason}", err=True)
    if plan.missing:
        click.echo(f"toque: secrets are missing: {remedy(plan.missing)}", err=True)


def _with_profiles(
    call: Call, document: StackFile, found: StackFile | None, ids: Ids
) -> tuple[StackFile, StackFile | None]:
    """Profiles belong to the installation: those that there are for other stacks count, too."""
    if not document.users:
        return document, found
    try:
        known = user_labels(call, ids)
    except AccessDeniedException:
        click.echo("toque: users are left out: making their profiles needs an administrator", err=True)
        return msgspec.structs.replace(document, users=None), found
    users = {name: each for name, each in document.users.items() if name not in known}
    return msgspec.structs.replace(document, users=users), found


def agreed() -> bool:
    """Whether whoever sits at the terminal says yes. Raises UsageError where there is none."""
    if not sys.stdin.isatty():
        raise click.UsageError("this is no terminal, so nobody can be asked: please add --yes, or --dry-run")
    return click.confirm("Carry this out?", default=False)


def _done(step: Step) -> None:
    click.echo(f"done: {title(step)}")


def _tell_stopped(stopped: Stopped, number: int) -> int:
    error = stopped.error
    said = f"({error.code}): {error}" if isinstance(error, CallFailed) else f": {error}"
    click.echo(f"toque: stopped at {title(stopped.step)} {said}".replace(" :", ":"), err=True)
    click.echo(f"toque: {len(stopped.done)} of {number} steps are done; not done:", err=True)
    _list([stopped.step, *stopped.rest])
    click.echo("toque: put it right and run the same again: it goes on where it stopped", err=True)
    return exit_code_of(error) if isinstance(error, CallFailed) else REFUSED


def _list(steps: Sequence[Step]) -> None:
    for step in steps:
        click.echo(f"    {title(step)}", err=True)
