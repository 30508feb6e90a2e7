"""Sandboxes from outside: start, look, stop, remove. All that is known of one is in its directory.

    directory/process.json   which process is its PID 1, by pid, start time and boot
    directory/ended          why PID 1 ended, written by itself; empty when it did not get to it
    directory/console.log    what it said
    directory/disk/          what differs from the host

So a server that was restarted finds its sandboxes again, and one that crashed in the middle of a start finds either
nothing or a whole sandbox.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from toque.sandbox import control, network
from toque.sandbox.environment import environment
from toque.sandbox.network import Net, connect_outside
from toque.sandbox.places import SOCKET
from toque.sandbox.processes import Process
from toque.sandbox.spec import Refusal, SandboxError, Spec, State
from toque.sandbox.subids import SubIds, run_mapped, sub_ids
from toque.sandbox.toolchain import shared_library_home, toolchain

_DEAD_WITHIN = 20.0
# The first one of an ordinary user makes the skeleton, which takes its time on a slow disk.
_READY_WITHIN = 180.0
_ASK_AGAIN = 0.5
_LISTENS_WITHIN = 15.0
_LOOK_AGAIN = 0.01

_HOME = Path(__file__).resolve().parent.parent.parent
_ENTER = f"import sys; sys.path.insert(0, {str(_HOME)!r}); from toque.sandbox.enter import main; main()"
_CLONE = f"import sys; sys.path.insert(0, {str(_HOME)!r}); from toque.sandbox.clone import main; main()"


def start(spec: Spec) -> int:
    """Start a sandbox and return the pid of its PID 1 as the host sees it, once it answers.

    A running one is left alone and its pid returned. Raises SandboxError with what stood in the way.
    """
    spec.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(spec.directory) as lock:
        if (running := _process(spec.directory)) is not None and _answers(spec.directory):
            return running.pid
        _check(spec)
        return _start(spec, lock)


def state(directory: Path) -> State:
    """What a sandbox is now.

    "running"; "stopped": it ended in an orderly way (asked to, or because nobody held its lifeline); "failed": its
    PID 1 went without a word, killed or crashed; "gone": there is no sandbox in this directory.
    """
    if not (directory / "process.json").exists():
        return "gone"
    if _process(directory) is not None:
        return "running"
    return "stopped" if _read(directory / "ended") else "failed"


def stop(directory: Path, *, grace: float) -> None:
    """End a sandbox: services by their scripts, the rest by SIGTERM; what is left after `grace` seconds is killed.

    The disk of a persistent one is kept. Does nothing where nothing runs.
    """
    with _locked(directory):
        process = _process(directory)
        deadline = time.monotonic() + grace
        while process is not None and (left := deadline - time.monotonic()) > 0:
            # More than once: in the instant of a reboot PID 1 does not listen to signals.
            process.send(signal.SIGTERM)
            if process.wait(min(left, _ASK_AGAIN)):
                process = None
        if process is not None:
            _kill(process)
        if (directory / "process.json").exists() and not _read(directory / "ended"):
            (directory / "ended").write_text("stopped\n")


def kill(directory: Path) -> None:
    """Kill everything in a sandbox at once, as a power failure would; `state` then says "failed"."""
    if (process := _process(directory)) is not None:
        _kill(process)


def remove(directory: Path) -> None:
    """Kill what runs and delete the sandbox with its disk. One that is gone already is no error."""
    if not directory.exists():
        return
    with _locked(directory):
        kill(directory)
        if address := _read(directory / "network"):
            network.disconnect(Net(IPv4Address(address)))
        _erase(directory)


def reboot(directory: Path) -> None:
    """Restart everything inside on the same disk; only PID 1 stays. Raises SandboxError where nothing runs."""
    _ask(directory, "reboot")


def execute(directory: Path, argv: Sequence[str], *, seconds: float = 300.0) -> subprocess.CompletedProcess[bytes]:
    """Run a program as root inside, with nothing on standard input, and wait for its end.

    It is killed when it takes longer than `seconds`. Raises SandboxError where nothing runs. A program that is not
    there gives return code 127 and says so on stderr.
    """
    answer = _ask(directory, "execute", argv=list(argv), seconds=seconds)
    out, err = (base64.b64decode(answer[stream]) for stream in ("stdout", "stderr"))
    return subprocess.CompletedProcess(list(argv), answer["code"], out, err)


def enter(directory: Path, argv: Sequence[str]) -> int:
    """Run a program as root inside that has this process's terminal; its exit code. Raises SandboxError."""
    process = _process(directory)
    if process is None:
        raise SandboxError(f"the sandbox in {directory} is {state(directory)}: it has to run to be entered")
    env = {**environment(os.environ), **{name: os.environ[name] for name in ("TERM",) if name in os.environ}}
    plan = {"pid": process.pid, "argv": list(argv), "env": env, "rootless": os.geteuid() != 0}
    return subprocess.run([sys.executable, "-I", "-S", "-c", _ENTER, json.dumps(plan)], cwd="/").returncode


