"""link: a symbolic or a hard link."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.files import absolute, group_id, group_of, owner_of, user_id


@dataclass(frozen=True)
class LinkState:
    to: str | None = None
    owner: str | None = None
    group: str | None = None


@resource("link")
@dataclass(frozen=True)
class Link(Resource[LinkState]):
    """Keep a link that points to `to`; it is moved to a new target in one step, so nobody sees it missing.

    path      absolute
    to        what it points to; for a symbolic link any text, also relative and to what does not exist yet
    symbolic  False makes a hard link to an existing file
    owner, group   of the link itself, by name (or the number as text); of a hard link say them of the file
    replace   True replaces a file (or an empty folder) that stands in the way; without it that is an error
    present   False removes the link, and only a link

        link("/srv/shop/current", to="/srv/shop/releases/20300101")
    """

    foreseeable: ClassVar[bool] = True

    path: str
    _: KW_ONLY
    to: str = ""
    symbolic: bool = True
    replace: bool = False
    present: bool = True
    owner: str | None = None
    group: str | None = None

    def __post_init__(self) -> None:
        absolute("link", self.path)
        if self.present and not self.to:
            raise BadProperty("link needs to=, the place it points to")
        if not self.symbolic:
            absolute("link to", self.to)
            if self.owner is not None or self.group is not None:
                raise BadProperty("link owner and group are those of a symbolic link: a hard link is the file itself")

    def desired(self) -> LinkState | None:
        return LinkState(self.to, self.owner, self.group) if self.present else None

    def current(self, host: Host) -> LinkState | None:
        if self.symbolic or not self.present:
            target = host.link_target(self.path)
            found = None if target is None else host.entry(self.path)
            if found is None:
                return None
            return LinkState(target, owner_of(host, found, self.owner), group_of(host, found, self.group))
        return _hard_link(host, self.path, self.to)

    def apply(self, host: Host, change: Change[LinkState]) -> None:
        if change.want is None:
            host.remove(self.path)
            return
        uid, gid = user_id(host, self.owner), group_id(host, self.group)
        if "to" in change:
            self._make(host)
        if uid is not None or gid is not None:
            host.chown(self.path, uid, gid)

    def _make(self, host: Host) -> None:
        standing = host.entry(self.path)
        if standing is not None and standing.kind != "link":
            if not self.replace:
                raise BadProperty(f"a {standing.kind} stands at {self.path}: remove it first, or say replace=True")
            host.remove(self.path)
        host.make_link(self.path, self.to, symbolic=self.symbolic)


def _hard_link(host: Host, path: str, to: str) -> LinkState | None:
    """The state of a hard link: its target when both names are one file, no target when they are two."""
    here, there = host.entry(path), host.entry(to)
    if here is None or there is None or here.kind != "file":
        return None
    return LinkState(to) if here.file_id == there.file_id else LinkState("")


link = recipe_word(Link)
