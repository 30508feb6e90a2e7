"""file: a file with its content, owner and mode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from toque.core import BadProperty, Change, Host, Resource, action, recipe_word, resource
from toque.core.files import (
    absolute,
    back_up,
    cookbook_file,
    followed,
    four_digits,
    group_id,
    group_of,
    mode_bits,
    owner_of,
    user_id,
)
from toque.core.secret import Secret
from toque.core.verification import check_verify, verified

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

    path       absolute
    content    text, bytes or a Secret; without it (and without source) a file that is not there is made empty
    source     instead of content: the name of a file in the cookbook's `files/` folder (beside the recipe when there is
               no cookbook)
    owner      a user's name (or the number as text)
    group      a group's name (or the number as text)
    mode       four octal digits as text, e.g. "0644"; a new file without it gets 0644 (0600 when content is a Secret)
    present    False removes it
    replace    False writes content only when the file does not exist
    backup     how many former contents to keep beside it, as `path.toque-1` (the newest) and so on
    verify     "json", "yaml", "toml", "ini", "python", "systemd_unit" (by systemd-analyze) or "sudoers" (by visudo); a
               program, as a list in which `{path}` stands for the new content; or a function that gets its path. The
               file is put in place only if that succeeds
    encoding   of content that is text, such as "latin-1"; UTF-8 without it
    newline    "\\n" or "\\r\\n": how the lines of content that is text end; as they are without it
    follow     True keeps the file that a link at this path points to; without it the link is replaced by the file
    show_diff  False keeps the content out of logs and reports: they only say that it changed

        file("/etc/motd", content="Kept by Toque\\n", mode="0644")
        file("/etc/shop.json", content='{"port": 8080}', verify="json", owner="deploy", mode="0640")
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
    verify: str | Sequence[str] | Callable[[str], bool] | None = None
    encoding: str = "utf-8"
    newline: Literal["\n", "\r\n"] | None = None
    follow: bool = False
    show_diff: bool = True

    def __post_init__(self) -> None:
        absolute("file", self.path)
        mode_bits("file", self.mode)
        if self.content is not None and self.source is not None:
            raise BadProperty("file takes content or source, not both")
        if self.verify is not None:
            check_verify("file", self.verify)
        if self.encoding != "utf-8" or self.newline is not None:
            self._encoded(self.content if isinstance(self.content, str) else "")

    def desired(self) -> FileState | None:
        if not self.present:
            return None
        return FileState(self.wanted_content(), self.owner, self.group, four_digits(self.mode))

    def wanted_content(self) -> bytes | None:
        """What should be in the file; None when the recipe does not say."""
        if self.source is not None:
            return cookbook_file("files", self.source, self.source_line).read_bytes()
        return self._encoded(self.content) if isinstance(self.content, str) else self.content

    def _encoded(self, text: str) -> bytes:
        if self.newline is not None:
            text = text.replace("\r\n", "\n").replace("\n", self.newline)
        try:
            return text.encode(self.encoding)
        except LookupError:
            raise BadProperty(
                f'file encoding must be one that Python knows, such as "latin-1", got {self.encoding!r}'
            ) from None
        except UnicodeEncodeError as error:
            where = f"at character {error.start + 1}"
            raise BadProperty(
                f"file content cannot be written as {self.encoding}: it has another letter {where}"
            ) from None

    def current(self, host: Host) -> FileState | None:
        found = host.entry(followed(host, self.path) if self.follow and self.present else self.path)
        if found is None or found.kind != "file":
            return FileState() if found is not None and not self.present else None
        return FileState(
            content=host.read(self.path) if self.replace else self.wanted_content(),
            owner=owner_of(host, found, self.owner),
            group=group_of(host, found, self.group),
            mode=f"{found.mode:04o}",
        )

    def apply(self, host: Host, change: Change[FileState]) -> None:
        place = followed(host, self.path) if self.follow else self.path
        if change.want is None:
            host.remove(self.path)
        elif change.was is None or "content" in change:
            self._write(host, place, change.want.content, anew=change.was is None)
        else:
            if "owner" in change or "group" in change:
                host.chown(place, user_id(host, self.owner), group_id(host, self.group))
            if self.mode is not None:
                # Also when only the owner was wrong: a change of owner clears the set-id bits.
                host.chmod(place, int(self.mode, 8))

    @action
    def touch(self, host: Host) -> None:
        """Set its time to now, for programs that watch a file: `notify=[flag.touch]`."""
        host.run(["touch", "--", self.path])

    def foretell(self, plan: Planned, change: Change[FileState]) -> None:
        # Its `verify` would judge a file that is not there.
        super(File, replace(self, verify=None, backup=0)).foretell(plan, change)

    def _write(self, host: Host, place: str, content: bytes | None, *, anew: bool) -> None:
        if anew and content is None and host.entry(place) is not None:
            raise BadProperty(f"{place} is not a plain file: give content to replace it, or name what it points to")
        verified(host, self.verify, place, content or b"")
        back_up(host, place, self.backup)
        mode = mode_bits("file", self.mode)
        if anew and mode is None:
            mode = 0o600 if isinstance(self.content, Secret) else 0o644
        host.write(place, content or b"", mode=mode, uid=user_id(host, self.owner), gid=group_id(host, self.group))


file = recipe_word(File)
