"""The account programs of the fake machine: getent, id, useradd and their kin, with what they remember."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from getopt import gnu_getopt

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost


@dataclass
class Account:
    gid: int = 100
    comment: str = ""
    home: str = ""
    shell: str = "/bin/sh"
    password: str = "!"
    expires: str = ""
    """The day on which it expires, as a number of days since 1970; empty: never."""


@dataclass
class Accounts:
    """Details of the users in `FakeHost.users` and the groups in `FakeHost.groups`; `logged_in` run something."""

    users: dict[str, Account] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)
    logged_in: set[str] = field(default_factory=set)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["getent", "passwd", "--", name]:
                if name not in host.users:
                    return Ran(code=2)
                it = self._account(name)
                return Ran(out=f"{name}:x:{host.users[name]}:{it.gid}:{it.comment}:{it.home}:{it.shell}\n")
            case ["getent", "shadow", "--", name]:
                it = self._account(name)
                return Ran(out=f"{name}:{it.password}:1:0:9:7::{it.expires}:\n")
            case ["getent", "group", "--", name]:
                if name not in host.groups:
                    return Ran(code=2)
                return Ran(out=f"{name}:x:{host.groups[name]}:{','.join(sorted(self._members(name)))}\n")
            case ["id", "--groups", "--name", "--", name]:
                inside = [group for group in host.groups if name in self._members(group)]
                return Ran(out=" ".join([host.group_name(self._account(name).gid), *inside]) + "\n")
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["useradd", *options, "--", name]:
                if name in host.users:
                    return Ran(9, err=f"useradd: user '{name}' already exists")
                host.users[name] = max([999, *host.users.values()]) + 1
                self.users[name] = Account(home=f"/home/{name}")
                self._modify(name, options, host, new=True)
            case ["usermod", ("--lock" | "--unlock") as verb, "--", name]:
                bare = self._account(name).password.removeprefix("!")
                if verb == "--unlock" and not bare:
                    return Ran(err="usermod: unlocking the user's password would result in a passwordless account.")
                self._account(name).password = f"!{bare}" if verb == "--lock" else bare
            case [_, "-I", "-c", _, uid]:
                self.logged_in.discard(host.user_name(int(uid)))
            case ["userdel", *_, "--", name] if name in self.logged_in:
                return Ran(8, err=f"userdel: user {name} is currently used by process 4711")
            case ["usermod", *options, "--", name]:
                self._modify(name, options, host, new=False)
            case ["userdel", *_, "--", name]:
                del host.users[name]
                for members in self.members.values():
                    members.discard(name)
            case ["chpasswd", "--encrypted"]:
                name, _, password = (host.inputs[-1] or "").rstrip("\n").partition(":")
                self._account(name).password = password
            case ["groupadd" | "groupmod", *options, "--", name]:
                found = dict(gnu_getopt(options, "", ["gid=", "system"])[0])
                number = found.get("--gid", max([999, *host.groups.values()]) + 1)
                host.groups[name] = int(number)
            case ["gpasswd", "--add", user, group]:
                if user not in host.users:
                    return Ran(3, err=f"gpasswd: user '{user}' does not exist")
                self._members(group).add(user)
            case ["gpasswd", "--delete", user, group]:
                self._members(group).discard(user)
            case _:
                return None
        return Ran()

    def _modify(self, name: str, options: list[str], host: FakeHost, *, new: bool) -> None:
        long = ["uid=", "gid=", "groups=", "append", "shell=", "comment=", "system", "create-home", "no-create-home"]
        long += ["move-home", "expiredate="]
        found = dict(gnu_getopt(options, "d:", long)[0])
        it = self._account(name)
        if "--uid" in found:
            host.users[name] = int(found["--uid"])
        if "--gid" in found:
            gid = host.gid_of(found["--gid"])
            assert gid is not None, f"there is no group {found['--gid']}"
            it.gid = gid
        elif new:
            assert name not in host.groups, "useradd refuses where the group exists and no other is named"
            it.gid = host.groups[name] = max([999, *host.groups.values()]) + 1
        it.home, it.shell = found.get("-d", it.home), found.get("--shell", it.shell)
        it.comment = found.get("--comment", it.comment)
        if "--expiredate" in found:
            day = found["--expiredate"]
            it.expires = str((date.fromisoformat(day) - date(1970, 1, 1)).days) if day else ""
        if "--groups" in found:
            self._set_groups(name, {group for group in found["--groups"].split(",") if group}, "--append" in found)

    def _set_groups(self, name: str, groups: set[str], append: bool) -> None:
        for group, members in self.members.items():
            if group not in groups and not append:
                members.discard(name)
        for group in groups:
            self._members(group).add(name)

    def _account(self, name: str) -> Account:
        return self.users.setdefault(name, Account())

    def _members(self, group: str) -> set[str]:
        return self.members.setdefault(group, set())
