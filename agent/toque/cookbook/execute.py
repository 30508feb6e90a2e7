"""The whole of a run, in this process: read the run directory, run the phases, say how it ended.

exit code   0 success   1 a recipe raised an error   2 a recipe is missing or cannot be loaded   4 bad data
            5 phase `system` failed, `custom` was skipped                                    (chapter 04, 7.3)

The first failure ends the run, but for its clean-up: `toque::cleanup`, the last step, runs then as well (E-7).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import partial
from io import FileIO, TextIOWrapper
from pathlib import Path
from typing import IO, Any, TextIO

from toque.cookbook.finder import importable
from toque.cookbook.layout import find_cookbooks
from toque.cookbook.locked import with_locked
from toque.cookbook.shelf import Recipe, Shelf, compile_recipe, run_code, without_repeats
from toque.core.boots import Boots, RestartNow
from toque.core.errors import BadData, NotLoadable, RunFailed
from toque.core.files import cookbook_of
from toque.core.ledger import Debt, Ledger
from toque.core.local import LocalHost
from toque.core.masking import MaskedText, mask
from toque.core.memory import Memory
from toque.core.pages import failure_page, place
from toque.core.report import Report
from toque.core.run import Run
from toque.core.source import raised_at
from toque.core.world import World
from toque.facts import collect
from toque.protocol.names import CLEANUP
from toque.protocol.run_warnings import MOST, one_line

SYSTEM_FAILED = 5
WOULD_CHANGE = 10
"""Exit code of `toque plan` when there is something to do, so that a script can tell drift from failure."""


def execute_run(
    directory: Path,
    *,
    dry_run: bool = False,
    state: Path | None = None,
    out: TextIO | None = None,
    prepare: Callable[[Run], None] = lambda run: None,
) -> int:
    """Carry out the run of a run directory; answers its exit code, and leaves `outcome.json` beside the report.

    Prints the log, or writes it to `out`. `state` is the agent's folder, where the ledger of notifications lives (two
    levels up). `prepare` gets the run before it begins.
    """
    state = state or directory.parent.parent
    log = MaskedText(out or sys.stdout)
    with redirect_stdout(log), _unbuffered(directory / "report.jsonl") as lines:
        os.fchmod(lines.fileno(), 0o600)
        report = Report(say=_saying(log), lines=lines)
        memory = Memory(state / "desired.json")
        run = Run(LocalHost(), dry_run=dry_run, report=report, ledger=Ledger(state / "ledger.jsonl"), memory=memory)
        resumed = directory / "boots.json"
        run.boots = Boots(resumed, resumes=True) if resumed.exists() else Boots()
        prepare(run)
        if run.boots.asked:
            run.report.note(f"goes on after the boot for which it stopped: {list(run.boots.asked)[-1]}")
        with _summed_up(run):
            code, reason = _carry_out(directory, run)
            _tell_the_end(run, code, reason)
            if not dry_run:
                _remember(memory, report)
        restarting = run.boots.restarting if code == 0 else ""
        if restarting:
            run.report.note(f"the agent reboots the machine, and this command goes on after the boot: {restarting}")
        elif run.reboot:
            run.report.note("no reboot, as the run failed" if code else f"the agent reboots the machine: {run.reboot}")
        log.flush()
    counts = {name: report.counts[name] for name in ("unchanged", "changed", "failed", "ignored")}
    outcome: dict[str, Any] = {"exit_code": code, "reason": reason, "resources": counts, "releases": run.releases}
    outcome |= {"warnings": report.warnings, "causes": report.causes, "flapping": report.flapping}
    outcome |= {"settled": [one_line(mask(name)) for name in memory.settled[:MOST]]}
    if restarting:
        outcome["restart"] = restarting
    elif run.reboot and code == 0:
        outcome["reboot"] = True
    try:
        (directory / "outcome.json").write_text(json.dumps(outcome), encoding="utf-8")
    except OSError as error:
        # The disk is full, say. The run has ended as it has ended, and its exit code tells that (R12).
        report.note(f"toque: outcome.json could not be written: {error}")
        log.flush()
    return code


def _tell_the_end(run: Run, code: int, reason: str) -> None:
    """To the recipes' own functions; what goes wrong in them is theirs, and no warning of the system's."""
    if not run.handlers or (run.boots.restarting and code == 0):
        return
    from toque.core.events import RunFinished

    told = len(run.report.warnings)
    run.tell(RunFinished(code, reason, dict(run.report.counts)))
    del run.report.warnings[told:]


def _remember(memory: Memory, report: Report) -> None:
    try:
        memory.save()
    except OSError as error:
        report.note(f"toque: what was desired could not be remembered: {error}")


def _unbuffered(path: Path) -> TextIOWrapper:
    """Each line is one write, and what a full disk does not take is not kept to fail again at the end (R12)."""
    return TextIOWrapper(FileIO(path, "a"), encoding="utf-8", write_through=True)


def _carry_out(directory: Path, run: Run) -> tuple[int, str]:
    """All phases; answers exit code and, for people, the first line of what went wrong."""
    try:
        steps = json.loads((directory / "steps.json").read_text(encoding="utf-8"))
        snapshot = json.loads((directory / "snapshot.json").read_text(encoding="utf-8"))
        world = World(
            bags=snapshot.get("bags", {}),
            levels=[(level, values) for level, values in snapshot.get("levels", ())],
            me=snapshot.get("self"),
            masked=snapshot.get("masked", ()),
            collect=collect,
            allow_insecure_sources=bool(snapshot.get("allow_insecure_sources", False)),
        )
        phases = [(step["phase"], list(step["recipes"])) for step in steps]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return _stop(run, BadData(f"the run's data cannot be read: {error}"))
    except BadData as error:
        return _stop(run, error)
    code, reason = 0, ""
    for number, (phase, recipes) in enumerate(phases, 1):
        if run.boots.restarting:
            break
        if code and (phase != "system" or CLEANUP not in recipes):
            continue
        # What a failed run owes stays owed: its clean-up is not the end that the notifications wait for.
        run.more_to_come = code != 0 or number < len(phases)
        run.delivers = partial(_is_the_last_for, phases[number:], phase, code)
        failed, why = _run_step(directory, phase, recipes, run, world)
        if failed and not code:
            code, reason = failed, why
            if phase == "system" and any(later == "custom" for later, _ in phases[number:]):
                run.report.note("phase system failed: the recipes of phase custom are skipped")
    return code, reason


def _is_the_last_for(later: Sequence[tuple[str, list[str]]], phase: str, code: int, debt: Debt) -> bool:
    """Whether no later phase can do what an earlier run owed: words of users' cookbooks are there in `custom` alone."""
    if debt.of_cookbook:
        return code == 0 and phase == "custom" and all(name != "custom" for name, _ in later)
    return code == 0 and not later


