"""`toque cookbook test`: a cookbook's tests in memory, and its suites on throw-away machines."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import click

from toque.cli.cookbook.progress import Progress, progress

_EXIT_CODES = """\b
Exit codes:
  0   everything passed
  1   a test failed, or a run failed
  2   no cookbook, a kitchen.toml that cannot be used, a machine that cannot be made, or a wrong command line
  3   a second run was not without changes
  4   what was broken was not repaired
Of several failures the first one counts.
"""


@click.command(epilog=_EXIT_CODES)
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("--unit", is_flag=True, help="Only the tests in memory: pytest over tests/, without tests/kitchen.")
@click.option("--kitchen", is_flag=True, help="Only the suites of kitchen.toml, each on a machine of its own.")
@click.option("--suite", "only", metavar="NAME", multiple=True, help="Only this suite; may be given several times.")
@click.option("--break", "breaks", is_flag=True, help="Break what the run has made, and require that a run repairs it.")
@click.option("--seed", type=int, metavar="N", help="What --break chooses; without it, chance (and it is told).")
@click.option("--keep", is_flag=True, help="Let the machines run, to look at them; the next test replaces them.")
@click.option("--destroy", is_flag=True, help="Only remove machines that were kept.")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", help="json: one object, at the end.")
def test(
    folder: Path,
    unit: bool,
    kitchen: bool,
    only: tuple[str, ...],
    breaks: bool,
    seed: int | None,
    keep: bool,
    destroy: bool,
    output: str,
) -> None:
    """Test the cookbook in FOLDER, or every cookbook below it.

    In memory first: its tests with pytest, milliseconds each. Then in the kitchen: for each suite a fresh machine (a
    copy-on-write clone of this one), the recipes, the recipes again (which must change nothing), and tests/kitchen with
    pytest-testinfra. docs/testing-cookbooks.md has the details.
    """
    from toque.core.errors import NotLoadable, ToqueError
    from toque.sandbox import SandboxError

    if seed is not None and not breaks:
        raise click.UsageError("--seed goes with --break")
    if (only or breaks or keep) and unit and not kitchen:
        raise click.UsageError("--suite, --break and --keep go with the kitchen: leave --unit away")
    chance = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    wanted = _Wanted(unit or not kitchen, kitchen or not unit, only, chance if breaks else None, keep, destroy)
    tell = progress(to_errors=output == "json")
    try:
        results = _all(folder.resolve(), wanted, tell, quiet=output == "json")
    except (NotLoadable, SandboxError, ToqueError) as error:
        raise _Unusable(str(error)) from None
    finally:
        tell.close()
    code = next((each["exit_code"] for each in results if each["exit_code"]), 0)
    if output == "json":
        click.echo(json.dumps({"cookbooks": results, "exit_code": code}, indent=2))
    sys.exit(code)


class _Unusable(click.ClickException):
    exit_code = 2


class _Wanted:
    def __init__(
        self, unit: bool, kitchen: bool, only: tuple[str, ...], seed: int | None, keep: bool, destroy: bool
    ) -> None:
        self.unit, self.kitchen, self.only = unit, kitchen, only
        self.seed, self.keep, self.destroy = seed, keep, destroy


def _all(folder: Path, wanted: _Wanted, tell: Progress, *, quiet: bool) -> list[dict[str, Any]]:
    from toque.cookbook.layout import MANIFEST, find_cookbooks
    from toque.core.errors import NotLoadable

    found = find_cookbooks(folder)
    if not found:
        raise NotLoadable(f"there is no cookbook in {folder}: a cookbook has a {MANIFEST} (`toque cookbook new NAME`)")
    return [_one(name, path, wanted, tell, quiet=quiet) for name, path in found.items()]


def _one(name: str, folder: Path, wanted: _Wanted, tell: Progress, *, quiet: bool) -> dict[str, Any]:
    result: dict[str, Any] = {"cookbook": name, "unit": None, "suites": [], "exit_code": 0}
    if wanted.unit and not wanted.destroy:
        result["unit"] = _unit(name, folder, tell, quiet=quiet)
        result["exit_code"] = 0 if result["unit"]["ok"] else 1
    if wanted.kitchen and result["exit_code"] == 0:
        result["suites"] = _suites(name, folder, wanted, tell, quiet=quiet)
        result["exit_code"] = next((each["exit_code"] for each in result["suites"] if each["exit_code"]), 0)
    return result


def _unit(name: str, folder: Path, tell: Progress, *, quiet: bool) -> dict[str, Any]:
    from toque.testing import pytests

    if not any(path for path in folder.glob("tests/**/test_*.py") if "kitchen" not in path.relative_to(folder).parts):
        tell.end(name, "unit", ok=True, said="no tests in tests/", seconds=0.0)
        return {"ok": True, "tests": []}
    began = time.perf_counter()
    tell.begin(name, "unit")
    output = sys.stderr.buffer if quiet else None
    outcome = pytests.run(folder, ["-q", "--no-header", "-p", "no:cacheprovider", "tests"], output=output)
    tell.end(name, "unit", ok=outcome.ok, said=outcome.summary, seconds=time.perf_counter() - began)
    for each in outcome.failures:
        tell.more(f"{each['file']}:{each['line']}: {each['test']} failed")
    return {"ok": outcome.ok, "tests": outcome.tests}


def _suites(name: str, folder: Path, wanted: _Wanted, tell: Progress, *, quiet: bool) -> list[dict[str, Any]]:
    from toque.cookbook.layout import load_cookbook
    from toque.core.errors import NotLoadable, did_you_mean
    from toque.sandbox import ready
    from toque.testing.kitchen.config import suites_of
    from toque.testing.kitchen.driver import sandbox_of

    suites = suites_of(folder, load_cookbook(folder))
    for each in wanted.only:
        names = [suite.name for suite in suites]
        if each not in names:
            raise NotLoadable(f"cookbook {name} has no suite {each}{did_you_mean(each, names)}")
    chosen = [suite for suite in suites if not wanted.only or suite.name in wanted.only]
    machines = {suite.name: sandbox_of(name, suite.name, suite.hostname, suite.driver) for suite in chosen}
    if wanted.destroy:
        for machine in machines.values():
            machine.destroy()
        return []
    refusal = ready()
    if refusal is not None:
        raise NotLoadable(f"the kitchen cannot make a machine: {refusal} (`--unit` tests in memory only)")
    return [_serve(folder, suite, machines[suite.name], wanted, tell, quiet=quiet) for suite in chosen]


def _serve(folder: Path, suite: Any, machine: Any, wanted: _Wanted, tell: Progress, *, quiet: bool) -> dict[str, Any]:
    from toque.testing.cookbooks import around
    from toque.testing.kitchen.suite import Kitchen

    output = sys.stderr.buffer if quiet else None
    kitchen = Kitchen(folder, around(folder / "kitchen.toml"), suite, machine, tell, output)
    served = kitchen.serve(seed=wanted.seed, keep=wanted.keep)
    if served.kept:
        tell.more(f"kept: {served.kept}")
        tell.more("gone with: toque cookbook test --destroy")
    return {
        "suite": served.suite,
        "steps": [vars(each) for each in served.steps],
        "failures": [each.values() for each in served.failures],
        "tests": served.tests,
        "broken": served.broken,
        "seed": wanted.seed,
        "kept": served.kept,
        "exit_code": served.code,
    }
