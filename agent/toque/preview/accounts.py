"""Which users and groups differ, by the account files of the host and of the clone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_USER = ("uid", "gid", "comment", "home", "shell")
Accounts = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class AccountChange:
    """One user or group; `details` are its values, or those that differ as `was → now`."""

    name: str
    what: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} {self.what}" + (f": {', '.join(self.details)}" if self.details else "")

    def values(self) -> dict[str, Any]:
        return {"name": self.name, "what": self.what, "details": self.details}


def users(root: Path) -> dict[str, dict[str, str]]:
    """The users of a machine; what stands for a password is compared, and never told."""
    secrets = {fields[0]: fields[1] for fields in _lines(root / "etc/shadow")}
    return {
        fields[0]: dict(zip(_USER, fields[2:7], strict=False)) | {"password": secrets.get(fields[0], fields[1])}
        for fields in _lines(root / "etc/passwd")
    }


def groups(root: Path) -> dict[str, dict[str, str]]:
    return {fields[0]: {"gid": fields[2], "members": fields[3]} for fields in _lines(root / "etc/group")}


def names_by_number(accounts: Accounts, number: str) -> dict[int, str]:
    return {int(values[number]): name for name, values in accounts.items() if values.get(number, "").isdecimal()}


def differing(before: Accounts, after: Accounts) -> list[AccountChange]:
    found = []
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was is None and now is not None:
            found.append(AccountChange(name, "created", _told(now)))
        elif now is None:
            found.append(AccountChange(name, "removed"))
        elif was is not None and was != now:
            found.append(AccountChange(name, "changed", tuple(_change(key, was, now) for key in _keys(was, now))))
    return found


def _keys(was: Mapping[str, str], now: Mapping[str, str]) -> Sequence[str]:
    return [key for key in now if was.get(key) != now[key]]


def _change(key: str, was: Mapping[str, str], now: Mapping[str, str]) -> str:
    return key if key == "password" else f"{key} {was.get(key) or 'none'} → {now[key] or 'none'}"


def _told(values: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{key} {value}" for key, value in values.items() if key != "password" and value)


def _lines(path: Path) -> list[list[str]]:
    try:
        lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:  # /etc/shadow, as an ordinary user
        return []
    return [fields for line in lines if len(fields := line.split(":")) > 3]
