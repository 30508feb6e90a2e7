"""All that was saved, by kind and id, wherever it stood: what a stack has is found here by its id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from toque.importer.kinds import KINDS
from toque.importer.problems import Remark, Verdict

Record = Mapping[str, Any]


class Found(NamedTuple):
    """A record, where it stands, and what was said around it: names of files and folders, keys, ids beside it."""

    record: Record
    place: str
    around: str


@dataclass
class Dump:
    """`kinds` are those that were saved at all, be it empty. `remarks` are about what was read, not about stacks."""

    kinds: set[str] = field(default_factory=set)
    records: dict[str, dict[tuple[str, ...], Found]] = field(default_factory=dict)
    tags: list[Found] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def add(self, kind: str, found: Found) -> None:
        """Keep a record; of two with one id the later counts."""
        id = tuple(found.record[name] for name in KINDS[kind].id)
        known = self.records.setdefault(kind, {})
        if (before := known.get(id)) is not None and before.record != found.record:
            said = f"it stands in {before.place} and, differently, in {found.place}, which counts"
            self.remark(f"{kind} {' '.join(id)}", said, Verdict.CHANGED)
        known[id] = found

    def remark(self, thing: str, said: str, verdict: Verdict = Verdict.LEFT_OUT) -> None:
        self.remarks.append(Remark(verdict, "", thing, said))

    def every(self, kind: str) -> Iterator[Record]:
        for found in self.records.get(kind, {}).values():
            yield found.record

    def of(self, kind: str, member: str, value: str) -> list[Record]:
        """The records of a kind that have this value, in the order they were saved in."""
        return [each for each in self.every(kind) if each.get(member) == value]

    def by(self, kind: str, member: str) -> dict[str, Record]:
        return {each[member]: each for each in self.every(kind)}

    def homeless(self, kind: str) -> Iterator[tuple[Record, str | None]]:
        """The records of a kind that say nothing of their stack, each with its stack's id where that can be known.

        It is the stack of the instance that has them, else the one that is named around them, else the only one.
        """
        homes = {each["InstanceId"]: each["StackId"] for each in self.every("Instances")}
        stacks = [each["StackId"] for each in self.every("Stacks")]
        for found in self.records.get(kind, {}).values():
            home = homes.get(found.record.get("InstanceId") or "") or last_named(stacks, found.around)
            yield found.record, home or (stacks[0] if len(stacks) == 1 else None)

    def tags_of(self) -> dict[str, dict[str, str]]:
        """Tags by the id of the stack or layer whose they are; tells of those whose owner nothing names."""
        owners = [*(each["StackId"] for each in self.every("Stacks")), *self.by("Layers", "LayerId")]
        known: dict[str, dict[str, str]] = {}
        for found in self.tags:
            owner = last_named(owners, found.around)
            if owner is not None:
                known[owner] = dict(found.record)
            elif found.record:
                said = "nothing says whose they are: please put the id of the stack or layer into the file's name"
                self.remark(f"Tags in {found.place}", said)
        return known


def last_named(ids: list[str], text: str) -> str | None:
    """The one of `ids` that stands last in the text.

    >>> last_named(["s1", "l1"], "s1/tags-l1.json")
    'l1'
    """
    places = {id: text.rfind(id) for id in ids}
    there = [id for id, at in places.items() if at >= 0]
    return max(there, key=places.__getitem__, default=None)
