"""file: a file with its content, owner and mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.files import (
    absolute,
    back_up,
    cookbook_file,
    four_digits,
    group_id,
    group_of,
    mode_bits,
    owner_of,
    user_id,
    verified,
)
from toque.core.secret import Secret

if TYPE_CHECKING:
    from toque.core.planned import Planned


@dataclass(frozen=True)
class FileState:
    content: bytes | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


@resource("file")
@dataclass(frozen=True)
class File(Resource[FileState]):
    """Keep a file with this content, owner, group and mode; what is not named is left alone.

    path      absolute
    content   text (written as UTF-8), bytes or a Secret
    source    instead of content: the name of a file in the cookbook's `files/` folder (beside the recipe when there is
              no cookbook)
    owner     a user's name (or the number as text)
    group     a group's name (or the number as text)
    mode      four octal digits as text, e.g. "0644"; a new file without it gets 0644 (0600 when content is a Secret)
    present   False removes it
    replace   False writes content only when the file does not exist
    backup    how many former contents to keep beside it, as `path.toque-1` (the newest) and so on
    verify    a program, as a list in which `{path}` stands for the new content, or a function that gets its path; the
              file is put in place only if that succeeds

    A link at this path is replaced by the file, never followed.

        file("/etc/motd", content="Kept by Toque\\n", mode="0644")
        file("/etc/sudoers.d/deploy", content="deploy ALL=(ALL) NOPASSWD: /usr/bin/systemctl\\n",
             mode="0440", verify=["visudo", "-cf", "{path}"])
    """

    foreseeable: ClassVar[bool] = True

    path: str
    _: KW_ONLY
    content: str | bytes | None = None
    source: str | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    present: bool = True
    replace: bool = True
    backup: int = 0
    verify: Sequence[str] | Callable[[str], bool] | None = None

    def __post_init__(self) -> None:
        absolute("file", self.path)
        mode_bits("file", self.mode)
        if self.content is not None and self.source is not None:
            raise BadProperty("file takes content or source, not both")

    def desired(self) -> FileState | None:
        if not self.present:
            return None
        return FileState(self.wanted_content(), self.owner, self.group, four_digits(self.mode))

    def wanted_content(self) -> bytes | None:
        """What should be in the file; None when the recipe does not say."""
        if self.source is not None:
            return cookbook_file("files", self.source, self.source_line).read_bytes()
        return self.content.encode() if isinstance(self.content, str) else self.content

    def current(self, host: Host) -> FileState | None:
        found = host.entry(self.path)
        if found is None or found.kind != "file":
            return FileState() if found is not None and not self.present else None
        return FileState(
            content=host.read(self.path) if self.replace else self.wanted_content(),
            owner=owner_of(host, found, self.owner),
            group=group_of(host, found, self.group),
            mode=f"{found.mode:04o}",
        )

    def apply(self, host: Host, change: Change[FileState]) -> None:
        if change.want is None:
            host.remove(self.path)
        elif change.was is None or "content" in change:
            self._write(host, change.want.content, anew=change.was is None)
        else:
            if "owner" in change or "group" in change:
                host.chown(self.path, user_id(host, self.owner), group_id(host, self.group))
            if self.mode is not None:
                # Also when only the owner was wrong: a change of owner clears the set-id bits.
                host.chmod(self.path, int(self.mode, 8))

    def foretell(self, plan: Planned, change: Change[FileState]) -> None:
        # Its `verify` would judge a file that is not there.
        super(File, replace(self, verify=None, backup=0)).foretell(plan, change)

    def _write(self, host: Host, content: bytes | None, *, anew: bool) -> None:
        if anew and content is None and host.entry(self.path) is not None:
            raise BadProperty(f"{self.path} is not a plain file: give content to replace it, or name what it points to")
        verified(host, self.verify, self.path, content or b"")
        back_up(host, self.path, self.backup)
        mode = mode_bits("file", self.mode)
        if anew and mode is None:
            mode = 0o600 if isinstance(self.content, Secret) else 0o644
        host.write(self.path, content or b"", mode=mode, uid=user_id(host, self.owner), gid=group_id(host, self.group))


file = recipe_word(File)
