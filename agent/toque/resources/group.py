"""group: a group of users, with its number and its members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.accounts import check_name

if TYPE_CHECKING:
    from toque.core.planned import Planned

_NO_SUCH_KEY = 2


@dataclass(frozen=True)
class GroupState:
    gid: int | None = None
    members: tuple[str, ...] | None = None
    excluded: tuple[str, ...] | None = None
    """Those of whom the recipe says that they shall not be in it, and who are."""


@resource("group")
@dataclass(frozen=True)
class Group(Resource[GroupState]):
    """Keep a group, its number and its members; what is not named is left alone.

    name      the group's name
    gid       its number; a new group without it gets the next free one
    members   users who shall be in it (they must exist); users whose first group it is need not be named
    append    False: `members` are all members, others are taken out
    excluded_members  users who shall not be in it, whoever else is
    system    a new group gets a number from the range for systems
    present   False removes it

        group("deploy", gid=4000)
        group("admins", members=["alice", "bob"], append=False)
        group("deploy", members=["alice"], excluded_members=["bob"])
    """

    name: str
    _: KW_ONLY
    gid: int | None = None
    members: Sequence[str] | None = None
    append: bool = True
    excluded_members: Sequence[str] | None = None
    system: bool = False
    present: bool = True

    def __post_init__(self) -> None:
        check_name("group", self.name)
        for member in self.members or ():
            check_name("group member", member)
        for member in self.excluded_members or ():
            check_name("group excluded member", member)
        both = sorted(set(self.members or ()) & set(self.excluded_members or ()))
        if both:
            raise BadProperty(f"group members and excluded_members both name {', '.join(both)}")

    def desired(self) -> GroupState | None:
        if not self.present:
            return None
        members = None if self.members is None else tuple(sorted(set(self.members)))
        return GroupState(self.gid, members, None if self.excluded_members is None else ())

    def current(self, host: Host) -> GroupState | None:
        found = host.run(["getent", "group", "--", self.name], ok={0, _NO_SUCH_KEY})
        if found.code == _NO_SUCH_KEY:
            return None
        _, _, gid, members = found.out.rstrip("\n").split(":", 3)
        inside = {name for name in members.split(",") if name}
        excluded = tuple(sorted(inside & set(self.excluded_members or ())))
        if self.append and self.members is not None:
            inside &= set(self.members)
        return GroupState(int(gid), tuple(sorted(inside)), excluded)

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
        elif "excluded" in change:
            self._take_out(host, change.was.excluded if change.was is not None else None)

    def foretell(self, plan: Planned, change: Change[GroupState]) -> None:
        plan.account("group", self.name, self.gid, present=self.present)

    def _set_members(self, host: Host, was: GroupState | None) -> None:
        inside = set(was.members or ()) if was is not None else set()
        wanted = set(self.members or ())
        for name in sorted(wanted - inside):
            host.run(["gpasswd", "--add", name, self.name])
        excluded = (was.excluded or ()) if was is not None else ()
        self._take_out(host, sorted((inside - wanted) | set(excluded)))

    def _take_out(self, host: Host, names: Sequence[str] | None) -> None:
        for name in names or ():
            host.run(["gpasswd", "--delete", name, self.name])


group = recipe_word(Group)
