"""The disk of an ordinary user's sandbox: overlays of the host's top-level directories over a skeleton."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from toque.sandbox import linux
from toque.sandbox.disk import PRIVATE, disk_mounts, escaped, outermost
from toque.sandbox.skeleton import Part, parts, skeleton


def enter_user_namespace(told: Callable[[], None]) -> None:
    """Become root of a user namespace; `told` says that it is there, and returns when it has its ids."""
    linux.unshare(linux.CLONE_NEWUSER)
    told()
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def erase() -> None:
    """Delete the directory that is the last argument, as root of a user namespace. For a process of its own."""
    enter_user_namespace(ask_on_standard_output)
    shutil.rmtree(sys.argv[-1])


def ask_on_standard_output() -> None:
    """How a child without a status pipe asks for its ids (`subids.run_mapped` answers)."""
    sys.stdout.write("unshared\n")
    sys.stdout.flush()
    if sys.stdin.readline() != "mapped\n":
        raise OSError("no ids were given to the user namespace")


def mount_rootless_disk(
    root: Path, folder: Path, cache: Path, hidden: list[Path], warn: Callable[[str], None]
) -> dict[Path, Path]:
    """Mount the disk kept in `folder` at `root`, over a skeleton kept in `cache`.

    Answers where what differs is kept: the host's directory → what lies over it.
    """
    covered = outermost([*map(Path, PRIVATE), *hidden])
    remembered = folder / "skeleton"
    if not remembered.is_symlink() or not remembered.exists():
        # A disk stays with the skeleton it began with: its changes were made over that one.
        remembered.unlink(missing_ok=True)
        remembered.symlink_to(skeleton(cache, covered))
    base = folder / "base"
    base.mkdir(exist_ok=True)
    base.chmod(0o755)
    linux.mount(str(base), root, flags=linux.MS_BIND)
    _copy_links(Path("/"), root)
    for name in ("mnt", "media"):
        (root / name).mkdir(exist_ok=True)
    uppers: dict[Path, Path] = {}
    for part in parts(disk_mounts(all_kinds=True), covered):
        place = root / part.path.relative_to("/")
        place.mkdir(exist_ok=True)
        try:
            uppers[part.path] = _mount_part(part, place, folder, remembered.resolve())
        except OSError as error:
            if part.path in (Path("/usr"), Path("/etc"), Path("/var")):
                raise
            warn(f"{part.path} of the host is left out of the clone: {error}")
    return uppers


def _copy_links(host: Path, place: Path) -> None:
    """Links of a host's directory that no overlay shows: `/bin` to `/usr/bin`, `/var/run` to `/run`."""
    for path in host.iterdir():
        copy = place / path.name
        if path.is_symlink() and not os.path.lexists(copy):
            copy.symlink_to(path.readlink())


def _mount_part(part: Part, place: Path, folder: Path, tree: Path) -> Path:
    name = str(part.path).strip("/").replace("/", "-")
    if part.plain:
        plain = folder / "plain" / name
        plain.mkdir(parents=True, exist_ok=True)
        plain.chmod(part.path.stat().st_mode & 0o7777)
        linux.mount(str(plain), place, flags=linux.MS_BIND)
        if part.split:
            _copy_links(part.path, place)
        return plain
    upper, work = folder / "parts" / name / "upper", folder / "parts" / name / "work"
    for path in (upper, work):
        path.mkdir(parents=True, exist_ok=True)
    upper.chmod(part.path.stat().st_mode & 0o7777)
    lowers = f"{escaped(tree / part.path.relative_to('/'))}:{escaped(part.path)}"
    os.chdir(upper.parent)
    linux.mount("overlay", place, "overlay", data=f"lowerdir={lowers},upperdir=upper,workdir=work,userxattr")
    return upper
