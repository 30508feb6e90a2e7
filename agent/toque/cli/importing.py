"""`toque import opsworks`: recreate on our server what was saved of AWS OpsWorks; docs/migrating.md is the manual."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from secrets import token_urlsafe
from typing import Final, NamedTuple

import click

from toque.cli.declarations import declared
from toque.cli.opsworks import exit_code_of
from toque.cli.stackfile.applying import CANNOT, DIFFERS, Wish, agreed, planned
from toque.cli.stackfile.carrying import Stopped, carry_out
from toque.cli.stackfile.fetching import Call
from toque.cli.stackfile.given import given_secrets
from toque.cli.verbs.group import Verbs
from toque.cli.verbs.server import Server
from toque.client.errors import CallFailed, ResourceNotFoundException, ValidationException
from toque.importer import report
from toque.importer.databases import Entry
from toque.importer.kinds import Shapes
from toque.importer.mapping import BadChoice, Import, mapped
from toque.importer.notes import Choices, Target
from toque.importer.problems import BadDump, Remark
from toque.importer.reading import read
from toque.importer.secrets import of_layers, without
from toque.importer.systems import systems_of
from toque.stackfile.comparing import Secrets
from toque.stackfile.ids import Ids, Unknown
from toque.stackfile.model import StackFile
from toque.stackfile.plan import Plan, Step
from toque.stackfile.rendering import lines as plan_lines
from toque.stackfile.rendering import summary, title

_PASSWORD: Final = 18

importing = Verbs("import", "Bring over what other systems had: AWS OpsWorks.")

_EXIT_CODES = """\b
Exit codes:
  0    everything is as the dump says, and was, or was made so
  1    some of it could not be made, or the question was answered with no
  2    the command line is wrong, or the dump cannot be read
  10   with --dry-run: there is something to do
  253 to 255  as those of `toque opsworks`; what was done until then stays
