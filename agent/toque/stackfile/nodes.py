"""YAML as nodes with their places in the text; nothing is ever constructed but plain values.

Plain words mean what they look like: `yes`, `no`, `on` and `8:30` are text, as in YAML 1.2. What is left as not text —
true, false, null, decimal numbers — is so in YAML 1.1 as well, so what other programs write is read the same.
"""

from __future__ import annotations

import re
from typing import Any, Final

import yaml

from toque.stackfile.problems import BadStackFile, Problem

LIMIT: Final = 8 * 1024 * 1024
"""Longest file, in characters."""

SECRET: Final = "!secret"
TEXT: Final = "tag:yaml.org,2002:str"
NUMBER: Final = "tag:yaml.org,2002:int"
FRACTION: Final = "tag:yaml.org,2002:float"
SWITCH: Final = "tag:yaml.org,2002:bool"
NOTHING: Final = "tag:yaml.org,2002:null"
MAPPING: Final = "tag:yaml.org,2002:map"
SEQUENCE: Final = "tag:yaml.org,2002:seq"

_DEEPEST: Final = 200
"""Brackets within brackets; more would only exhaust the parser, which calls itself for each."""

_PLAIN: Final = (
    (SWITCH, r"true|True|TRUE|false|False|FALSE", "tTfF"),
    (NUMBER, r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    (FRACTION, r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?|\.[0-9]+(?:[eE][-+][0-9]+)?", "-+0123456789."),
)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        depth = getattr(self, "_depth", 0)
        if depth > _DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"deeper than {_DEEPEST} levels", problem_mark=mark)
        self._depth = depth + 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth = depth


for _tag, _form, _first in _PLAIN:
    _Loader.add_implicit_resolver(_tag, re.compile(rf"^(?:{_form})$"), list(_first))
_Loader.add_implicit_resolver(NOTHING, re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])


def nodes(text: str, file: str) -> yaml.Node:
    """The document's topmost node. Raises BadStackFile for what is no YAML, or more than one document."""
    if len(text) > LIMIT:
        raise BadStackFile([Problem(file, 1, 1, "", f"the file has {len(text)} characters, at most {LIMIT} are read")])
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        said = " ".join(filter(None, (error.context, error.problem)))
        raise BadStackFile([Problem(file, line, column, "", f"this is not YAML: {said}")]) from None
    except yaml.YAMLError as error:
        raise BadStackFile([Problem(file, 1, 1, "", f"this is not YAML: {' '.join(str(error).split())}")]) from None
    if root is None:
        raise BadStackFile([Problem(file, 1, 1, "", "the file is empty: it needs at least `stack: {name: …}`")])
    return root


def plain(node: yaml.Node) -> str | int | float | bool | None:
    """The value of a scalar whose tag is one of the five."""
    text = str(node.value)
    match node.tag:
        case "tag:yaml.org,2002:int":
            return int(text)
        case "tag:yaml.org,2002:float":
            return float(text)
        case "tag:yaml.org,2002:bool":
            return text.lower() == "true"
        case "tag:yaml.org,2002:null":
            return None
    return text
