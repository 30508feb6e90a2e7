"""From a StackFile to YAML that people like to read: no defaults, long texts as blocks, short lists on one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from toque.stackfile import hours, nodes
from toque.stackfile.model import Instance, Part, SecretRef, StackFile, default_of

_WIDTH: Final = 110
_ON_ONE_LINE: Final = 80


def written(document: StackFile, *, comment: str = "") -> str:
    """The file's text; `loading.load` makes the same document of it. `comment` stands above, each line behind a `#`."""
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())
    body = yaml.dump(
        _shown(document, always=frozenset({"toque", "stack"})),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=_WIDTH,
        default_flow_style=False,
    )
    return head + _spaced(body)


class _Dumper(yaml.SafeDumper):
    event: Any

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def choose_scalar_style(self) -> str:
        # Names of secrets need no quotes; PyYAML gives them some since they have a tag.
        if self.event.tag == nodes.SECRET:
            return ""
        style: str = super().choose_scalar_style()
        return style


def _secret(dumper: _Dumper, value: SecretRef) -> yaml.Node:
    return dumper.represent_scalar(nodes.SECRET, value.name)


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    # What a block cannot hold, PyYAML quotes by itself.
    style = "|" if "\n" in value else None
    return dumper.represent_scalar(nodes.TEXT, value, style=style)


def _list(dumper: _Dumper, value: list[Any]) -> yaml.Node:
    plain = all(isinstance(each, str | int | float | bool) and "\n" not in str(each) for each in value)
    short = sum(len(str(each)) + 2 for each in value) <= _ON_ONE_LINE
    return dumper.represent_sequence(nodes.SEQUENCE, value, flow_style=plain and short)


_Dumper.add_representer(SecretRef, _secret)
_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def _shown(part: Part, *, always: frozenset[str] = frozenset()) -> dict[str, Any]:
    kind = type(part)
    values = {name: getattr(part, name) for name in part.__struct_fields__}
    shown = {name: each for name, each in values.items() if name in always or each != default_of(kind, name)}
    if isinstance(part, Instance) and part.schedule:
        shown["schedule"] = {day: hours.shown(each) or dict(each) for day, each in part.schedule.items()}
    return {name: _plain(value) for name, value in shown.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, SecretRef):
        return value
    if isinstance(value, Part):
        return _shown(value)
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _spaced(body: str) -> str:
    """An empty line before each section."""
    lines = body.splitlines(keepends=True)
    return "".join(
        f"\n{line}" if number and line[:1].isalpha() and not lines[number - 1].startswith("\n") else line
        for number, line in enumerate(lines)
    )
