"""The operations as the server declared them: `operations.json`, read and with its type texts taken apart.

The notation is that of `toque_server.operations.declarations`, which writes the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("operations.json")


@cache
def declared() -> Mapping[str, Any]:
    """The file as it stands: `structures` and `operations`."""
    read: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return read


@cache
def operations() -> Mapping[str, dict[str, Any]]:
    """Every operation by its command's name: `create-stack` has `name` CreateStack, `target`, `help`, `changes`, …

    Its `members` and its `answer` (None where there is none) map names to kinds: `{"type": "list", "of": {…}}`,
    `{"type": "structure", "name": …, "members": {…}}`, `{"type": "string", "required": True}`, …
    """
    return {kebab(name): _Operation(name, about) for name, about in declared()["operations"].items()}


class _Operation(dict[str, Any]):
    """One operation, whose members are taken apart when they are asked for: a command line needs those of one."""

    def __init__(self, name: str, about: Mapping[str, Any]) -> None:
        super().__init__(about, name=name)
        self._raw = {"members", "answer"}

    def __getitem__(self, key: str) -> Any:
        if key in self._raw:
            self._raw.discard(key)
            texts = super().__getitem__(key)
            self[key] = None if texts is None else _members(texts)
        return super().__getitem__(key)


def _members(texts: Mapping[str, str]) -> dict[str, Any]:
    return {name: kind(text) for name, text in texts.items()}


def kind(text: str) -> dict[str, Any]:
    """
    >>> kind("[string]!")
    {'type': 'list', 'of': {'type': 'string'}, 'required': True}
    >>> kind("=a|b")
    {'type': 'string', 'choices': ['a', 'b']}
    """
    if text.endswith("!"):
        return kind(text[:-1]) | {"required": True}
    if text.endswith("?"):
        return kind(text[:-1]) | {"nullable": True}
    match text[0]:
        case "=":
            return {"type": "string", "choices": text[1:].split("|")}
        case "[":
            return {"type": "list", "of": kind(text[1:-1])}
        case "{":
            return {"type": "map", "of": kind(text[1:-1])}
        case first if first.isupper():
            return {"type": "structure", "name": text, "members": _members(declared()["structures"][text])}
    return {"type": text}


def kebab(name: str) -> str:
    """
    >>> kebab("UseOpsworksSecurityGroups")
    'use-opsworks-security-groups'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()