def layers(directory: Path) -> dict[Path, Path]:
    """Where what differs from the host is kept while a sandbox runs: the host's directory → what lies over it.

    /tmp and /run of a sandbox begin empty and are all difference. Raises SandboxError where nothing runs.
    """
    process = _process(directory)
    if process is None:
        raise SandboxError(f"the sandbox in {directory} is {state(directory)}: it has to run for its disk to be seen")
    kept = json.loads(_read(directory / "layers.json"))
    disk = Path(f"/proc/{process.pid}/fd/{kept['fd']}")
    in_memory = {Path(f"/{name}"): Path(f"/proc/{process.pid}/root/{name}") for name in ("tmp", "run")}
    return {Path(lower): disk / upper for lower, upper in kept["uppers"].items()} | in_memory


def root_of(directory: Path) -> Path:
    """The root directory of a running sandbox, as this process can reach it."""
    process = _process(directory)
    if process is None:
        raise SandboxError(f"the sandbox in {directory} is {state(directory)}: it has to run for its files to be seen")
    return Path(f"/proc/{process.pid}/root")


def console_text(directory: Path) -> str:
    """The last of what the sandbox said, at most 64 KiB; empty when there is none."""
    try:
        with (directory / "console.log").open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 65536))
            return file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _start(spec: Spec, lock: int) -> int:
    (spec.directory / "process.json").unlink(missing_ok=True)
    console = os.open(spec.directory / "console.log", os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    ended = os.open(spec.directory / "ended", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    lifeline = os.open(spec.lifeline, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) if spec.lifeline else None
    reading, status = os.pipe()
    passed = [fd for fd in (status, ended, lifeline, lock) if fd is not None]
    try:
        plan = _plan(spec, status=status, ended=ended, lifeline=lifeline, lock=lock)
        clone = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CLONE],
            stdin=subprocess.PIPE,
            stdout=console,
            stderr=console,
            pass_fds=passed,
            start_new_session=True,
            cwd="/",
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        )
        os.close(status)
        status = -1
        with clone:
            return _follow(spec, clone, plan, reading)
    finally:
        for descriptor in (console, ended, lifeline, reading, status):
            if descriptor is not None and descriptor >= 0:
                os.close(descriptor)


def _answers(directory: Path) -> bool:
    """Whether a sandbox that lives answers. It may be coming up still, or be ending: then False."""
    try:
        _ask(directory, "ping")
    except SandboxError:
        if _process(directory) is not None:
            raise
        return False
    return True


def _check(spec: Spec) -> None:
    if spec.network == "own":
        if os.geteuid() != 0:
            raise SandboxError(
                f"the sandbox {spec.name} cannot have its own network: that needs root; use the shared one"
            )
        if (refused := network.refusal()) is not None:
            raise SandboxError(f"the sandbox {spec.name} cannot have its own network: {refused}")
        (spec.directory / "network").write_text(spec.address)
    if not spec.private and os.geteuid() != 0:
        raise SandboxError(f"the sandbox {spec.name} cannot show all of this machine: that needs root; private=True")


def _plan(spec: Spec, *, status: int, ended: int, lifeline: int | None, lock: int) -> dict[str, Any]:
    tools = toolchain(spec.toolchain or spec.directory.parent / "toolchain")
    library = shared_library_home()
    return {
        "name": spec.name,
        "directory": str(spec.directory.resolve()),
        "hostname": spec.hostname,
        "address": spec.address,
        "persistent": spec.persistent,
        "files": {path: (base64.b64encode(content).decode(), mode) for path, (content, mode) in spec.files.items()},
        "hide": [str(path.resolve()) for path in (spec.directory, *spec.hide)],
        "binds": {inside: str(source.resolve()) for inside, source in spec.binds.items()},
        "size_limit_mb": spec.size_limit_mb,
        "network": spec.network,
        "interfaces": network.interfaces() if spec.network == "none" else {},
        "private": spec.private,
        "rootless": os.geteuid() != 0,
        "skeleton": str((spec.toolchain or spec.directory).parent.resolve() / "skeleton"),
        "toolchain": str(tools.tree.resolve()),
        "toolchain_binds": [(str(source), place) for source, place in tools.binds],
        "shared_library_home": str(library) if library else None,
        "status_fd": status,
        "lock_fd": lock,
        "init": {
            "hostname": spec.hostname,
            "agent_argv": list(spec.agent_argv),
            "env": environment(os.environ),
            "orphan_after": spec.orphan_after,
            "status_fd": status,
            "ended_fd": ended,
            "lifeline_fd": lifeline,
        },
    }


