"""Moving a tree of files into a folder that somebody else may be writing to: by handles, never through a link."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from toque.core.errors import ToqueError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class InTheWay(ToqueError):
    """Something stands where a file or folder shall be put, and is not of a kind to be replaced."""


def give(tree: Path, uid: int | None, gid: int | None) -> None:
    """Give everything in a tree to a user and a group; links themselves, not what they point to."""
    if uid is None and gid is None:
        return
    who = (-1 if uid is None else uid, -1 if gid is None else gid)
    for _, folders, files, handle in os.fwalk(tree, follow_symlinks=False):
        for name in (*folders, *files):
            os.chown(name, *who, dir_fd=handle, follow_symlinks=False)


def permit(tree: Path, mode: int) -> None:
    """Give folders and programs in a tree this mode, other files the same without the right to execute."""
    for _, folders, files, handle in os.fwalk(tree, follow_symlinks=False):
        for name in (*folders, *files):
            found = os.stat(name, dir_fd=handle, follow_symlinks=False)
            if not stat.S_ISLNK(found.st_mode):
                is_plain = stat.S_ISREG(found.st_mode) and not found.st_mode & 0o100
                os.chmod(name, mode & ~0o111 if is_plain else mode, dir_fd=handle)


def merge(tree: Path, into: Path, *, overwrite: bool = True) -> None:
    """Move what is in `tree` into the folder `into`, on the same file system.

    Files replace files and links, one by one, or leave those that are there alone; folders are joined.
    Raises InTheWay when a folder would have to replace a file, or a file a folder.
    """
    source = os.open(tree, _DIRECTORY)
    try:
        target = os.open(into, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _merge(source, target, str(into), overwrite)
        finally:
            os.close(target)
    finally:
        os.close(source)


def _merge(source: int, target: int, path: str, overwrite: bool) -> None:
    for name in sorted(os.listdir(source)):
        here = os.stat(name, dir_fd=source, follow_symlinks=False)
        there = _look(name, target)
        if not stat.S_ISDIR(here.st_mode):
            if there is not None and stat.S_ISDIR(there.st_mode):
                raise InTheWay(f"{path}/{name} is a folder, and the archive has a file of that name")
            if there is None or overwrite:
                os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
        elif there is None:
            os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
        elif not stat.S_ISDIR(there.st_mode):
            raise InTheWay(f"{path}/{name} is no folder, and the archive has a folder of that name")
        else:
            _join(name, source, target, path, overwrite)


def _join(name: str, source: int, target: int, path: str, overwrite: bool) -> None:
    inner = os.open(name, _DIRECTORY, dir_fd=source)
    try:
        outer = os.open(name, _DIRECTORY, dir_fd=target)
        try:
            _merge(inner, outer, f"{path}/{name}", overwrite)
        finally:
            os.close(outer)
    finally:
        os.close(inner)


def _look(name: str, folder: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
