"""What changed between two policies of a stack, value by value, in words that people read (ruling 16)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from toque.protocol.canonical import canonical

Change = Literal["added", "removed", "changed"]

LONGEST: Final = 1000
"""Characters that are shown of one value."""

_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_NAMES: Final[Mapping[str, str]] = {
    "stack": "name",
    "layer": "shortname",
    "instance": "hostname",
    "app": "shortname",
    "user": "username",
    "rds": "db_instance_identifier",
    "elb": "elastic_load_balancer_name",
    "ecs": "ecs_cluster_name",
}
_ABSENT: Final = object()


class ValueChange(msgspec.Struct, frozen=True):
    """One value at a path, as JSON text; None where it is not there at all."""

    path: str
    before: str | None
    after: str | None


def changed_parts(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Change]:
    """Which parts differ, by name, of two manifests' digests.

    >>> changed_parts({"stack": "d1", "layer/a": "d2"}, {"stack": "d3", "app/b": "d4"})
    {'app/b': 'added', 'layer/a': 'removed', 'stack': 'changed'}
    """
    names = sorted({*before, *after})
    return {name: _change(name, before, after) for name in names if before.get(name) != after.get(name)}


def _change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    if name not in before:
        return "added"
    return "changed" if name in after else "removed"


def changed_values(before: object, after: object) -> list[ValueChange]:
    """Every value in which two parts differ, by path. Lists are one value: what they are about is their order, too.

    >>> changed_values({"os": "Debian 12", "tags": {"a b": "1"}}, {"os": "Debian 12", "tags": {}})
    [ValueChange(path='tags["a b"]', before='"1"', after=None)]
    """
    return list(_values("", before, after))


def _values(path: str, before: object, after: object) -> Iterator[ValueChange]:
    if before == after and type(before) is type(after):
        return
    ours, theirs = _mapping(before), _mapping(after)
    if (ours is not None or theirs is not None) and not _is_plain(before) and not _is_plain(after):
        for key in sorted({*(ours or {}), *(theirs or {})}):
            yield from _values(_below(path, key), (ours or {}).get(key, _ABSENT), (theirs or {}).get(key, _ABSENT))
    else:
        yield ValueChange(path, _said(before), _said(after))


def _mapping(value: object) -> Mapping[str, Any] | None:
    return value if isinstance(value, Mapping) and value else None


def _is_plain(value: object) -> bool:
    """Whether it is a value of its own: neither a map nor nothing."""
    return value is not _ABSENT and not isinstance(value, Mapping)


def _below(path: str, key: str) -> str:
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{canonical(key).decode()}]"
    return f"{path}.{key}" if path else key


def _said(value: object) -> str | None:
    if value is _ABSENT:
        return None
    text = canonical(value).decode()
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


def title(part: str, body: Mapping[str, Any] | None) -> str:
    """The name that people give a part's subject: a host name, a short name; what follows the `/` where it has none.

    >>> title("instance/i-1", {"hostname": "web1"}), title("layer/l-1", None)
    ('web1', 'l-1')
    """
    kind, _, id = part.partition("/")
    said = (body or {}).get(_NAMES.get(kind, ""))
    return str(said) if said else id or kind
