"""The process that becomes a sandbox: it makes the namespaces, lays out the clone in them, and turns into PID 1.

`machine.start` runs it with a plan (JSON) on standard input and reads from a pipe how far it has come:

    machine.start ─▶ clone ── unshare, mount ──▶ fork ─▶ process 1: mount /proc, change root, exec toque-init ─▶ "ready"
                                                  └────▶ "pid N", end

Nothing it mounts is ever visible in the host's mount namespace, and all of it goes with the last process inside.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from toque.sandbox import linux
from toque.sandbox.disk import PRIVATE, carries_upper_layers, cover, cover_private_places, layers_in, mount_disk
from toque.sandbox.network import Net, connect_inside, imitate
from toque.sandbox.places import BOOT_ID, INIT_CONFIG, TOQUE
from toque.sandbox.processes import Process
from toque.sandbox.rootless import enter_user_namespace, mount_rootless_disk

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2", "ptmx": "pts/ptmx"}
# The kernel's switches, which are the host's whatever the namespace.
_HOSTS_OWN_PROC = ("sys", "sysrq-trigger", "irq", "bus", "fs", "acpi")
# Debian's packages ask this before they start a service; 101 means no. On a shared network they would take host ports.
_POLICY = ("/usr/sbin/policy-rc.d", b"#!/bin/sh\nexit 101\n", 0o755)


def main() -> None:
    plan: dict[str, Any] = json.loads(sys.stdin.readline())
    if plan["lock_fd"] is not None:
        os.set_inheritable(plan["lock_fd"], False)  # ours until the sandbox stands, not PID 1's for ever
    status = int(plan["status_fd"])
    try:
        _build(plan, status)
    except (OSError, ValueError, KeyError) as error:
        _say(status, {"error": f"cannot make the sandbox {plan['name']}: {error}"})
        raise


def _build(plan: dict[str, Any], status: int) -> None:
    flags = linux.CLONE_NEWNS | linux.CLONE_NEWUTS | linux.CLONE_NEWIPC
    own_network = plan["network"] != "shared"
    if plan["rootless"]:
        enter_user_namespace(lambda: _ask(status, "unshared", "mapped"))
    linux.unshare(flags | (linux.CLONE_NEWNET if own_network else 0))
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    if plan["network"] == "own":
        _ask(status, "netns", "connected")
        connect_inside(Net(IPv4Address(plan["address"])))
    elif plan["network"] == "none":
        imitate(plan["interfaces"], _warn)
    socket.sethostname(plan["hostname"])
    directory = Path(plan["directory"])
    root = directory / "root"
    _disk(plan, directory, root)
    _system_places(root, own_network=own_network)
    _toolchain(root, plan)
    for inside, source in plan["binds"].items():
        _bind_into(root, inside, Path(source))
    _write_files(root, plan)
    _become_init(root, directory, status, plan, own_network=own_network)


def _ask(status: int, state: str, answer: str) -> None:
    """Say what has been reached, and wait for what only a process outside can do about it."""
    _say(status, {state: True})
    if sys.stdin.readline() != f"{answer}\n":
        raise OSError(f"it was not {answer} from outside")


def _disk(plan: dict[str, Any], directory: Path, root: Path) -> None:
    folder, hidden = directory / "disk", [Path(path) for path in plan["hide"]]
    xattr = "user" if plan["rootless"] else "trusted"
    if not plan["persistent"]:
        shutil.rmtree(folder, ignore_errors=True)
    for path in (folder, root):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not carries_upper_layers(folder, xattr=xattr):
        size = f"{plan['size_limit_mb']}m" if plan["size_limit_mb"] else "50%"
        linux.mount("toque-disk", folder, "tmpfs", data=f"mode=0700,size={size}")
        _warn(f"{folder} cannot hold an overlay: the disk is in memory ({size}) and does not outlive a stop")
    if plan["rootless"]:
        _show_layers(plan, mount_rootless_disk(root, folder, Path(plan["skeleton"]), hidden, _warn))
        return
    private = bool(plan["private"])
    layers, marker = layers_in(folder, [*map(Path, PRIVATE), *hidden] if private else hidden), folder / "laid-out"
    if not marker.exists():
        (cover_private_places if private else cover)(layers, hidden, xattr=xattr)
        marker.touch()
    disk = mount_disk(root, layers, xattr=xattr, warn=_warn)
    _show_layers(plan, {each.lower: each.upper for each in disk.layers})


def _show_layers(plan: dict[str, Any], layers: Mapping[Path, Path]) -> None:
    """Keep what differs from the host in reach of whoever wants to see it, by a descriptor of PID 1.

    A disk that is in memory has no path: it is mounted nowhere but here, and not in the clone.
    """
    directory = Path(plan["directory"])
    descriptor = plan["init"]["disk_fd"] = os.open(directory / "disk", os.O_PATH | os.O_DIRECTORY)
    os.set_inheritable(descriptor, True)
    uppers = {str(lower): str(upper.relative_to(directory / "disk")) for lower, upper in layers.items()}
    (directory / "layers.json").write_text(json.dumps({"fd": descriptor, "uppers": uppers}))


def _system_places(root: Path, *, own_network: bool) -> None:
    """/dev, /tmp, /run and /sys of the clone's own; /proc comes later, from inside its PID namespace."""
    for name in ("dev", "tmp", "run", "sys", "proc"):
        (root / name).mkdir(exist_ok=True)
    linux.mount("tmpfs", root / "tmp", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=1777")
    linux.mount("tmpfs", root / "run", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755")
    for name, mode in (("lock", 0o1777), ("toque", 0o755)):
        (root / "run" / name).mkdir()
        (root / "run" / name).chmod(mode)
    _sys(root / "sys", own_network=own_network)
    dev = root / "dev"
    linux.mount("tmpfs", dev, "tmpfs", linux.MS_NOSUID, "mode=0755,size=64k")
    for name in _DEVICES:
        (dev / name).touch()
        linux.mount(f"/dev/{name}", dev / name, flags=linux.MS_BIND)
    for name in ("pts", "shm"):
        (dev / name).mkdir()
    linux.mount(
        "devpts", dev / "pts", "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620"
    )
    linux.mount("tmpfs", dev / "shm", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=1777")
    for name, target in _LINKS.items():
        (dev / name).symlink_to(target)


def _sys(place: Path, *, own_network: bool) -> None:
    if own_network:
        # The host's would show the host's interfaces.
        linux.mount("sysfs", place, "sysfs", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
        linux.bind("/sys/fs/cgroup", place / "fs/cgroup")
    else:
        linux.bind("/sys", place)
    linux.make_read_only(place)


def _toolchain(root: Path, plan: dict[str, Any]) -> None:
    place = root / TOQUE.lstrip("/")
    _bind_into(root, TOQUE, Path(plan["toolchain"]))
    for source, inside in plan["toolchain_binds"]:
        linux.bind(source, place / inside, read_only=True)
    if (home := plan["shared_library_home"]) and not (root / home.lstrip("/")).exists():
        _bind_into(root, home, Path(home))


def _bind_into(root: Path, inside: str, source: Path) -> None:
    target = root / inside.lstrip("/")
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    linux.bind(source, target, read_only=True)


def _write_files(root: Path, plan: dict[str, Any]) -> None:
    address, hostname = plan["address"], plan["hostname"]
    _write(root, str(BOOT_ID), f"{uuid4()}\n".encode(), 0o444)
    if plan["private"]:
        # The same for as long as the sandbox is, and not the host's: agents know copies of themselves by it.
        _write(root, "/etc/machine-id", f"{uuid5(NAMESPACE_URL, plan['directory']).hex}\n".encode(), 0o444)
        _write(root, "/etc/hostname", f"{hostname}\n".encode(), 0o644)
        _write(root, "/etc/hosts", _hosts(address, hostname), 0o644)
        if Path("/etc/resolv.conf").exists():
            _write(root, "/etc/resolv.conf", _resolver(plan["network"]).read_bytes(), 0o644)
    else:
        _keep_names(root)
    if plan["network"] == "shared":
        _write(root, *_POLICY)
    for path, (content, mode) in plan["files"].items():
        _write(root, path, base64.b64decode(content), mode)
    _write(root, INIT_CONFIG, json.dumps(plan["init"]).encode(), 0o600)


def _keep_names(root: Path) -> None:
    """What says who the host is, as the host sees it: containers have these files mounted, others link into /run."""
    for name in ("/etc/machine-id", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf"):
        seen = Path(name)
        if not seen.is_file():
            continue
        place = str(seen.resolve())
        standing, content = root / place.lstrip("/"), seen.read_bytes()
        if not standing.is_file() or standing.read_bytes() != content:
            _write(root, place, content, stat.S_IMODE(seen.stat().st_mode))


def _hosts(address: str, hostname: str) -> bytes:
    """Our own names first, then what the host knows of other machines."""
    lines = ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", f"{address} {hostname}"]
    for line in Path("/etc/hosts").read_text().splitlines():
        number = line.split(maxsplit=1)[0] if line.split() else "#"
        if not number.startswith(("#", "127.", "::1")):
            lines.append(line)
    return ("\n".join(lines) + "\n").encode()


def _resolver(network: str) -> Path:
    # systemd's stub listens on the host's loopback, which an own network does not reach.
    beyond = Path("/run/systemd/resolve/resolv.conf")
    return beyond if network == "own" and beyond.exists() else Path("/etc/resolv.conf")


def _write(root: Path, path: str, content: bytes, mode: int) -> None:
    place = root / path.lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    place.chmod(mode)


def _become_init(root: Path, directory: Path, status: int, plan: dict[str, Any], *, own_network: bool) -> None:
    """Fork: the child is PID 1 of the new namespace, the parent writes down who it is and ends."""
    told, tell = os.pipe()
    # Not with the others: the next child is PID 1 of this namespace, so it must not be some program run on the way.
    linux.unshare(linux.CLONE_NEWPID)
    pid = os.fork()
    if pid == 0:
        os.close(tell)
        if os.read(told, 1) == b"":
            os._exit(1)  # the parent died before it wrote down our pid: nobody would ever find us
        os.setsid()
        _mount_proc(root / "proc")
        linux.change_root(root)
        linux.drop_capabilities(own_network=own_network)
        os.umask(0o022)
        # The names are for people who look at the host's processes.
        os.execve(f"{TOQUE}/bin/toque-init", ["toque-init", plan["name"], plan["hostname"]], plan["init"]["env"])
    born = Process.of(pid)
    if born is None:
        raise OSError(f"process 1 of {root} ended at once")
    record = directory / "process.json"
    beside = record.with_suffix(".new")
    beside.write_text(json.dumps({"pid": born.pid, "started": born.started, "boot": born.boot}))
    beside.rename(record)
    _say(status, {"pid": pid})
    os.write(tell, b"1")


def _mount_proc(proc: Path) -> None:
    linux.mount("proc", proc, "proc", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    for name in _HOSTS_OWN_PROC:
        if (proc / name).exists():
            linux.bind(proc / name, proc / name, read_only=True)
    linux.bind(proc.parent / str(BOOT_ID).lstrip("/"), proc / "sys/kernel/random/boot_id")


def _say(descriptor: int, what: dict[str, Any]) -> None:
    # Who asked for this sandbox may have been killed since; it becomes whole all the same, and is found later.
    with suppress(BrokenPipeError):
        os.write(descriptor, json.dumps(what).encode() + b"\n")


def _warn(text: str) -> None:
    sys.stderr.write(f"toque: {text}\n")
    sys.stderr.flush()
