"""fact: something a node knows of itself, because a recipe says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from toque.core import BadProperty, Change, Host, Resource, Secret, ToqueError, recipe_word, resource
from toque.protocol.custom_facts import FOLDER, LONGEST, MOST, NAME, path_of, written


@dataclass(frozen=True)
class FactState:
    content: bytes


@resource("fact")
@dataclass(frozen=True)
class Fact(Resource[FactState]):
    """Keep a fact of this node: for later lines and runs, for the server, and for the searches of other nodes.

    name     lower-case letters, digits, - and _
    value    text, a number, True or False, a list or a mapping: at most 4096 bytes as JSON. A Secret is refused, as
             facts are shown to all who may see the stack, and to its other nodes
    present  False removes it

    `node.fact("rack")` reads it, from this line on. It is kept in /etc/toque/facts.d/NAME.json, where other programs
    may lay down facts as well; a node has at most 64. They reach the server after the run (`toque instance facts
    web1`), and other nodes with their next command: search("node", "facts.rack:r12") finds those of at most 256 bytes.

        fact("rack", "r12")
        fact("disks", {"data": "/dev/vdb", "size_gb": 200})
    """

    foreseeable = True

    name: str
    value: Any = None
    _: KW_ONLY
    present: bool = True

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise BadProperty(
                "fact name must begin with a lower-case letter and have lower-case letters, digits, - and _ (63 at "
                f"most), got {self.name!r}"
            )
        if not self.present:
            return
        if self.value is None:
            raise BadProperty(f"fact {self.name} needs value; to remove it say present=False")
        if _has_secret(self.value):
            raise BadProperty(f"fact {self.name}: value must hold no Secret, as other nodes and people see it")
        try:
            size = len(written(self.value).encode(errors="replace"))
        except ValueError as error:
            raise BadProperty(f"fact {self.name}: value must be what JSON can say: {error}") from None
        if size > LONGEST:
            raise BadProperty(f"fact {self.name}: value must have at most {LONGEST} bytes as JSON, and has {size}")

    def desired(self) -> FactState | None:
        return FactState(f"{written(self.value)}\n".encode(errors="replace")) if self.present else None

    def current(self, host: Host) -> FactState | None:
        content = host.read(path_of(self.name))
        return None if content is None else FactState(content)

    def apply(self, host: Host, change: Change[FactState]) -> None:
        if change.want is None:
            host.remove(path_of(self.name))
            return
        if host.entry(FOLDER) is None:
            host.make_directory(FOLDER, mode=0o755, parents=True)
        if change.was is None and sum(name.endswith(".json") for name in host.names_in(FOLDER)) >= MOST:
            raise ToqueError(f"fact {self.name}: this node has {MOST} facts already: remove one of {FOLDER} first")
        host.write(path_of(self.name), change.want.content, mode=0o644)


def _has_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_secret(each) for pair in value.items() for each in pair)
    return any(map(_has_secret, value)) if isinstance(value, list | tuple) else isinstance(value, Secret)


fact = recipe_word(Fact)
