"""YAML as the AWS CLI writes it: version 1.2, in which `on` and `2013-07-25T18:11:27+00:00` are texts."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml
from yaml.nodes import MappingNode

_PREFIX: Final = "tag:yaml.org,2002:"
_TYPES: Final = (
    ("null", r"~|null|Null|NULL|", ("~", "n", "N", "")),
    ("bool", r"true|True|TRUE|false|False|FALSE", tuple("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]{0,18})", tuple("-+0123456789")),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?", tuple("-+.0123456789")),
)


class Loader(yaml.SafeLoader):
    """The safe loader of PyYAML (which reads version 1.1), with version 1.2's idea of what is a number and what not."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        # No dump has anchors, and a few lines of them can stand for gigabytes.
        if self.check_event(yaml.events.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed here", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        return {_key(key): value for key, value in super().construct_mapping(node, deep=deep).items()}


def _key(key: Any) -> str:
    """Keys are names: the hour 8 of a schedule is "8"."""
    return key if isinstance(key, str) else str(key)


for _name, _pattern, _first in _TYPES:
    Loader.add_implicit_resolver(_PREFIX + _name, re.compile(f"(?:{_pattern})\\Z"), list(_first))