def _follow(spec: Spec, clone: subprocess.Popen[bytes], plan: dict[str, Any], reading: int) -> int:
    """Give the clone what it asks for until it answers from inside; its last words otherwise."""
    _tell(clone, json.dumps(plan))
    pid: int | None = None
    for line in _lines(reading, clone):
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise SandboxError(said["error"])
        if "unshared" in said:
            _granted().hand_to(clone.pid)
            _tell(clone, "mapped")
        if "netns" in said:
            _connect(spec, clone.pid)
            _tell(clone, "connected")
        pid = int(said["pid"]) if "pid" in said else pid
        if said.get("ready") and pid is not None:
            return pid
    last = " | ".join(console_text(spec.directory).splitlines()[-3:])
    raise SandboxError(f"the sandbox {spec.name} ended before it was ready; its console says: {last}")


def _connect(spec: Spec, pid: int) -> None:
    try:
        connect_outside(Net(IPv4Address(spec.address)), pid)
    except OSError as error:
        raise SandboxError(f"the sandbox {spec.name} cannot be given its network: {error}") from error


def _lines(reading: int, clone: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Lines as they come, until the other end is closed. A clone that gets nowhere is killed: its caller waits."""
    deadline = time.monotonic() + _READY_WITHIN
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    so_far = b""
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        arrived = os.read(reading, 65536)
        if not arrived:
            return
        *lines, so_far = (so_far + arrived).split(b"\n")
        yield from lines
    clone.kill()


def _tell(clone: subprocess.Popen[bytes], line: str) -> None:
    assert clone.stdin is not None
    try:
        clone.stdin.write(f"{line}\n".encode())
        clone.stdin.flush()
    except BrokenPipeError:
        pass  # it ended early; what it said on its way out is read next


def _granted() -> SubIds:
    granted = sub_ids()
    if isinstance(granted, Refusal):
        raise SandboxError(str(granted))
    return granted


def _ask(directory: Path, op: str, **arguments: Any) -> dict[str, Any]:
    deadline = time.monotonic() + _LISTENS_WITHIN
    while True:
        process = _process(directory)
        if process is None:
            raise SandboxError(f"the sandbox in {directory} is {state(directory)}: it has to run for {op}")
        try:
            return control.request(op, at=Path(f"/proc/{process.pid}/root{SOCKET}"), **arguments)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            # Nobody listens while it boots.
            if time.monotonic() > deadline:
                raise SandboxError(f"the sandbox in {directory} does not listen") from error
            time.sleep(_LOOK_AGAIN)
        except (OSError, ValueError) as error:
            raise SandboxError(f"the sandbox in {directory} did not answer {op}: {error}") from error


def _process(directory: Path) -> Process | None:
    """The sandbox's PID 1 if it lives."""
    record = _read(directory / "process.json")
    if not record:
        return None
    process = Process(**json.loads(record))
    return process if process.alive() else None


def _kill(process: Process) -> None:
    process.send(signal.SIGKILL)
    # The kernel ends all of the PID namespace before it lets PID 1 be gone.
    if not process.wait(_DEAD_WITHIN):
        raise SandboxError(f"process {process.pid} does not end, killed though it is: it hangs in the kernel")


def _erase(directory: Path) -> None:
    """Delete everything. What belongs to a sandbox's other users an ordinary user deletes as that sandbox's root."""
    if os.geteuid() == 0:
        shutil.rmtree(directory)
        return
    done = run_mapped("from toque.sandbox.rootless import erase; erase()", str(directory.resolve()), ids=_granted())
    if done.returncode != 0:
        raise SandboxError(f"cannot delete {directory}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


@contextmanager
def _locked(directory: Path) -> Iterator[int]:
    """One start, stop or removal at a time. The clone's maker inherits the lock, should the server be killed."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
