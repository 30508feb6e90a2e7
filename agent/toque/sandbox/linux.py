"""The Linux calls a sandbox is made of that Python 3.11 does not have: mounts, namespaces, capabilities."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY = 1
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_REMOUNT = 32
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18

_MNT_DETACH = 2
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1
_PR_CAPBSET_DROP = 24

# One number on every architecture for what was added after the tables were unified; pivot_root is older.
_SYS_MOUNT_SETATTR = 442
_SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "s390x": 217, "ppc64le": 203, "armv7l": 218}

# What a container keeps by custom, and what looking at one's own processes, priorities and limits takes. Not kept: what
# reaches through to the host, which the sandbox shares a kernel with (devices, modules, clock, boot, mounts, network).
_KEPT = frozenset(
    {
        0,  # CHOWN
        1,  # DAC_OVERRIDE
        2,  # DAC_READ_SEARCH
        3,  # FOWNER
        4,  # FSETID
        5,  # KILL
        6,  # SETGID
        7,  # SETUID
        8,  # SETPCAP
        9,  # LINUX_IMMUTABLE
        10,  # NET_BIND_SERVICE
        14,  # IPC_LOCK
        15,  # IPC_OWNER
        18,  # SYS_CHROOT
        19,  # SYS_PTRACE
        23,  # SYS_NICE
        24,  # SYS_RESOURCE
        29,  # AUDIT_WRITE
        31,  # SETFCAP
    }
)
_NETWORK = frozenset({11, 12, 13})  # NET_BROADCAST, NET_ADMIN, NET_RAW: harmless in a network of one's own


class _Attributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns_fd")]


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare(flags: int) -> None:
    _check(_libc().unshare(flags), f"unshare({flags:#x})")


def join(descriptor: int) -> None:
    """Enter the namespace behind a descriptor."""
    _check(_libc().setns(descriptor, 0), "setns")


def mount(source: str, target: str | Path, kind: str = "", flags: int = 0, data: str = "") -> None:
    """mount(2). Raises OSError that names the target and the options."""
    result = _libc().mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() or None,
        ctypes.c_ulong(flags),
        os.fsencode(data) if data else None,
    )
    _check(result, f"mount {kind or 'bind'} {source} on {target} ({data})")


def bind(source: str | Path, target: str | Path, *, read_only: bool = False) -> None:
    """Show `source` and all that is mounted beneath it at `target` as well."""
    mount(str(source), target, flags=MS_BIND | MS_REC)
    if read_only:
        make_read_only(target)


def make_read_only(target: str | Path) -> None:
    """Make a mount and all mounts beneath it read-only (Linux 5.12)."""
    attributes = _Attributes(set=_MOUNT_ATTR_RDONLY)
    result = _libc().syscall(
        ctypes.c_long(_SYS_MOUNT_SETATTR),
        ctypes.c_int(_AT_FDCWD),
        ctypes.c_char_p(os.fsencode(target)),
        ctypes.c_uint(_AT_RECURSIVE),
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
    )
    _check(result, f"make {target} read-only")


def detach(target: str | Path) -> None:
    """Take a mount away, and all beneath it, even while something uses it."""
    _check(_libc().umount2(os.fsencode(target), _MNT_DETACH), f"unmount {target}")


def change_root(root: str | Path) -> None:
    """Make `root`, which must be a mount, the root of this mount namespace, and let go of the old one."""
    os.chdir(root)
    number = _SYS_PIVOT_ROOT[os.uname().machine]
    here = ctypes.c_char_p(b".")
    _check(_libc().syscall(ctypes.c_long(number), here, here), f"pivot_root to {root}")
    detach(".")
    os.chdir("/")


def drop_capabilities(*, own_network: bool) -> None:
    """Bound what root may do from the next exec on, for this process and all it will ever start."""
    kept = _KEPT | _NETWORK if own_network else _KEPT
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for number in range(last + 1):
        if number not in kept:
            _check(_libc().prctl(_PR_CAPBSET_DROP, number, 0, 0, 0), f"drop capability {number}")
