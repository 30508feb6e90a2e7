"""`toque apply` and `toque plan`: run a recipe on this machine, or say what that would do; no server, no agent."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from toque.core.attributes import merged

_EXIT_CODES = """\b
Exit codes:
  0    the recipe ran to its end{plan}
  1    a resource failed, or the recipe raised an error
  2    the recipe is missing or is no valid Python, or the command line is wrong
  4    attributes or settings do not fit
"""


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
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


@click.command(epilog=_EXIT_CODES.format(plan=""))
@click.argument("recipe", metavar="FILE|COOKBOOK::RECIPE")
@_options
def apply(recipe: str, attributes: Path | None, sets: tuple[str, ...]) -> None:
    """Run a recipe on this machine, now.

    FILE is a recipe; templates and files are looked for in its cookbook, or beside it when it has none.
    COOKBOOK::RECIPE is looked for in this folder, in its `cookbooks`, and in the folders above.
    """
    sys.exit(_run(recipe, attributes, sets, dry_run=False))


@click.command(epilog=_EXIT_CODES.format(plan=", and there is nothing to do\n  10   there is something to do"))
@click.argument("recipe", metavar="FILE|COOKBOOK::RECIPE")
@_options
def plan(recipe: str, attributes: Path | None, sets: tuple[str, ...]) -> None:
    """Say what `toque apply` would do, with diffs, and touch nothing.

    Guards (`only_if`, `unless`, …) are looked at, so they must only look themselves. What depends on something that an
    earlier line would make first is reported as unknown. Plain Python in the recipe runs as it stands.
    """
    sys.exit(_run(recipe, attributes, sets, dry_run=True))


def _run(recipe: str, attributes: Path | None, sets: tuple[str, ...], *, dry_run: bool) -> int:
    from toque.cookbook.execute import apply_file

    given = merged([_from_file(attributes), *map(_from_text, sets)])
    return apply_file(recipe, dry_run=dry_run, attributes=given)


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