def _run_step(directory: Path, phase: str, recipes: list[str], run: Run, world: World) -> tuple[int, str]:
    """One phase; exit code and reason as chapter 04 wants them of it.

    Of warnings, those of phase `system` are ours and go to the server; those of users' recipes stay in their log.
    """
    told = len(run.report.warnings)
    try:
        code, reason = run_phase(Shelf(_cookbooks(directory, phase), directory), recipes, run, world, directory)
    except RunFailed as error:
        code, reason = _stop(run, error)
    if phase != "system":
        del run.report.warnings[told:]
    return (SYSTEM_FAILED if code and phase == "system" else code), reason


def _cookbooks(directory: Path, phase: str) -> dict[str, Path]:
    """Phase `system` sees the built-in cookbooks alone; in `custom` the users' own come first."""
    kinds = ("builtin",) if phase == "system" else ("builtin", "custom")
    found: dict[str, Path] = {}
    for kind in kinds:
        found.update(find_cookbooks(directory / "cookbooks" / kind))
    return found


def run_phase(shelf: Shelf, recipes: Sequence[str], run: Run, world: World, base: Path | None) -> tuple[int, str]:
    """Run a list of recipes in order, each once. All are loaded first, so a typo in the last changes nothing."""

    def each_in_turn() -> None:
        names = without_repeats(recipes)
        for name in names:
            shelf.load(name)
        shelf.judge_settings(names, world)
        world.include = lambda name: shelf.run(name, run, world)
        world.settings_of = lambda file: shelf.settings_of(file, world)
        for name in names:
            run.report.note(f"recipe {name}")
            shelf.run(name, run, world)

    with importable(shelf.cookbooks):
        return _guarded(each_in_turn, run, world, base)


def _guarded(recipes: Callable[[], None], run: Run, world: World, base: Path | None) -> tuple[int, str]:
    """Run, deliver notifications, bring files to disk; every error becomes a page and an exit code."""
    run.world = world
    try:
        with run:
            recipes()
    except RestartNow:
        return 0, ""
    except RunFailed as error:
        return _stop(run, error)
    except ImportError as error:
        return _stop(run, NotLoadable(f"{error}\n" + "\n".join(place(raised_at(error), base))))
    except (Exception, SystemExit) as error:  # noqa: BLE001 (one of the four homes: around main)
        page = failure_page(error, run.recipe_of(error), run, base)
        run.report.note(page)
        return 1, page.partition("\n")[0]
    finally:
        if isinstance(run.host, LocalHost) and not run.dry_run:
            run.host.settle()
    return 0, ""


def _stop(run: Run, error: RunFailed) -> tuple[int, str]:
    run.report.note(str(error))
    return error.exit_code, str(error).partition("\n")[0]


