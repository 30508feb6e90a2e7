"""replace: what a regular expression finds in a text file, replaced."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, recipe_word, resource
from toque.core.edits import Edit, compiled, hidden


@resource("replace")
@dataclass(frozen=True)
class Replace(Edit):
    """Keep a file free of what a regular expression finds, by replacing it; the rest of the file is left as it is.

    path          absolute; in a file that does not exist there is nothing to replace
    regex         what to look for, Python's syntax; `^` and `$` are the ends of lines, `.` stops at one
    replacement   what stands there instead; `\\\\1` and `\\\\g<name>` are groups of `regex`. Empty takes it out
    count         how many of them, from the top; 0 is all
    after         only behind the first place that this regular expression finds; nothing at all where it finds none
    before        only ahead of the first such place (behind `after`); up to the end where it finds none
    follow        True edits what a link at this path points to; without it a link is an error
    backup, verify, show_diff   as of `file`

    It has to come to rest: a replacement in which `regex` finds something to replace again, or a count that leaves
    more for the next run, is refused before anything is written.

        file("/etc/shop.conf", content="[web]\\nlisten 80\\n[admin]\\nlisten 81\\n", replace=False)
        replace("/etc/shop.conf", r"^listen (\\d{2})$", r"listen 127.0.0.1:\\1", after=r"^\\[admin\\]$")
    """

    regex: str
    replacement: str = ""
    _: KW_ONLY
    count: int = 0
    after: str | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.regex == "":
            raise BadProperty("replace regex must not be empty: it would find every place")
        if self.count < 0:
            raise BadProperty(f"replace count must be 0 (all) or more, got {self.count}")
        for name in ("regex", "after", "before"):
            compiled("replace", name, getattr(self, name), re.MULTILINE)
        try:
            re.compile(self.regex).sub(self.replacement, "")  # Python reads the replacement before it looks at the text
        except (re.error, IndexError) as error:
            raise BadProperty(f"replace replacement does not fit regex: {error}") from None

    def edited(self, text: str) -> str:
        start, end = self._range(text)
        regex = re.compile(self.regex, re.MULTILINE)
        made, _ = regex.subn(self.replacement, text[start:end], count=self.count)
        return text[:start] + made + text[end:]

    def identity(self) -> str:
        return f"{self.path}: {hidden(self.regex)}"

    def _range(self, text: str) -> tuple[int, int]:
        start, end = 0, len(text)
        if self.after is not None:
            found = re.compile(self.after, re.MULTILINE).search(text)
            start = end if found is None else found.end()
        if self.before is not None:
            found = re.compile(self.before, re.MULTILINE).search(text, start)
            end = end if found is None else found.start()
        return start, end


replace = recipe_word(Replace)
