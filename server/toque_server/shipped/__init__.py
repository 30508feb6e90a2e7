"""Data that travels with the server: cookbooks, examples, systemd units.

In a wheel they lie in this folder; in a checkout they lie at the repository's root, where people look for them.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parent.parent.parent


class NotShipped(Exception):
    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is missing from this installation of toque: install it again from a wheel or a checkout"
        )


def _folder(name: str) -> Path:
    for root in (_HERE, _CHECKOUT):
        if (root / name).is_dir():
            return root / name
    raise NotShipped(name)


def cookbooks() -> Path:
    """The folder of the built-in cookbooks, one folder per cookbook."""
    return _folder("cookbooks")


def systemd() -> Path:
    """The folder of the systemd units."""
    return _folder("systemd")


def examples(name: str) -> Path:
    """The folder of one example, such as `guestbook`.

    Raises `NotShipped` where this installation has no such example.
    """
    found = _folder("examples") / name
    if not found.is_dir():
        raise NotShipped(f"the example {name!r}")
    return found
