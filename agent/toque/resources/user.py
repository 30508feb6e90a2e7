"""user: an account on the machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from toque.core import BadProperty, Change, Host, Resource, Secret, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import absolute
from toque.core.sessions import end_processes

if TYPE_CHECKING:
    from toque.core.planned import Planned

_NO_SUCH_KEY = 2
_EPOCH = date(1970, 1, 1)
_HASH = re.compile(r"[!*]*|!?\$[0-9a-z]+\$[A-Za-z0-9./$=,-]+")


@dataclass(frozen=True)
class UserState:
    uid: int | None = None
    group: str | None = None
    groups: tuple[str, ...] | None = None
    home: str | None = None
    shell: str | None = None
    comment: str | None = None
    password: Secret | None = None
    locked: bool | None = None
    expires: str | None = None


@resource("user")
@dataclass(frozen=True)
class User(Resource[UserState]):
    """Keep an account with its number, groups, home and shell; what is not named is left alone.

    name         the user's name
    uid          the number; a new user without it gets the next free one
    group        the user's first group, by name or number as text; it must exist. A new user without it gets a group
                 of the same name
    groups       more groups, which must exist
    append       False: the user is in `groups` and in no others
    home         the home folder's path, absolute
    move_home    when `home` changes, move what is in the old folder there
    shell        the login shell's path
    comment      the full name, for people
    password     a hash (from `openssl passwd -6`), best as a Secret; "!" or "*" means none works
    locked       True: the password works no more, but is kept for the day it is unlocked (False). Keys still let the
                 user in: what closes every door is `expires`
    expires      the day from which on the user may not log in, as "2030-12-31" (a day that is over closes it at once),
                 or "never"
    create_home  make the home folder with a new user (a system user gets none unless this is True)
    system       a new user gets a number from the range for systems
    present      False removes the account
    remove_home  with present=False: also the home folder and the mail
    end_sessions  with present=False: first end everything that runs as the user (asked to, and killed after ten
                 seconds). Without it the account of somebody who is logged in is not removed, which is an error

        group("www-data")
        user("deploy", uid=4000, group="www-data", home="/home/deploy", shell="/bin/bash")
        user("trainee", expires="2030-12-31")
        user("mallory", present=False, end_sessions=True, remove_home=True)
    """

    name: str
    _: KW_ONLY
    uid: int | None = None
    group: str | None = None
    groups: Sequence[str] | None = None
    append: bool = True
    home: str | None = None
    move_home: bool = False
    shell: str | None = None
    comment: str | None = None
    password: str | None = None
    locked: bool | None = None
    expires: str | None = None
    create_home: bool | None = None
    system: bool = False
    present: bool = True
    remove_home: bool = False
    end_sessions: bool = False

    def __post_init__(self) -> None:
        check_name("user", self.name)
        for name in self.groups or ():
            check_name("user groups:", name)
        for name, value in (("home", self.home), ("shell", self.shell), ("comment", self.comment)):
            if value is not None and re.search("[:\x00-\x1f]", value):
                raise BadProperty(f"user {name} must have no colon and no control character, got {value!r}")
        if self.home is not None:
            absolute("user home:", self.home)
        if self.password is not None and not _HASH.fullmatch(self.password):
            raise BadProperty("user password must be a hash made by `openssl passwd -6`, not the password itself")
        if self.locked is not None and self.password is not None and self.password[:1] in ("!", "*"):
            raise BadProperty('user takes a password that never works ("!", "*") or locked, not both')
        if self.expires not in (None, "never") and _day(self.expires) is None:
            raise BadProperty(f'user expires must be a day as "2030-12-31", or "never", got {self.expires!r}')
        for name, wanted in (("remove_home", self.remove_home), ("end_sessions", self.end_sessions)):
            if wanted and self.present:
                raise BadProperty(f"user {name} goes with present=False")

    def desired(self) -> UserState | None:
        if not self.present:
            return None
        return UserState(
            self.uid,
            self.group,
            None if self.groups is None else tuple(sorted(set(self.groups))),
            self._home,
            self.shell,
            self.comment,
            None if self.password is None else Secret(self.password),
            self.locked,
            self.expires,
        )

    def current(self, host: Host) -> UserState | None:
        found = host.run(["getent", "passwd", "--", self.name], ok={0, _NO_SUCH_KEY})
        if found.code == _NO_SUCH_KEY:
            return None
        _, _, uid, gid, comment, home, shell = found.out.rstrip("\n").split(":")
        return UserState(
            int(uid),
            self._group(host, int(gid)),
            self._groups(host, int(gid)),
            home,
            shell,
            comment,
            *self._shadow(host),
        )

    def apply(self, host: Host, change: Change[UserState]) -> None:
        if change.want is None:
            if self.end_sessions and change.was is not None and change.was.uid:
                end_processes(host, change.was.uid)
            host.run(["userdel", *(["--remove"] if self.remove_home else []), "--", self.name])
            return
        if change.was is None:
            self._add(host)
        elif options := [option for name in _OPTIONS if name in change for option in self._option(name)]:
            host.run(["usermod", *options, "--", self.name])
        if "password" in change and self.password is not None:
            # By standard input: a command line can be read by every user of the machine.
            host.run(["chpasswd", "--encrypted"], input=f"{self.name}:{self.password}\n")
        if self.locked is not None and ("locked" in change or "password" in change):
            host.run(["usermod", "--lock" if self.locked else "--unlock", "--", self.name])

    def foretell(self, plan: Planned, change: Change[UserState]) -> None:
        plan.account("user", self.name, self.uid, present=self.present, home=self._home)
        if change.was is None:
            if self.group is None:
                plan.account("group", self.name)
            if self.create_home or (self.create_home is None and not self.system):
                plan.new_folder(self._home or f"/home/{self.name}")

    def _add(self, host: Host) -> None:
        given = [name for name in _OPTIONS if name != "groups" and getattr(self, name) is not None]
        options = [option for name in given for option in self._option(name, new=True)]
        if self.groups:
            options += ["--groups", ",".join(sorted(set(self.groups)))]
        if self.group is None and host.gid_of(self.name) is not None:
            options += ["--gid", self.name]  # else useradd refuses, because the group it would make is there already
        if self.create_home is not None or not self.system:
            options.append("--no-create-home" if self.create_home is False else "--create-home")
        host.run(["useradd", *(["--system"] if self.system else []), *options, "--", self.name])

    def _option(self, name: str, *, new: bool = False) -> list[str]:
        if name == "groups":
            return [*(["--append"] if self.append else []), "--groups", ",".join(sorted(set(self.groups or ())))]
        if name == "expires":
            return ["--expiredate", "" if self.expires == "never" else str(self.expires)]
        moved = ["--move-home"] if name == "home" and self.move_home and not new else []
        return [_OPTIONS[name], str(self._home if name == "home" else getattr(self, name)), *moved]

    @property
    def _home(self) -> str | None:
        """Without a slash at its end, which usermod leaves out and useradd does not."""
        return None if self.home is None else self.home.rstrip("/") or "/"

    def _group(self, host: Host, gid: int) -> str:
        return str(gid) if self.group is not None and self.group.isdecimal() else host.group_name(gid)

    def _groups(self, host: Host, gid: int) -> tuple[str, ...] | None:
        if self.groups is None:
            return None
        inside = set(host.run(["id", "--groups", "--name", "--", self.name]).out.split())
        # The first group is not one of the others, unless it is asked for.
        inside -= {host.group_name(gid)} - set(self.groups)
        return tuple(sorted(inside & set(self.groups) if self.append else inside))

    def _shadow(self, host: Host) -> tuple[Secret | None, bool | None, str | None]:
        """The hash, whether it is locked, and the day of expiry; each only when the recipe asks."""
        if self.password is None and self.locked is None and self.expires is None:
            return None, None, None
        found = host.run(["getent", "shadow", "--", self.name], ok={0, _NO_SUCH_KEY})
        if found.code == _NO_SUCH_KEY:
            return None, None, None
        fields = found.out.rstrip("\n").split(":")
        hash, days = fields[1], fields[7]
        password = Secret(hash.removeprefix("!") if self.locked is not None else hash)
        expires = (_EPOCH + timedelta(days=int(days))).isoformat() if days else "never"
        return password if self.password is not None else None, hash.startswith("!"), expires


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "") if text and re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    except ValueError:
        return None


_OPTIONS = {
    "uid": "--uid",
    "group": "--gid",
    "groups": "--groups",
    "home": "-d",  # the long form differs between useradd and usermod
    "shell": "--shell",
    "comment": "--comment",
    "expires": "--expiredate",
}

user = recipe_word(User)
