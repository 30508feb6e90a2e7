"""Unit files of systemd: written from sections, judged by systemd before they are in place, and put there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from toque.core import BadProperty, Host, ToqueError
from toque.core.files import HEAD
from toque.core.secret import holds_secret

SYSTEM = "/etc/systemd/system"
EVERY_USER = "/etc/systemd/user"
"""Where the units lie that the managers of all users load."""

KINDS = ("service", "socket", "timer", "path", "mount", "automount", "swap", "target", "slice")

Value = str | int | float | bool | Sequence[str | int | float | bool]
Sections = Mapping[str, Mapping[str, Value]]


class UnitRefused(ToqueError):
    """systemd finds something wrong with a unit; nothing was changed."""

    def __init__(self, name: str, said: Sequence[str]) -> None:
        self.name = name
        lines = "\n".join(f"    {line}" for line in said)
        super().__init__(
            f"systemd refuses {name}, and nothing was changed (verify=False places it all the same):\n{lines}"
        )


def text_of(word: str, content: str | Sections) -> str:
    """A unit's text: as it was given, or made from its sections. Raises BadProperty where a value would be more."""
    if holds_secret(content):
        raise BadProperty(
            f"{word} content must hold no Secret: every user of the machine can read a unit; name a file that env_file "
            "keeps, by EnvironmentFile="
        )
    if isinstance(content, str):
        if "\0" in content or not content.strip():
            raise BadProperty(f"{word} content must be the text of a unit, without NUL characters")
        return content if content.endswith("\n") else f"{content}\n"
    parts = [f"# {HEAD}\n"]
    for section, values in content.items():
        if not isinstance(values, Mapping):
            raise BadProperty(f'{word} content must map sections to settings, e.g. {{"Unit": {{"After": "…"}}}}')
        parts.append(f"[{_plain(word, section)}]\n" + "".join(_lines(word, key, each) for key, each in values.items()))
    if len(parts) == 1:
        raise BadProperty(f"{word} content needs at least one section")
    return "\n".join(parts)


def _lines(word: str, key: str, value: Value) -> str:
    """One line for each value: systemd collects settings that are given more than once."""
    values = value if isinstance(value, list | tuple) else [value]
    return "".join(f"{_plain(word, key)}={_one_line(word, key, each)}\n" for each in values)


def _plain(word: str, name: object) -> str:
    if not isinstance(name, str) or not name.isascii() or not name.replace("-", "").isalnum():
        raise BadProperty(f"{word} content: {name!r} is no name of a section or a setting")
    return name


def _one_line(word: str, key: str, value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, str | int | float):
        raise BadProperty(f"{word} content: {key} must be text, a number, a boolean or a list of them, got {value!r}")
    text = str(value)
    if any(sign in text for sign in "\n\r\0") or text.endswith("\\"):
        raise BadProperty(f"{word} content: {key} must be one line, got {text!r}; give a list for several")
    return text


def verify(host: Host, name: str, files: Mapping[str, str], folder: str = SYSTEM) -> None:
    """Let `systemd-analyze`, where it is installed, judge a unit as it would be with these files. Raises UnitRefused.

    `files` are contents by their paths below `folder`: units, and drop-ins such as nginx.service.d/limits.conf.
    """
    if host.which("systemd-analyze") is None:
        return
    trial = f"/run/toque-verify-{os.getpid()}"
    if host.entry(trial) is not None:
        host.remove(trial, recursive=True)
    for path, content in files.items():
        place = f"{trial}/{path}"
        if host.entry(above := place.rpartition("/")[0]) is None:
            host.make_directory(above, mode=0o700, parents=True)
        host.write(place, content.encode(), mode=0o600)
    argv = [
        "systemd-analyze",
        "verify",
        "--man=no",
        *(["--user"] if folder == EVERY_USER else []),
        "--",
        _instance(name),
    ]
    try:
        # The colon at the end: what is not here is looked for in the usual places.
        ran = host.run(argv, env={"SYSTEMD_UNIT_PATH": f"{trial}:"}, ok=range(256))
    finally:
        host.remove(trial, recursive=True)
    # Units that this one names may have faults of their own: only what is said of this one counts.
    ours = (f"{trial}/", f"{_instance(name)}:", f"Unit {_instance(name)} ")
    said = [line.replace(f"{trial}/", "") for line in ran.err.splitlines() if any(mark in line for mark in ours)]
    if said:
        raise UnitRefused(name, said)


def _instance(name: str) -> str:
    """A template is judged as one of its instances."""
    return name.replace("@.", "@toque.")


def place(host: Host, files: Mapping[str, str], folder: str = SYSTEM) -> None:
    for path, content in files.items():
        where = f"{folder}/{path}"
        if host.entry(above := where.rpartition("/")[0]) is None:
            host.make_directory(above, mode=0o755, parents=True)
        host.write(where, content.encode(), mode=0o644)


def take_away(host: Host, paths: Sequence[str], folder: str = SYSTEM) -> None:
    """Remove files, and the folders for drop-ins that are empty then."""
    for path in paths:
        where = f"{folder}/{path}"
        if host.entry(where) is not None:
            host.remove(where)
        above = where.rpartition("/")[0]
        if above != folder and host.entry(above) is not None and not host.names_in(above):
            host.remove(above)
