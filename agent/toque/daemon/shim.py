"""The process around one run: `python -m toque.daemon.shim RUN_DIRECTORY ATTEMPT`.

It holds the run's lock, has a session of its own, keeps what the run prints, enforces its limits and writes down how it
ended. It needs nobody: the agent may be killed, restarted or replaced meanwhile (R6). The recipes run in a child, so
that whatever they do to their process, this one tells the tale.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, NoReturn

import msgspec

from toque.daemon.capture import Log
from toque.daemon.limits import Group, new_group
from toque.daemon.machine import boot_id
from toque.daemon.marks import REBOOTING, Ledger, Lock, Status, mark
from toque.daemon.processes import become_subreaper, die_with_parent, end_descendants, forget_oom_protection, reap
from toque.daemon.unpacked import difference
from toque.protocol import run_warnings
from toque.protocol.masking import StreamMask
from toque.protocol.messages import Causes, CommandEnvelope, Phase, ResourceCounts

TIMED_OUT: Final = 124
ABORTED: Final = 130
AGENT_ERROR: Final = 255
BAD_BUNDLE: Final = 3
NOT_MINE: Final = 75
"""Exit status of a shim that found the run begun, abandoned or held by another."""

_TICK: Final = 0.25
_LONGEST_REASON: Final = 1000


@dataclass
class _Asked:
    to_stop: bool = False


def main(arguments: list[str]) -> int:
    directory, attempt = Path(arguments[0]).absolute(), int(arguments[1])
    lock = Lock(directory / "lock")
    if not lock.take():
        return NOT_MINE
    ledger = lock.read()
    if ledger.begun_at or ledger.status is not None or ledger.abandoned >= attempt:
        return NOT_MINE
    now = time.time()
    ledger = msgspec.structs.replace(ledger, begun_at=now, pid=os.getpid(), first_begun_at=ledger.first_begun_at or now)
    lock.write(ledger)
    mark(directory, "begun", msgspec.json.encode({"at": ledger.begun_at, "pid": ledger.pid}))
    status = _carry_out(directory, ledger, lock)
    restarts = ledger.restarts | ({status.restart: boot_id()} if status.restart else {})
    lock.write(msgspec.structs.replace(ledger, status=status, restarts=restarts))
    mark(directory, "status", msgspec.json.encode(status))
    return 0


def _carry_out(directory: Path, ledger: Ledger, lock: Lock) -> Status:
    os.chdir("/")
    envelope = msgspec.json.decode((directory / "envelope.json").read_bytes(), type=CommandEnvelope)
    snapshot = json.loads((directory / "snapshot.json").read_bytes())
    masked = list(snapshot.get("masked", ()))
    log = Log(directory / "log", masked)
    wrong = _changed_cookbook(directory)
    if wrong:
        log.write(f"toque: the cookbooks are not what was unpacked: {wrong}\n".encode())
        log.close()
        return _status(directory, ledger, masked, BAD_BUNDLE, "bundle_changed")
    # What the part before a restart said at its end is not said by this one.
    (directory / "outcome.json").unlink(missing_ok=True)
    mark(directory, "boots.json", msgspec.json.encode(ledger.restarts))
    become_subreaper()
    asked = _Asked()

    def stop(number: int, frame: FrameType | None) -> None:
        asked.to_stop = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    group = new_group(envelope.command_id)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        lock.close()
        _become_run(directory, {step.phase for step in envelope.steps}, writing, group)
    os.close(writing)
    left = max(1.0, envelope.deadline_seconds - ledger.spent)
    code, reason = _watch(directory, child, reading, log, left, asked, group)
    log.close()
    group.remove()
    return _status(directory, ledger, masked, code, reason)


def _become_run(directory: Path, phases: set[Phase], output: int, group: Group) -> NoReturn:
    """The child: join the limits, take the pipe as output, run the recipes, exit with their code."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setsid()
    die_with_parent()
    try:
        group.join()
    except OSError as wrong:
        os.write(output, f"toque: this run has no cgroup of its own: {wrong}\n".encode())
    forget_oom_protection()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, place, inheritable=True)
    sys.excepthook = _agent_error
    raise SystemExit(_carrier(phases)(directory))


def _carrier(phases: set[Phase]) -> Callable[[Path], int]:
    """What carries a run out: a plan changes nothing, whatever else is among its steps."""
    if "plan_on_clone" in phases:
        from toque.preview.node import plan_in_clone

        return plan_in_clone
    if "plan" in phases:
        from toque.preview.node import plan

        return plan
    from toque.cookbook.execute import execute_run

    return execute_run


