"""line: one line of a text file."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, recipe_word, resource
from toque.core.edits import Addition, Lines, compiled, hidden, one_line


@resource("line")
@dataclass(frozen=True)
class Line(Addition):
    """Keep one line in a file that somebody else may write to; the rest of the file is left as it is.

    path       absolute
    line       the whole line, without its end; compared exactly, spaces included
    match      a regular expression of lines that this one stands for: the first of them is replaced when the line is
               not there yet
    every      True replaces each line that `match` finds, not only the first
    after      a regular expression: a new line goes after the last line that it finds
    before     a regular expression: a new line goes before the first line that it finds; without either, or where
               nothing is found, at the end
    present    False removes each line that is `line`, or that `match` finds (then `line` need not be given)
    create     True makes the file when there is none (0644; 0600 for a Secret); without it a missing file is an error
    follow     True edits what a link at this path points to; without it a link is an error
    backup, verify, show_diff   as of `file`

    Owner, group and mode of the file are kept, and so are its line ends, `\\r\\n` as well.

        line("/etc/ssh/sshd_config", "PermitRootLogin no", match=r"^#?\\s*PermitRootLogin\\s", create=True)
        line("/etc/environment", "LANG=C.UTF-8", match="^LANG=", create=True)
        line("/etc/hosts", match=r"\\sold-db$", present=False)
    """

    line: str | None = None
    _: KW_ONLY
    match: str | None = None
    every: bool = False
    after: str | None = None
    before: str | None = None
    present: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.line is None and (self.present or self.match is None):
            raise BadProperty("line needs line, the text; only with present=False it may be match instead")
        if self.line is not None:
            one_line("line", "line", self.line)
        if self.every and self.match is None:
            raise BadProperty("line every=True needs match: which lines it replaces")
        if self.after is not None and self.before is not None:
            raise BadProperty("line takes after or before, not both")
        for name in ("match", "after", "before"):
            compiled("line", name, getattr(self, name))

    def edited(self, text: str) -> str:
        lines = Lines.of(text)
        match = compiled("line", "match", self.match)
        found = [number for number, line in enumerate(lines.lines) if match is not None and match.search(line)]
        if not self.present:
            gone = set(found)
            lines.lines = [line for n, line in enumerate(lines.lines) if n not in gone and line != self.line]
            return str(lines)
        assert self.line is not None, "checked when it was made"
        if found and self.every:
            for number in found:
                lines.lines[number] = self.line
        elif self.line in lines.lines:
            return text
        elif found:
            lines.lines[found[0]] = self.line
        else:
            after, before = compiled("line", "after", self.after), compiled("line", "before", self.before)
            lines.insert(lines.place(after, before), [self.line])
        return str(lines)

    def identity(self) -> str:
        return f"{self.path}: {hidden(self.line if self.line is not None else str(self.match))}"


line = recipe_word(Line)
