"""`toque apply` and `toque plan`: run a recipe on this machine, or say what that would do; no server, no agent."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from toque.core.attributes import merged

if TYPE_CHECKING:
    from toque.core.run import Run

_EXIT_CODES = """\b
Exit codes:
  0    the recipe ran to its end{plan}
  1    a resource failed, or the recipe raised an error{quit}
  2    the recipe is missing or is no valid Python, or the command line is wrong
  4    attributes or settings do not fit
"""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--output",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        help="text for people, or one JSON document with a record for each resource.",
    )(command)
    return with_attributes(command)


def with_attributes(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options by which attributes are given; `given_attributes` makes one map of them."""
    command = click.option(
        "-s",
        "--set",
        "sets",
        multiple=True,
        metavar="KEY=VALUE",
        help="An attribute, e.g. nginx.port=8080 (JSON or text).",
    )(command)
    return click.option(
        "-a",
        "--attributes",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A JSON file with the node's attributes.",
    )(command)


@click.command(epilog=_EXIT_CODES.format(plan="", quit=", or you quit"))
@click.argument("recipe", metavar="FILE|COOKBOOK::RECIPE")
@click.option("-i", "--interactive", is_flag=True, help="Ask at each change, with its diff: yes, no, all, quit.")
@_options
def apply(recipe: str, attributes: Path | None, sets: tuple[str, ...], form: str, interactive: bool) -> None:
    """Run a recipe on this machine, now.

    FILE is a recipe; templates and files are looked for in its cookbook, or beside it when it has none.
    COOKBOOK::RECIPE is looked for in this folder, in its `cookbooks`, and in the folders above.
    """
    if interactive and form == "json":
        raise click.UsageError("--interactive asks people, and --output json is for programs: choose one")
    if interactive and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("--interactive needs a terminal to ask at")
    sys.exit(_run(recipe, given_attributes(attributes, sets), form, dry_run=False, interactive=interactive))


@click.command(epilog=_EXIT_CODES.format(plan=", and there is nothing to do\n  10   there is something to do", quit=""))
@click.argument("recipe", metavar="FILE|COOKBOOK::RECIPE")
@click.option("--clone", is_flag=True, help="Run it for real in a copy of this machine, and list what that changed.")
@click.option(
    "--network",
    type=click.Choice(["none", "shared"]),
    default="none",
    help="What a clone reaches: nothing, or all that this machine reaches (packages from mirrors).",
)
@click.option("--node", metavar="HOSTNAME", help="On this instance, by its agent, instead of on this machine.")
@click.option("--stack", help="The stack of --node, by its name or id.")
@click.option("--keep", is_flag=True, help="Keep the clone, and say how to look into it.")
@click.option(
    "--remove-clone",
    type=click.Path(path_type=Path),
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, _, path: _remove_clone(ctx, path),
    help="Throw away a clone that --keep has kept.",
)
@_options
def plan(
    recipe: str,
    attributes: Path | None,
    sets: tuple[str, ...],
    form: str,
    clone: bool,
    network: str,
    node: str | None,
    stack: str | None,
    keep: bool,
) -> None:
    """Say what `toque apply` would do, with diffs, and touch nothing.

    Guards (`only_if`, `unless`, …) are looked at, so they must only look themselves. What depends on something that an
    earlier line would make first is reported as unknown. Plain Python in the recipe runs as it stands.

    With --clone the recipe runs for real, in a copy-on-write clone of this machine that is thrown away: the files,
    packages, users, groups and services that differ then are listed. Nothing in it reaches beyond it, unless
    --network=shared says so. As root it is all of this machine; else /root, /home and passwords are not in it.

    With --node the recipe COOKBOOK::RECIPE of the instance's cookbooks is planned there, and this prints the log.
    """
    given = given_attributes(attributes, sets)
    if node is not None:
        if keep or network != "none" or form == "json" or "::" not in recipe:
            raise click.UsageError(
                "--node takes COOKBOOK::RECIPE, and no --keep, --network or --output: these are about this machine"
            )
        from toque.cli.verbs.plan import plan_on_node

        sys.exit(plan_on_node(node, stack, recipe, given, clone=clone))
    if stack is not None:
        raise click.UsageError("--stack is about an instance: add --node")
    if clone:
        sys.exit(_on_clone(recipe, given, form, network, keep))
    if keep or network != "none":
        raise click.UsageError("--keep and --network are about a clone: add --clone")
    sys.exit(_run(recipe, given, form, dry_run=True))


