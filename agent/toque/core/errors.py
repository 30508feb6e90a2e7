"""What can go wrong in a run.

ToqueError
├── CommandFailed (host)       a program ended badly
├── NotConverged (resource)    applied, looked again, still wrong
├── BadProperty                a word was given something it cannot use
├── NotFound                   a bag, item, template, recipe or setting that does not exist
├── NoRun                      a word was used where nothing runs
└── RunFailed                  the run is over; carries its exit code (chapter 04, 7.3)
    ├── RecipeFailed           a recipe stopped at a line (exit code 1)
    ├── NotLoadable            a recipe or cookbook is missing or cannot be loaded (exit code 2)
    └── BadData                attributes or settings do not fit (exit code 4)
"""

from __future__ import annotations

from collections.abc import Iterable


class ToqueError(Exception):
    """The root of everything Toque raises on purpose."""


class BadProperty(ToqueError):
    """A resource was declared with something it cannot use; the message says which property, and what would do."""


class NotFound(ToqueError, KeyError):
    """A name that does not exist. Is a KeyError as well, as `node[...]` and the bags are mappings to their users."""

    def __init__(self, what: str, name: str, choices: Iterable[str] = ()) -> None:
        self.what, self.name, self.choices = what, name, tuple(choices)
        super().__init__(what, name)

    def __str__(self) -> str:
        return f"there is no {self.what} {self.name!r}{did_you_mean(self.name, self.choices)}"


class NoRun(ToqueError):
    def __init__(self, word: str) -> None:
        super().__init__(f"{word}() works only while a recipe runs: try `toque plan FILE` or `toque apply FILE`")


class RunFailed(ToqueError):
    """A run ends here. `str()` is the page to print; `exit_code` is that of chapter 04, section 7.3."""

    exit_code = 1


class RecipeFailed(RunFailed):
    exit_code = 1


class NotLoadable(RunFailed):
    exit_code = 2


class BadData(RunFailed):
    exit_code = 4


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """` (did you mean X?)`, or ` (there are: a, b, c)` when the choices are few, else nothing."""
    import difflib

    known = sorted(set(choices))
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f" (did you mean {close[0]}?)"
    return f" (there are: {', '.join(known)})" if 0 < len(known) <= 12 else ""
