"""What became of a dump, as text for people and as an object for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from toque.importer.mapping import Import
from toque.importer.problems import Remark, Verdict
from toque.stackfile.model import SECTIONS, StackFile

_HEADS: Final = {
    Verdict.CHANGED: "not as it was",
    Verdict.LEFT_OUT: "left out",
    Verdict.TO_DO: "to be done by hand",
}


def counts(document: StackFile) -> dict[str, list[str]]:
    """What is mapped, by section: the names of the things."""
    found = {name: getattr(document, name) for name in SECTIONS}
    return {name: list(each) for name, each in found.items() if each}


def lines(found: Import, remarks: Iterable[Remark] = ()) -> Iterator[str]:
    """The whole report; `remarks` are those that the server's state added."""
    added = list(remarks)
    for stack in found.stacks:
        name = stack.document.stack.name
        yield f"stack {name} ({stack.id})"
        yield "  mapped:"
        for section, names in counts(stack.document).items():
            yield f"    {section.replace('_', ' ')}: {', '.join(map(_harmless, names))}"
        yield from _remarks([*stack.remarks, *(each for each in added if each.stack == name)])
        yield ""
    if found.remarks:
        yield "the dump"
        yield from _remarks(found.remarks)
        yield ""


def as_object(found: Import, remarks: Iterable[Remark] = ()) -> dict[str, Any]:
    """The report for programs: `Stacks`, each with `Mapped` and `Remarks`, and the `Remarks` on the dump."""
    added = list(remarks)
    return {
        "Stacks": [
            {
                "Name": each.document.stack.name,
                "OldStackId": each.id,
                "Mapped": counts(each.document),
                "Remarks": _objects([*each.remarks, *(one for one in added if one.stack == each.document.stack.name)]),
            }
            for each in found.stacks
        ],
        "Remarks": _objects(found.remarks),
    }


def _objects(remarks: Iterable[Remark]) -> list[dict[str, str]]:
    return [{"Verdict": each.verdict.value, "Thing": each.thing, "Said": each.said} for each in remarks]


def _remarks(remarks: Sequence[Remark]) -> Iterator[str]:
    for verdict, head in _HEADS.items():
        chosen = [each for each in remarks if each.verdict is verdict]
        if chosen:
            yield f"  {head}:"
            yield from (f"    {_harmless(each)}" for each in _together(chosen))


def _together(remarks: Iterable[Remark]) -> Iterator[str]:
    """One line for what is said of several things of one kind: `instance web1, web2: …`."""
    things: dict[tuple[str, str], list[str]] = {}
    for each in remarks:
        kind, _, name = each.thing.partition(" ")
        things.setdefault((kind, each.said), []).append(name)
    for (kind, said), names in things.items():
        yield f"{kind} {', '.join(names)}".rstrip() + f": {said}"


def _harmless(text: str) -> str:
    """Names come from files of other people: a terminal obeys none of them."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