@contextmanager
def _summed_up(run: Run) -> Iterator[None]:
    """One line at the end of a run about the whole of it, however it ended."""
    began = time.perf_counter()
    yield
    run.report.note(summary(run.report, run.dry_run, time.perf_counter() - began))


def summary(report: Report, dry_run: bool, seconds: float) -> str:
    """`12 resources: 3 changed, 9 unchanged, in 0.42 s`; what is zero and unusual is not mentioned."""
    counts = report.counts
    total = sum(count for name, count in counts.items() if name != "actions")
    parts = [f"{counts['changed']} {'would change' if dry_run else 'changed'}", f"{counts['unchanged']} unchanged"]
    parts += [f"{counts[name]} {name}" for name in ("skipped", "unknown") if counts[name]]
    parts += [f"{counts['failed']} failed"] if counts["failed"] else []
    parts += [f"{counts['ignored']} failed (ignored)"] if counts["ignored"] else []
    parts += [f"{counts['actions']} action{'' if counts['actions'] == 1 else 's'}"] if counts["actions"] else []
    return f"{total} resource{'' if total == 1 else 's'}: {', '.join(parts)}, in {seconds:.2f} s"


def apply_file(
    path: Path | str,
    *,
    dry_run: bool,
    attributes: Mapping[str, Any] | None = None,
    out: TextIO | None = None,
    lines: IO[str] | None = None,
    prepare: Callable[[Run], None] = lambda run: None,
) -> int:
    """Run one recipe on this machine, with no server: a file, or `cookbook::recipe` below the current folder.

    A file in a cookbook runs as that cookbook's recipe, beside its sister cookbooks; any other file runs by itself,
    with templates and files looked for beside it. Answers the exit code; of a dry run 10 when there is something to do.

    The log goes to `out` (None: standard output), and a JSON line for each resource to `lines`. `prepare` gets the run
    before it begins.
    """
    host = LocalHost()
    log = MaskedText(out or sys.stdout)
    with redirect_stdout(log):
        ledger = _apply_ledger(str(path))
        run = Run(host, dry_run=dry_run, report=Report(say=_saying(log), lines=lines), ledger=Ledger(ledger))
        run.boots = Boots(ledger.with_suffix(".boots"))
        prepare(run)
        with _summed_up(run):
            code, reason = _apply(path, run, attributes or {})
            if code == 0 and not dry_run:
                run.boots.forget()
            _tell_the_end(run, code, reason)
        if run.reboot and code == 0:
            run.report.note(f"this machine wants to be restarted, and `toque apply` does not do that: {run.reboot}")
        log.flush()
    pending = run.report.counts["changed"] + run.report.counts["unknown"] + run.report.counts["actions"]
    return WOULD_CHANGE if dry_run and code == 0 and pending else code


def _apply(path: Path | str, run: Run, attributes: Mapping[str, Any]) -> tuple[int, str]:
    try:
        world = World(levels=[("command line", attributes)], collect=collect)
        if "::" in str(path):
            shelf = Shelf(with_locked(repository(Path.cwd())), Path.cwd())
            return run_phase(shelf, [str(path)], run, world, Path.cwd())
        path = Path(path).resolve()
        if not path.is_file():
            raise NotLoadable(f"there is no file {path}")
        root, in_cookbook = cookbook_of(str(path))
        if in_cookbook and path.parent == root / "recipes":
            shelf = Shelf({**with_locked(root.parent), **with_locked(root)}, Path.cwd())
            name = next(name for name, folder in shelf.cookbooks.items() if folder == root)
            return run_phase(shelf, [f"{name}::{path.stem}"], run, world, Path.cwd())
        recipe = Recipe(path.name, path, compile_recipe(path, Path.cwd()), "__recipe__")
        return _guarded(lambda: run_code(recipe, run), run, world, Path.cwd())
    except RunFailed as error:
        return _stop(run, error)


def repository(here: Path) -> Path:
    """Where the cookbooks are: this folder, its `cookbooks/`, or the nearest folder above that has them."""
    for folder in (here, *here.parents):
        for root in (folder, folder / "cookbooks"):
            if (root / "cookbook.toml").is_file() or any(root.glob("*/cookbook.toml")):
                return root
    raise NotLoadable(f"there are no cookbooks in {here} or above it")


def apply_state() -> Path:
    """Where applied recipes have their ledgers: as root with the agent's state, else in the user's own state folder."""
    home = os.environ.get("XDG_STATE_HOME") or f"{os.environ.get('HOME', '/')}/.local/state"
    return Path("/var/lib/toque/apply") if os.geteuid() == 0 else Path(home) / "toque/apply"


def _apply_ledger(name: str) -> Path:
    """One ledger per applied recipe."""
    key = name if "::" in name else str(Path(name).resolve())
    return apply_state() / f"{key.replace('/', '%')[-200:]}.jsonl"


def _saying(log: MaskedText) -> Callable[[str], None]:
    return log.line
