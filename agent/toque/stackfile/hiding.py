"""A document whose data bags are kept out of it: each text in an item becomes a secret by a name of its own."""

from __future__ import annotations

from typing import Any

import msgspec

from toque.stackfile.comparing import names_of
from toque.stackfile.model import DataBags, StackFile
from toque.stackfile.records import SecretNames


def hidden(document: StackFile) -> StackFile:
    """The document with references in place of every text in its data bags; keys, numbers and switches stay."""
    names = SecretNames(names_of(document))

    def part(each: Any) -> Any:
        return msgspec.structs.replace(each, data_bags=_bags(each.data_bags, names))

    sections = {
        section: {name: part(each) for name, each in found.items()}
        for section in ("layers", "instances", "apps")
        if (found := getattr(document, section)) is not None
    }
    return msgspec.structs.replace(document, stack=part(document.stack), **sections)


def _bags(bags: DataBags, names: SecretNames) -> DataBags:
    return {
        bag: {item: _value(value, names, ("bag", bag, item)) for item, value in items.items()}
        for bag, items in bags.items()
    }


def _value(value: Any, names: SecretNames, words: tuple[str, ...]) -> Any:
    if isinstance(value, dict):
        return {key: _value(each, names, (*words, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_value(each, names, (*words, str(number))) for number, each in enumerate(value)]
    return names(*words) if isinstance(value, str) else value
