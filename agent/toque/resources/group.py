"""group: a group of users, with its number and its members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from toque.core import Change, Host, Resource, recipe_word, resource
from toque.core.accounts import check_name

if TYPE_CHECKING:
    from toque.core.planned import Planned

_NO_SUCH_KEY = 2


@dataclass(frozen=True)
class GroupState:
    gid: int | None = None
    members: tuple[str, ...] | None = None


@resource("group")
@dataclass(frozen=True)
class Group(Resource[GroupState]):
    """Keep a group, its number and its members; what is not named is left alone.

    name      the group's name
    gid       its number; a new group without it gets the next free one
    members   users who shall be in it (they must exist); users whose first group it is need not be named
    append    False: `members` are all members, others are taken out
    system    a new group gets a number from the range for systems
    present   False removes it

        group("deploy", gid=4000)
        group("admins", members=["alice", "bob"], append=False)
    """

    name: str
    _: KW_ONLY
    gid: int | None = None
    members: Sequence[str] | None = None
    append: bool = True
    system: bool = False
    present: bool = True

    def __post_init__(self) -> None:
        check_name("group", self.name)
        for member in self.members or ():
            check_name("group member", member)

    def desired(self) -> GroupState | None:
        if not self.present:
            return None
        return GroupState(self.gid, None if self.members is None else tuple(sorted(set(self.members))))

    def current(self, host: Host) -> GroupState | None:
        found = host.run(["getent", "group", "--", self.name], ok={0, _NO_SUCH_KEY})
        if found.code == _NO_SUCH_KEY:
            return None
        _, _, gid, members = found.out.rstrip("\n").split(":", 3)
        inside = {name for name in members.split(",") if name}
        if self.append and self.members is not None:
            inside &= set(self.members)
        return GroupState(int(gid), tuple(sorted(inside)))

    def apply(self, host: Host, change: Change[GroupState]) -> None:
        number = ["--gid", str(self.gid)] if "gid" in change else []
        if change.want is None:
            host.run(["groupdel", "--", self.name])
            return
        if change.was is None:
            host.run(["groupadd", *number, *(["--system"] if self.system else []), "--", self.name])
        elif number:
            host.run(["groupmod", *number, "--", self.name])
        if "members" in change:
            self._set_members(host, change.was)

    def foretell(self, plan: Planned, change: Change[GroupState]) -> None:
        plan.account("group", self.name, self.gid, present=self.present)

    def _set_members(self, host: Host, was: GroupState | None) -> None:
        inside = set(was.members or ()) if was is not None else set()
        wanted = set(self.members or ())
        for name in sorted(wanted - inside):
            host.run(["gpasswd", "--add", name, self.name])
        for name in sorted(inside - wanted):
            host.run(["gpasswd", "--delete", name, self.name])


group = recipe_word(Group)
