"""The words of a service error about a resource that changes in every run: its name, and what that means."""

from __future__ import annotations

from typing import Final

_SAID: Final = " changed in each of its last runs, though the same was asked for: not idempotent, or undone by another"


def message(name: str) -> str:
    return f"{name}{_SAID}"


def name(message: str) -> str:
    return message.removesuffix(_SAID)