"""


class Prepared(NamedTuple):
    """A stack that is ready to be made: what is to be done, and the ids that the server has."""

    plan: Plan
    ids: Ids
    databases: tuple[Entry, ...]
    secrets: Secrets


@importing.command(epilog=_EXIT_CODES)
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE …", type=click.Path(exists=True, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only tell what would be done, and what could not.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--stack", "only", multiple=True, metavar="NAME|ID", help="Import this stack only; may be repeated.")
@click.option("--region", "regions", multiple=True, metavar="OLD=NEW", help="Put stacks of one region into another.")
@click.option("--name", "names", multiple=True, metavar="NAME|ID=NEW", help="Give a stack another name.")
@click.option(
    "--secrets",
    "secrets_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file of NAME: value for what OpsWorks never showed; else TOQUE_SECRET_NAME in the environment.",
)
@click.option(
    "--write",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each stack as a file for `toque stack apply` into this folder, and change nothing.",
)
@click.option("--output", type=click.Choice(("text", "json")), default="text", show_default=True, help="The report.")
def opsworks(
    paths: tuple[Path, ...],
    dry_run: bool,
    yes: bool,
    only: tuple[str, ...],
    regions: tuple[str, ...],
    names: tuple[str, ...],
    secrets_file: Path | None,
    write: Path | None,
    output: str,
) -> None:
    """Recreate stacks from saved answers of `aws opsworks describe-…`, whatever the files are called.

    Tells what it mapped, what it could not and why; shows what would be done, asks, and does it. Instances are made as
    records, stopped. What the server has besides stays. Running it again changes nothing, or goes on where it stopped.
    """
    choices = Choices(_pairs("--region", regions), _pairs("--name", names), frozenset(only))
    server = Server.here()
    try:
        found = mapped(read(paths, shapes()), target_of(server), choices)
    except BadDump as error:
        click.echo(str(error), err=True)
        raise SystemExit(2) from None
    except BadChoice as error:
        raise click.UsageError(str(error)) from None
    if write is not None:
        _write(found, write)
        return
    sys.exit(bring_over(server, found, given_secrets(secrets_file), dry_run=dry_run, yes=yes, as_json=output == "json"))


def shapes() -> Shapes:
    """What the server declares of its answers."""
    about = declared()
    return Shapes(about["structures"], about["operations"])


def target_of(call: Call) -> Target:
    """What must be known of the server. Raises CallFailed."""
    arn: str = call("DescribeMyUserProfile")["UserProfile"]["IamUserArn"]
    return Target(arn.split(":")[4], systems_of(call("DescribeOperatingSystems")["OperatingSystems"]))


def bring_over(
    call: Call, found: Import, secrets: Mapping[str, str], *, dry_run: bool, yes: bool, as_json: bool = False
) -> int:
    """Tell, ask and do it; the exit status. Raises CallFailed where the server cannot be asked at all."""
    prepared, remarks = prepare(call, found, secrets)
    say: Callable[[str], None] = (lambda text: click.echo(text, err=True)) if as_json else click.echo
    if not as_json:
        _show(found, prepared, remarks)
    steps = [step for each in prepared for step in each.plan.steps]
    impossible = [f"stack {each.plan.stack}: {reason}" for each in prepared for reason in each.plan.impossible]
    for reason in impossible:
        click.echo(f"toque: {reason}", err=True)
    status = 0
    failures: list[str] = []
    if impossible:
        status = CANNOT
    elif dry_run:
        status = DIFFERS if steps else 0
    elif steps:
        if not yes and not agreed():
            click.echo("toque: nothing was changed", err=True)
            status = CANNOT
        else:
            status, failures = _carry_out(call, prepared, say)
    if as_json:
        told = report.as_object(found, remarks) | {"Steps": [title(each) for each in steps], "Failed": failures}
        click.echo(json.dumps(told, indent=4, ensure_ascii=False))
    return status


def prepare(call: Call, found: Import, secrets: Mapping[str, str]) -> tuple[list[Prepared], list[Remark]]:
    """A plan for each stack; and remarks on what waits for secrets that nobody gave. Raises CallFailed."""
    prepared: list[Prepared] = []
    remarks: list[Remark] = []
    for stack in found.stacks:
        # They are sent where the server has none only: a second import finds them there.
        secrets = {name: token_urlsafe(_PASSWORD) for name in of_layers(stack.document)} | dict(secrets)
        plan, ids = planned(call, stack.document, Wish(secrets))
        if plan.missing:
            document, told = without(stack.document, plan.missing)
            remarks += told
            plan, ids = planned(call, document, Wish(secrets))
        wanted = {step.name for step in plan.steps if step.kind == "database" and step.verb == "create"}
        databases = tuple(each for each in stack.databases if each.arn in wanted)
        prepared.append(Prepared(plan, ids, databases, Secrets(secrets)))
    return prepared, remarks


def _show(found: Import, prepared: Sequence[Prepared], remarks: Sequence[Remark]) -> None:
    for line in report.lines(found, remarks):
        click.echo(line)
    for each in prepared:
        for entry in each.databases:
            click.echo(f"+ entry of the database directory {entry.arn}: {entry.address}:{entry.port}")
        # What the server has besides is none of the dump's business.
        for line in plan_lines(Plan(stack=each.plan.stack, steps=each.plan.steps)):
            click.echo(line)
        click.echo(f"stack {each.plan.stack}: {summary(each.plan.steps)}")


def _carry_out(call: Call, prepared: Sequence[Prepared], say: Callable[[str], None]) -> tuple[int, list[str]]:
    """Do it all; what the server refuses is told, and what does not hang on it is done nevertheless."""
    done: list[Step] = []
    failures: list[str] = []

    def tell(step: Step) -> None:
        done.append(step)
        say(f"done: {title(step)}")

    try:
        for each in prepared:
            failures += _directory(call, each.databases)
            failures += _steps(call, each, tell)
    except _Broken as broken:
        click.echo(f"toque: {broken}", err=True)
        total = sum(len(each.plan.steps) for each in prepared)
        click.echo(f"toque: {len(done)} of {total} steps are done; run the same again: it goes on", err=True)
        return exit_code_of(broken.error), [*failures, str(broken)]
    for failure in failures:
        click.echo(f"toque: not done: {failure}", err=True)
    if failures:
        said = f"{len(done)} steps are done, {len(failures)} are not: put it right and run the same again"
        click.echo(f"toque: {said}, or do those by hand", err=True)
        return CANNOT, failures
    say(f"{len(done)} steps are done")
    return 0, []


class _Broken(Exception):
    """The server cannot be asked any more, or refuses everything."""

    def __init__(self, what: str, error: CallFailed) -> None:
        super().__init__(f"stopped at {what} ({error.code}): {error}")
        self.error = error


def _directory(call: Call, entries: Sequence[Entry]) -> list[str]:
    """Say where the databases are; what stands there already is somebody's knowledge, and stays."""
    failures: list[str] = []
    for entry in entries:
        try:
            call("DescribeDatabases", RdsDbInstanceArns=[entry.arn])
        except ResourceNotFoundException:
            try:
                call("PutDatabase", **entry.members())
            except CallFailed as error:
                failures.append(f"entry of the database directory {entry.arn}: {error}")
        except CallFailed as error:
            failures.append(f"entry of the database directory {entry.arn}: {error}")
    return failures


def _steps(call: Call, prepared: Prepared, tell: Callable[[Step], None]) -> list[str]:
    failures: list[str] = []
    steps: Sequence[Step] = prepared.plan.steps
    while steps:
        try:
            carry_out(call, steps, prepared.ids, prepared.secrets, tell)
            break
        except Stopped as stopped:
            what = title(stopped.step)
            if not isinstance(stopped.error, ValidationException | ResourceNotFoundException | Unknown):
                raise _Broken(what, stopped.error) from stopped
            failures.append(f"{what}: {stopped.error}")
            steps = stopped.rest
            if stopped.step.kind == "stack" and stopped.step.verb == "create":
                failures += [title(each) for each in steps]
                break
    return failures


def _pairs(option: str, words: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in words:
        old, separator, new = word.partition("=")
        if not (old and separator and new):
            raise click.UsageError(f"{option} {word}: please write OLD=NEW")
        pairs[old] = new
    return pairs


def _write(found: Import, folder: Path) -> None:
    """Each stack as a file; the report on the other stream."""
    from toque.protocol.durable import write_durably
    from toque.stackfile.writing import written

    for line in report.lines(found):
        click.echo(line, err=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in found.stacks:
            path = folder / f"{_file_name(each.document, each.id)}.yaml"
            write_durably(path, written(each.document, comment=f"OpsWorks stack {each.id}.").encode(), mode=0o600)
            click.echo(str(path))
    except OSError as error:
        raise click.UsageError(f"{folder} cannot be written: {error.strerror}") from None


def _file_name(document: StackFile, id: str) -> str:
    name = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in document.stack.name)
    return f"{name}-{id[:8]}"
