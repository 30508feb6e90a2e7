"""block: some lines of a text file, between two marks."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

from toque.core import BadProperty, ToqueError, recipe_word, resource
from toque.core.edits import Addition, Lines, compiled, one_line

_CLOSING = {"<!--": " -->", "/*": " */", "(*": " *)"}


@resource("block")
@dataclass(frozen=True)
class Block(Addition):
    """Keep some lines in a file that somebody else may write to, between two marks that say whose they are.

    path       absolute
    content    the lines; a last line end may be left out
    marker     what the marks say after BEGIN and END: one block of a file, one marker
    comment    how a comment begins in this file, "#" or such as ";", "//", "--"; "<!--" and "/*" are closed as well
    position   "end" or "start" of the file, for a block that is not there yet; one that is there stays where it stands
    after      instead of position, a regular expression: after the last line that it finds
    before     instead of position, a regular expression: before the first line that it finds
    present    False removes the block with its marks
    create     True makes the file when there is none (0644; 0600 for a Secret); without it a missing file is an error
    follow     True edits what a link at this path points to; without it a link is an error
    backup, verify, show_diff   as of `file`

    A mark that begins and does not end, or stands there twice, is an error with its line: what to keep is yours to say.

        block("/etc/hosts", "10.0.0.5 db\\n10.0.0.6 cache\\n", marker="shop", create=True)
        # BEGIN shop
        # 10.0.0.5 db
        # 10.0.0.6 cache
        # END shop
    """

    content: str = ""
    _: KW_ONLY
    marker: str = "managed by Toque"
    comment: str = "#"
    position: Literal["end", "start"] = "end"
    after: str | None = None
    before: str | None = None
    present: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("marker", "comment"):
            value = getattr(self, name)
            one_line("block", name, value)
            if not value.strip() or value != value.strip():
                raise BadProperty(f"block {name} must have no space around it and not be empty, got {value!r}")
        if self.after is not None and self.before is not None:
            raise BadProperty("block takes after or before, not both")
        for name in ("after", "before"):
            compiled("block", name, getattr(self, name))
        if any(mark in self._lines for mark in self._marks):
            raise BadProperty(
                f"block content must not have the marks in it ({self._marks[0]!r}): choose another marker"
            )

    def edited(self, text: str) -> str:
        lines = Lines.of(text)
        span = self._span(lines.lines)
        ours = [self._marks[0], *self._lines, self._marks[1]]
        if span is not None:
            lines.lines[span[0] : span[1] + 1] = ours if self.present else []
        elif self.present:
            after, before = compiled("block", "after", self.after), compiled("block", "before", self.before)
            at_start = self.position == "start" and after is None and before is None
            lines.insert(0 if at_start else lines.place(after, before), ours)
        return str(lines)

    def identity(self) -> str:
        return f"{self.path}: {self.marker}"

    def _span(self, lines: list[str]) -> tuple[int, int] | None:
        """The numbers of the first and the last line of the block."""
        begins, ends = ([n for n, line in enumerate(lines) if line.strip() == mark] for mark in self._marks)
        if not begins and not ends:
            return None
        if len(begins) != 1 or len(ends) != 1 or begins[0] > ends[0]:
            places = ", ".join(str(number + 1) for number in sorted(begins + ends))
            raise ToqueError(
                f"the marks of block {self.marker!r} in {self.path} do not make one block: {self._marks[0]!r} stands"
                f" there {len(begins)} times, {self._marks[1]!r} {len(ends)} times (lines {places}); mend it by hand"
            )
        return begins[0], ends[0]

    @property
    def _marks(self) -> tuple[str, str]:
        closing = _CLOSING.get(self.comment, "")
        return f"{self.comment} BEGIN {self.marker}{closing}", f"{self.comment} END {self.marker}{closing}"

    @property
    def _lines(self) -> list[str]:
        return self.content.replace("\r\n", "\n").removesuffix("\n").split("\n") if self.content else []


block = recipe_word(Block)
