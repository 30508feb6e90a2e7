"""Changing a part of a text file and leaving the rest as it is: what the words for that share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from typing import TYPE_CHECKING, cast

from toque.core.errors import BadProperty, ToqueError
from toque.core.files import absolute, back_up, followed
from toque.core.host import Host
from toque.core.masking import mask
from toque.core.resource import Change, Resource
from toque.core.secret import Secret, holds_secret
from toque.core.verification import check_verify, verified
from toque.protocol.masking import HIDDEN

if TYPE_CHECKING:
    from toque.core.planned import Planned


@dataclass(frozen=True)
class EditState:
    content: bytes
    kind: str = field(default="file", compare=False)
    """What stands at the path itself: `file`, `link`, `directory` or `other`."""


@dataclass(frozen=True)
class Edit(Resource[EditState]):
    """A file of which a part is ours. A class of it says in `edited` what its text becomes."""

    path: str
    _: KW_ONLY
    follow: bool = False
    backup: int = 0
    show_diff: bool = True
    verify: str | Sequence[str] | Callable[[str], bool] | None = None

    def __post_init__(self) -> None:
        absolute(self.word, self.path)
        check_verify(self.word, self.verify)

    def edited(self, text: str) -> str:
        """What the text of the file becomes. Of its own result it must change nothing."""
        raise NotImplementedError

    def check_may_create(self) -> None:
        raise ToqueError(f"there is no file {self.path}: make it first")

    def desired(self) -> EditState | None:
        return self.wanted(None)

    def wanted(self, was: EditState | None) -> EditState | None:
        if was is not None and was.kind != "file" and not (was.kind == "link" and self.follow):
            hint = ": name what it points to, or say follow=True" if was.kind == "link" else ""
            raise BadProperty(f"{self.path} is a {was.kind}, not a file{hint}")
        before = "" if was is None else was.content.decode("utf-8", "surrogateescape")
        after = self.edited(before)
        if was is None and after == "":
            return None
        if was is None:
            self.check_may_create()
        if self.edited(after) != after:
            raise BadProperty(
                f"{self.word} would change {self.path} again in each run: what it writes is changed by it once more"
            )
        return EditState(after.encode("utf-8", "surrogateescape"))

    def current(self, host: Host) -> EditState | None:
        found = host.entry(self.path)
        if found is None:
            return None
        readable = found.kind == "file" or (found.kind == "link" and self.follow)
        content = host.read(self.path) if readable else None
        return None if readable and content is None else EditState(content or b"", found.kind)

    def apply(self, host: Host, change: Change[EditState]) -> None:
        assert change.want is not None, "an edit never removes the file"
        place = followed(host, self.path) if self.follow else self.path
        verified(host, self.verify, place, change.want.content)
        back_up(host, place, self.backup)
        host.write(place, change.want.content, mode=self._mode_of_new() if change.was is None else None)

    def _mode_of_new(self) -> int:
        """As of `file`: what holds a secret is for its owner alone."""
        return 0o600 if any(holds_secret(getattr(self, each.name)) for each in fields(self)) else 0o644

    def foretell(self, plan: Planned, change: Change[EditState]) -> None:
        assert change.want is not None, "an edit never removes the file"
        plan.write(followed(cast(Host, plan), self.path) if self.follow else self.path, change.want.content)


@dataclass(frozen=True)
class Addition(Edit):
    """An edit that has something to put into a file, and makes the file where that is wanted."""

    create: bool = field(default=False, kw_only=True)

    def check_may_create(self) -> None:
        if not self.create:
            raise ToqueError(f"there is no file {self.path}: make it first, or say create=True")


def compiled(word: str, name: str, pattern: str | None, flags: int = 0) -> re.Pattern[str] | None:
    """A regular expression of a recipe; raises BadProperty that names the property."""
    if pattern is None:
        return None
    try:
        return re.compile(pattern, flags)
    except re.error as error:
        raise BadProperty(f"{word} {name} is no regular expression: {error} in {pattern!r}") from None


def one_line(word: str, name: str, text: str) -> None:
    """Refuse text that would be more than a line of a file."""
    if any(sign in text for sign in "\n\r\0"):
        raise BadProperty(f"{word} {name} must be one line of text, got {hidden(text)!r}")


def hidden(text: str) -> str:
    """A text that names a resource, and may be a secret."""
    return HIDDEN if isinstance(text, Secret) else mask(text)


@dataclass
class Lines:
    """The lines of a text without their ends; what is added ends as the first of them does."""

    lines: list[str]
    end: str = "\n"
    last_ends: bool = True

    @classmethod
    def of(cls, text: str) -> Lines:
        end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
        lines = text.split(end)
        last_ends = lines[-1] == ""
        return cls(lines[:-1] if last_ends else lines, end, last_ends)

    def place(self, after: re.Pattern[str] | None, before: re.Pattern[str] | None) -> int:
        """Where to insert: after the last that `after` finds, before the first that `before` finds, or at the end."""
        if after is not None:
            found = [number for number, line in enumerate(self.lines) if after.search(line)]
            return found[-1] + 1 if found else len(self.lines)
        if before is not None:
            return next((n for n, line in enumerate(self.lines) if before.search(line)), len(self.lines))
        return len(self.lines)

    def insert(self, at: int, added: Sequence[str]) -> None:
        if at == len(self.lines):
            self.last_ends = True
        self.lines[at:at] = added

    def __str__(self) -> str:
        return self.end.join(self.lines) + (self.end if self.last_ends and self.lines else "")
