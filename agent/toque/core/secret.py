"""Text that must not be shown: its type, and the list of what to hide in everything a run says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, SupportsIndex

from toque.protocol.masking import HIDDEN

_KNOWN: dict[str, None] = {}


class Secret(str):
    """A string that shows itself as `***` and takes its taint along where Python lets it.

    It *is* the string: a file, a template or a program that gets it, gets the value. `repr`, reports, logs, diffs and
    error messages show `***`. `a + secret`, `secret + a`, `secret.strip()`, `secret.replace()` give a Secret again. An
    f-string gives a plain `str` with the value in it, because Python builds it without asking; such text is still
    masked in everything the run prints and reports, as the value itself is known to the run's mask from the moment the
    Secret exists (values of four characters and more).

        password = Secret(data_bag_item("db", "main")["password"])
        file("/etc/app.conf", content=f"password = {password}\\n", mode="0600")
    """

    __slots__ = ()

    def __new__(cls, value: str) -> Secret:
        if isinstance(value, Secret):
            return value
        secret = super().__new__(cls, value)
        if value:
            _KNOWN[str.__str__(value)] = None
        return secret

    def __repr__(self) -> str:
        return f"Secret('{HIDDEN}')"

    @staticmethod
    def around(text: str) -> Secret:
        """A longer text that has a Secret in it: tainted, but not itself one of the values to look for."""
        return str.__new__(Secret, text)

    def reveal(self) -> str:
        """The value as a plain string."""
        return "".join(self)

    def __str__(self) -> str:
        return self

    def __format__(self, spec: str) -> str:
        return format(self.reveal(), spec) if spec else self

    def __add__(self, other: str) -> Secret:
        return Secret.around(str.__add__(self, other))

    def __radd__(self, other: str) -> Secret:
        return Secret.around(str.__add__(other, self))

    def __mul__(self, times: SupportsIndex) -> Secret:
        return Secret.around(str.__mul__(self, times))

    def strip(self, chars: str | None = None, /) -> Secret:
        return Secret(str.strip(self, chars))

    def rstrip(self, chars: str | None = None, /) -> Secret:
        return Secret(str.rstrip(self, chars))

    def lstrip(self, chars: str | None = None, /) -> Secret:
        return Secret(str.lstrip(self, chars))

    def join(self, parts: Any, /) -> Secret:
        return Secret.around(str.join(self, parts))

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> Secret:
        return Secret.around(str.replace(self, old, new, count))

    def __reduce__(self) -> tuple[type[Secret], tuple[str]]:
        return Secret, (self.reveal(),)


def holds_secret(value: Any) -> bool:
    """Whether a value is a Secret, or a list or a mapping with one in it."""
    if isinstance(value, Mapping):
        return any(map(holds_secret, value.values()))
    return any(map(holds_secret, value)) if isinstance(value, list | tuple) else isinstance(value, Secret)


def known_secrets() -> tuple[str, ...]:
    """Every value that became a Secret in this process."""
    return tuple(_KNOWN)


def know_instead(values: Iterable[str]) -> list[str]:
    """Know these secrets and no others from now on; answers those that were known. Only tests forget secrets."""
    before = list(_KNOWN)
    _KNOWN.clear()
    _KNOWN.update(dict.fromkeys(values))
    return before