def _run(recipe: str, given: dict[str, Any], form: str, *, dry_run: bool, interactive: bool = False) -> int:
    from toque.cli.terminal import asking, painted, watching
    from toque.cookbook.execute import apply_file

    if form == "json":
        return _as_document(recipe, given, dry_run=dry_run)
    out = painted(sys.stdout)
    prepare = asking(sys.stdin, out) if interactive else watching(out)
    return apply_file(recipe, dry_run=dry_run, attributes=given, out=out, prepare=prepare)


def _as_document(recipe: str, given: dict[str, Any], *, dry_run: bool) -> int:
    """Run with everything that is said kept, for one document at the end."""
    from toque.cookbook.execute import apply_file

    log, lines = StringIO(), StringIO()
    runs: list[Run] = []
    code = apply_file(recipe, dry_run=dry_run, attributes=given, out=log, lines=lines, prepare=runs.append)
    document = {
        "exit_code": code,
        "counts": runs[0].report.counts,
        "resources": [json.loads(line) for line in lines.getvalue().splitlines()],
        "log": log.getvalue(),
    }
    click.echo(json.dumps(document, indent=4, ensure_ascii=False))
    return code


def _on_clone(recipe: str, given: dict[str, Any], form: str, network: str, keep: bool) -> int:
    import signal

    from toque import sandbox
    from toque.cli.terminal import painted
    from toque.cookbook.execute import WOULD_CHANGE
    from toque.core.errors import RunFailed
    from toque.preview.clone import Order, plan_on_clone

    if (refusal := sandbox.ready()) is not None:
        raise click.ClickException(f"no clone can be made here: {refusal}; without --clone a plan needs none")
    # Whoever ends us ends the clone as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    out = painted(sys.stdout)
    say: Callable[[str], None] = (lambda line: None) if form == "json" else (lambda line: print(line, file=out))
    order = Order(recipe=recipe, attributes=given, network="shared" if network == "shared" else "none", keep=keep)
    try:
        found = plan_on_clone(order, say)
    except RunFailed as error:
        click.echo(str(error))
        return error.exit_code
    except sandbox.SandboxError as error:
        raise click.ClickException(str(error)) from error
    code = found.exit_code or (WOULD_CHANGE if found.anything else 0)
    if form == "json":
        click.echo(json.dumps({**found.document(), "exit_code": code}, indent=4, ensure_ascii=False))
    else:
        out.write(found.page())
    return code


def _remove_clone(ctx: click.Context, path: Path | None) -> None:
    if path is None or ctx.resilient_parsing:
        return
    from toque import sandbox
    from toque.preview.clone import remove_clone

    try:
        remove_clone(path)
    except sandbox.SandboxError as error:
        raise click.ClickException(str(error)) from error
    ctx.exit()


def given_attributes(attributes: Path | None, sets: tuple[str, ...]) -> dict[str, Any]:
    return merged([_from_file(attributes), *map(_from_text, sets)])


def _from_file(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise _BadData(f"{path}: {error}") from None
    if not isinstance(data, dict):
        raise _BadData(f"{path}: must hold a JSON object")
    return data


def _from_text(text: str) -> dict[str, Any]:
    """`nginx.port=8080` → {"nginx": {"port": 8080}}; what is no JSON is text."""
    key, equals, value = text.partition("=")
    if not equals or not all(key.split(".")):
        raise click.BadParameter(f"{text!r} must look like nginx.port=8080", param_hint="--set")
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    for part in reversed(key.split(".")):
        parsed = {part: parsed}
    return dict(parsed)


class _BadData(click.ClickException):
    exit_code = 4
