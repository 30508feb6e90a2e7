"""What the audit keeps of a request: what it was about in full, and of what may be secret only that it was there."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import msgspec

MASK: Final = "*****FILTERED*****"

_MOST: Final = 100
_PLAIN: Final = frozenset(
    (
        "name",
        "shortname",
        "type",
        "level",
        "region",
        "bag",
        "item",
        "revision",
        "recipes",
        "key",
        "hostname",
        "os",
        "default_os",
        "instance_type",
        "action",
        "policy",
        "policy_name",
        "policy_document",
        "user_name",
        "ssh_username",
        "agent_version",
        "label",
        "digest",
    )
)
"""Members whose texts are no secrets: what S18 and an operator want to know of a change."""


def parameters(request: Any) -> dict[str, Any]:
    """The members of a request that were sent, under their wire names.

    Numbers and switches, ids, ARNs and the members above stand as they are, URLs without what can hold a password; any
    other text is masked, so that a member nobody thought of is never told.
    """
    if not isinstance(request, msgspec.Struct):
        return {}
    kind = type(request)
    names = zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True)
    return {wire: _told(name, value) for name, wire in names if (value := getattr(request, name)) is not None}


def _told(name: str, value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, msgspec.Struct):
        return parameters(value)
    if isinstance(value, Mapping):
        # The keys of a command's arguments are ours; what stands in another map is its sender's.
        return {str(key): _told(str(key), each) if name == "args" else MASK for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        told = [_told(name, each) for each in list(value)[:_MOST]]
        return [*told, f"and {len(value) - _MOST} more"] if len(value) > _MOST else told
    if name == "url":
        return _without_password(str(value))
    if name in _PLAIN or name.endswith(("_id", "_ids", "_arn", "_arns", "_at")):
        return str(value)
    return MASK


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return MASK
    if not parts.scheme:
        # git@host:path, or a path: what stands before the @ is an account's name.
        return url.partition("?")[0]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
