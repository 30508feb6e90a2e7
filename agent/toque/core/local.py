"""The machine this process runs on.

Files are handled in process: a look is one `lstat` and one read. A file is written beside its place and renamed over
it, so that readers see the old or the new one and a crash of the process never leaves half of one. For power cuts, the
first 32 files of a run are brought to disk one by one (`fdatasync` before the rename). That costs 0.25 ms each, as
much as all the rest; so a run that writes more does it once for all of them, when its recipes are done and before it
tells anybody how it ended: `settle()`, one `syncfs` per file system. Until then a power cut may lose those files, of a
run that nobody was told had succeeded; the next run makes them again.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Mapping, Sequence

from toque.core.host import SCRIPT, CommandFailed, Entry, Kind, Ran, WebAnswer, WebRequest
from toque.core.programs import TIMED_OUT, Listener, in_memory, spool, text_of, wait

_KINDS: dict[int, Kind] = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT = ("TERM", "TZ", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "PATH", "HOME")
SYNCED_ONE_BY_ONE = 32
DEFAULT_TIMEOUT = 3600.0
"""Seconds until a program that does not end is killed, where a resource says nothing else."""


class LocalHost:
    """The real machine."""

    def __init__(self) -> None:
        self._unsettled: set[str] = set()
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._uids: dict[str, int | None] = {}
        self._gids: dict[str, int | None] = {}
        self._user_names: dict[int, str] = {}
        self._group_names: dict[int, str] = {}
        self._serial = 0

    # Programs

    def run(
        self,
        argv: Sequence[str],
        *,
        ok: Collection[int] = (0,),
        input: str | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        user: str | None = None,
        group: str | None = None,
        umask: int | None = None,
        timeout: float | None = None,
        script: str | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> Ran:
        import subprocess

        who = self._identity(user, group)
        said = [spool(), spool()]
        given = spool(input.encode()) if input is not None else subprocess.DEVNULL
        text = () if script is None else (in_memory(str.__str__(script).encode()),)
        try:
            process = subprocess.Popen(
                [f"/proc/self/fd/{text[0]}" if text and arg == SCRIPT else str.__str__(arg) for arg in argv],
                pass_fds=text,
                stdin=given,
                stdout=said[0],
                stderr=said[1],
                env=self._environment(user, env),
                cwd=cwd,
                start_new_session=True,
                umask=-1 if umask is None else umask,
                user=who[0],
                group=who[1],
                extra_groups=who[2],
            )
            listener = Listener(said, tell) if tell is not None else None
            code = wait(process, DEFAULT_TIMEOUT if timeout is None else timeout, listener)
            late = "\nkilled: out of time" if code is None else ""
            ran = Ran(TIMED_OUT if code is None else code, text_of(said[0]), text_of(said[1]) + late)
        except OSError as error:
            raise CommandFailed(argv, Ran(code=127, err=f"{error.strerror}: {error.filename}")) from error
        finally:
            for descriptor in [*said, *text, *([] if input is None else [given])]:
                os.close(descriptor)
            self._forget_accounts()
        if late or ran.code not in ok:
            raise CommandFailed(argv, ran)
        return ran

    def _identity(self, user: str | None, group: str | None) -> tuple[int | None, int | None, list[int] | None]:
        if user is None and group is None:
            return None, None, None
        import pwd

        gid = None
        if group is not None and (gid := self.gid_of(group)) is None:
            raise CommandFailed(["setgid", group], Ran(code=126, err=f"there is no group {group}"))
        if user is None:
            return None, gid, None
        uid = self.uid_of(user)
        if uid is None:
            raise CommandFailed(["setuid", user], Ran(code=126, err=f"there is no user {user}"))
        if uid == os.geteuid() and gid is None:
            return None, None, None
        entry = pwd.getpwuid(uid)
        gid = entry.pw_gid if gid is None else gid
        return uid, gid, os.getgrouplist(entry.pw_name, gid)

    def _environment(self, user: str | None, env: Mapping[str, str] | None) -> dict[str, str]:
        clean = {name: os.environ[name] for name in _KEPT if name in os.environ}
        clean.setdefault("PATH", _PATH)
        clean["LC_ALL"] = "C.UTF-8"
        if user is not None and (home := self.home_of(user)) is not None:
            clean.update(HOME=home, USER=user, LOGNAME=user)
        clean.update({name: str.__str__(value) for name, value in (env or {}).items()})
        return clean

    def which(self, program: str) -> str | None:
        import shutil

        return shutil.which(program, path=os.environ.get("PATH", _PATH) + ":" + _PATH)

    # The network

    def ask(self, request: WebRequest) -> WebAnswer:
        from toque.core.asking import ask

        return ask(request)

    def reaches(self, address: str, port: int, *, timeout: float) -> str | None:
        import socket

        try:
            socket.create_connection((address, port), timeout).close()
        except OSError as error:
            return error.strerror or str(error)
        return None

    # Looking

    def entry(self, path: str) -> Entry | None:
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        mode = found.st_mode
        kind = _KINDS.get(stat.S_IFMT(mode), "other")
        file_id = (found.st_dev, found.st_ino)
        return Entry(kind, mode & 0o7777, found.st_uid, found.st_gid, found.st_size, file_id, found.st_mtime)

    def read(self, path: str) -> bytes | None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                return None
            # What /proc calls empty must be read at once: asked for a second part, a switch of the kernel has no more.
            data = os.read(descriptor, found.st_size + 1 if found.st_size else 1 << 16)
            if len(data) <= found.st_size and len(data) == found.st_size:
                return data
            parts = [data]
            while part := os.read(descriptor, 1 << 20):
                parts.append(part)
            return b"".join(parts)
        finally:
            os.close(descriptor)

    def names_in(self, path: str) -> list[str]:
        try:
            return sorted(os.listdir(path))  # noqa: PTH208 (a hot path)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def link_target(self, path: str) -> str | None:
        try:
            return os.readlink(path)  # noqa: PTH115 (a Path would tidy the text)
        except OSError:
            return None

    # Changing

    def write(
        self, path: str, content: bytes, *, mode: int | None = None, uid: int | None = None, gid: int | None = None
    ) -> None:
        if mode is None or uid is None or gid is None:
            try:
                old = os.stat(path, follow_symlinks=False)  # noqa: PTH116 (a hot path)
            except FileNotFoundError:
                pass
            else:
                if stat.S_ISREG(old.st_mode):
                    mode = stat.S_IMODE(old.st_mode) if mode is None else mode
                    uid, gid = old.st_uid if uid is None else uid, old.st_gid if gid is None else gid
        mode = 0o644 if mode is None else mode
        folder, _, name = path.rpartition("/")
        self._serial += 1
        beside = f"{folder}/.{name[:200]}.toque-{os.getpid()}-{self._serial}"
        given = (uid is not None and uid != os.geteuid()) or (gid is not None and gid != os.getegid())
        # Made with its mode at once where that is possible: one system call less. Not before it has its owner.
        at_once = not given and mode & self._umask == 0 and mode <= 0o777
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(beside, flags, mode if at_once else 0o600)
        try:
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(descriptor, view) :]
                if given:
                    os.fchown(descriptor, -1 if uid is None else uid, -1 if gid is None else gid)
                if not at_once:
                    os.fchmod(descriptor, mode)
                if self._serial <= SYNCED_ONE_BY_ONE:
                    os.fdatasync(descriptor)
                else:
                    self._unsettled.add(folder or "/")
            finally:
                os.close(descriptor)
            self._put_in_place(beside, path)
        except OSError:
            os.unlink(beside)  # noqa: PTH108 (a hot path)
            raise

    def _put_in_place(self, beside: str, path: str) -> None:
        try:
            os.rename(beside, path)  # noqa: PTH104 (a hot path)
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
            # A mount point, as /etc/hosts is in many containers, can only be written in place.
            with open(beside, "rb") as new, open(path, "r+b") as standing:  # noqa: PTH123
                standing.write(new.read())
                standing.truncate()
            os.unlink(beside)  # noqa: PTH108

    def settle(self) -> None:
        """Bring to disk what was written without being synced on its own."""
        if not self._unsettled:
            return
        import ctypes

        seen: set[int] = set()
        libc = ctypes.CDLL(None, use_errno=True)
        for folder in self._unsettled:
            try:
                descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                continue
            try:
                device = os.fstat(descriptor).st_dev
                if device not in seen:
                    seen.add(device)
                    if libc.syncfs(descriptor) != 0:
                        code = ctypes.get_errno()
                        raise OSError(code, os.strerror(code), folder)
            finally:
                os.close(descriptor)
        self._unsettled.clear()

    def make_directory(self, path: str, *, mode: int | None = None, parents: bool = False) -> None:
        if parents:
            os.makedirs(os.path.dirname(path) or "/", mode=0o755, exist_ok=True)  # noqa: PTH103, PTH120
        os.mkdir(path)  # noqa: PTH102
        if mode is not None:
            os.chmod(path, mode)  # noqa: PTH101

    def make_link(self, path: str, to: str, *, symbolic: bool = True) -> None:
        self._serial += 1
        beside = f"{path.rpartition('/')[0]}/.toque-{os.getpid()}-{self._serial}"
        (os.symlink if symbolic else os.link)(to, beside)
        os.rename(beside, path)  # noqa: PTH104
        if not symbolic and os.path.lexists(beside):
            os.unlink(beside)  # noqa: PTH108 (rename does nothing between two names of one file)

    def remove(self, path: str, *, recursive: bool = False) -> None:
        found = self.entry(path)
        if found is None:
            return
        if found.kind != "directory":
            os.unlink(path)  # noqa: PTH108
        elif recursive:
            import shutil

            shutil.rmtree(path)
        else:
            os.rmdir(path)  # noqa: PTH106

    def rename(self, path: str, to: str) -> None:
        os.rename(path, to)  # noqa: PTH104

    def chmod(self, path: str, mode: int) -> None:
        os.chmod(path, mode)  # noqa: PTH101

    def chown(self, path: str, uid: int | None, gid: int | None) -> None:
        os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid, follow_symlinks=False)

    # Accounts

    def uid_of(self, user: str) -> int | None:
        if user not in self._uids:
            import pwd

            try:
                self._uids[user] = pwd.getpwnam(user).pw_uid
            except KeyError:
                self._uids[user] = int(user) if user.isdecimal() else None
        return self._uids[user]

    def gid_of(self, group: str) -> int | None:
        if group not in self._gids:
            import grp

            try:
                self._gids[group] = grp.getgrnam(group).gr_gid
            except KeyError:
                self._gids[group] = int(group) if group.isdecimal() else None
        return self._gids[group]

    def user_name(self, uid: int) -> str:
        if uid not in self._user_names:
            import pwd

            try:
                self._user_names[uid] = pwd.getpwuid(uid).pw_name
            except KeyError:
                self._user_names[uid] = str(uid)
        return self._user_names[uid]

    def group_name(self, gid: int) -> str:
        if gid not in self._group_names:
            import grp

            try:
                self._group_names[gid] = grp.getgrgid(gid).gr_name
            except KeyError:
                self._group_names[gid] = str(gid)
        return self._group_names[gid]

    def home_of(self, user: str) -> str | None:
        import pwd

        try:
            return pwd.getpwnam(user).pw_dir
        except KeyError:
            return None

    def _forget_accounts(self) -> None:
        """A program may have made or removed users: ask again."""
        for known in (self._uids, self._gids, self._user_names, self._group_names):
            known.clear()