def _agent_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What escapes the engine is a fault of ours, not of a recipe: 255, and the log says where (chapter 04, 7.3)."""
    traceback.print_exception(kind, error, trace)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(AGENT_ERROR)


def _watch(
    directory: Path, child: int, reading: int, log: Log, deadline: float, asked: _Asked, group: Group
) -> tuple[int, str]:
    """Read the child's output until it ends or must end; its exit code and the reason."""
    os.set_blocking(reading, False)
    over = time.monotonic() + deadline
    with selectors.DefaultSelector() as ready:
        ready.register(reading, selectors.EVENT_READ)
        ended = os.pidfd_open(child)
        ready.register(ended, selectors.EVENT_READ)
        verdict: tuple[int, str] | None = None
        while verdict is None:
            ready.select(max(0.0, min(_TICK, over - time.monotonic())))
            if not _drain(reading, log) and reading in ready.get_map():
                ready.unregister(reading)
            status = reap().get(child)
            if status is not None:
                verdict = _meaning(os.waitstatus_to_exitcode(status))
            elif time.monotonic() >= over:
                verdict = (TIMED_OUT, "timed_out")
            elif asked.to_stop or (directory / "abort").exists():
                verdict = (ABORTED, "aborted")
    if verdict[1] in {"timed_out", "aborted"}:
        end_descendants(group.kill)
        note = f"over its limit of {deadline:g} s" if verdict[0] == TIMED_OUT else "told to stop"
        _drain(reading, log)
        log.write(f"\ntoque: the run was {note}; every process of it was ended\n".encode())
    _drain(reading, log)
    os.close(ended)
    os.close(reading)
    return verdict


def _drain(reading: int, log: Log) -> bool:
    """Take what is in the pipe, at most a mebibyte at a time; False at its end."""
    for _ in range(16):
        try:
            piece = os.read(reading, 1 << 16)
        except BlockingIOError:
            return True
        if not piece:
            return False
        log.write(piece)
    return True


def _meaning(code: int) -> tuple[int, str]:
    return (code, "") if code >= 0 else (128 - code, f"signal_{-code}")


def _changed_cookbook(directory: Path) -> str:
    for link in sorted((directory / "cookbooks").iterdir()):
        if wrong := difference(link.resolve()):
            return f"{link.name}: {wrong}"
    return ""


def _status(directory: Path, ledger: Ledger, masked: list[str], code: int, reason: str) -> Status:
    outcome = _outcome(directory)
    told = _without_secrets(str(outcome.get("reason", ""))[:_LONGEST_REASON], masked)
    warnings = list(outcome.get("warnings", ()))[: run_warnings.MOST]
    reboots = bool(outcome.get("reboot", False)) and code == 0
    restart = str(outcome.get("restart", "")) if code == 0 else ""
    if restart:
        # Not the end: what is to be told stands in the last part, and the ledger must have room for that.
        return Status(0, REBOOTING, ledger.begun_at, time.time(), _resources(directory, outcome), restart=restart)
    return Status(
        exit_code=code,
        reason=REBOOTING if reboots else reason or told,
        started_at=ledger.first_begun_at,
        finished_at=time.time(),
        resources=_summed(_resources(directory, outcome), ledger.changed),
        releases={str(app): str(revision) for app, revision in outcome.get("releases", {}).items()},
        warnings=tuple(run_warnings.one_line(_without_secrets(str(each), masked)) for each in warnings),
        causes=_causes(outcome, masked),
        reboot=reboots,
    )


def _causes(outcome: dict[str, Any], masked: list[str]) -> Causes:
    """Why resources changed, in as few words as travel."""
    counts = outcome.get("causes", {})

    def names(key: str) -> tuple[str, ...]:
        told = list(outcome.get(key, ()))[: run_warnings.MOST]
        return tuple(run_warnings.one_line(_without_secrets(str(each), masked)) for each in told)

    return Causes(
        intended=int(counts.get("intended", 0)),
        drift_corrected=int(counts.get("drift_corrected", 0)),
        flapping=names("flapping"),
        settled=names("settled"),
    )


def _without_secrets(text: str, masked: list[str]) -> str:
    mask = StreamMask(masked)
    return (mask.feed(text.encode(errors="replace")) + mask.finish()).decode(errors="replace")


def _outcome(directory: Path) -> dict[str, Any]:
    """`outcome.json`, where the engine left one: {"releases": {app: revision}, "reboot": bool, "reason": text, …}."""
    try:
        found = json.loads((directory / "outcome.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _resources(directory: Path, outcome: dict[str, Any]) -> ResourceCounts:
    """What the engine counted; of a run that ended before it could say so, what stands in its report."""
    try:
        return msgspec.convert(outcome["resources"], ResourceCounts)
    except (KeyError, msgspec.ValidationError):
        return _counted(directory)


def _summed(counts: ResourceCounts, before: int) -> ResourceCounts:
    """With what the parts before a restart have changed, and this one found unchanged."""
    moved = min(before, counts.unchanged)
    return msgspec.structs.replace(counts, changed=counts.changed + moved, unchanged=counts.unchanged - moved)


def _counted(directory: Path) -> ResourceCounts:
    """How many resources there were of each kind, from `report.jsonl`; a torn last line does not count."""
    counts = dict.fromkeys(ResourceCounts.__struct_fields__, 0)
    try:
        with (directory / "report.jsonl").open("rb") as report:
            for line in report:
                try:
                    counts[json.loads(line)["status"]] += 1
                except (ValueError, KeyError, TypeError):
                    continue
    except OSError:
        pass
    return ResourceCounts(**counts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
