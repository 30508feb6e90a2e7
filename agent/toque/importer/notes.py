"""What is asked for, what is known of the server, and a place for remarks: what every part of the mapping is given."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from toque.importer.problems import Remark, Verdict
from toque.importer.systems import System, is_windows, nearest


class Choices(NamedTuple):
    """`regions` and `names` say what becomes of a region and of a stack (by its name or id); `only` which stacks."""

    regions: Mapping[str, str] = {}
    names: Mapping[str, str] = {}
    only: Collection[str] = ()


AS_IT_WAS: Final = Choices()


class Target(NamedTuple):
    """What must be known of the server: whose account it has, and which systems."""

    account: str
    systems: Sequence[System]

    def system(self, name: str) -> str:
        """The system that stands for `name`; the first in the server's list where none is near."""
        found = nearest(name, self.systems)
        return found or next((each.id for each in self.systems if each.supported and each.version), name)

    def stack_system(self, name: str) -> str:
        """As `system`; a Windows stack stays one, whatever its instances can be."""
        known = any(each.id == name for each in self.systems)
        return name if is_windows(name) and known else self.system(name)


@dataclass
class Notes:
    """Remarks on one stack, in the order in which they were made."""

    stack: str
    remarks: list[Remark] = field(default_factory=list)

    def changed(self, thing: str, said: str) -> None:
        self.remarks.append(Remark(Verdict.CHANGED, self.stack, thing, said))

    def left_out(self, thing: str, said: str) -> None:
        self.remarks.append(Remark(Verdict.LEFT_OUT, self.stack, thing, said))

    def to_do(self, thing: str, said: str) -> None:
        self.remarks.append(Remark(Verdict.TO_DO, self.stack, thing, said))
