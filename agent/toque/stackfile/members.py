"""Between the model and the wire: `log_group_name` here is `LogGroupName` there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from toque.stackfile.model import Part

P = TypeVar("P", bound=Part)


def wire_name(field: str) -> str:
    """
    >>> wire_name("use_opsworks_security_groups")
    'UseOpsworksSecurityGroups'
    """
    return "".join(word.capitalize() for word in field.split("_"))


def field_name(member: str) -> str:
    """
    >>> field_name("UseOpsworksSecurityGroups")
    'use_opsworks_security_groups'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", member).lower()


def to_wire(value: Any) -> Any:
    """A value of the model as a request has it; what is None is left out. Secrets must be filled before."""
    if isinstance(value, Part):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        return {wire_name(name): to_wire(each) for name, each in fields.items() if each is not None}
    if isinstance(value, Mapping):
        return {key: to_wire(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_wire(each) for each in value]
    return value


def from_wire(kind: type[P], record: Mapping[str, Any]) -> P:
    """A structure of the model from a structure of an answer; members that the model does not have are left out."""
    return msgspec.convert(_snake(record), kind)


def _snake(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {field_name(name): _snake(each) for name, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_snake(each) for each in value]
    return value
