"""Whatever stands in a dump, it is imported or refused with a place; nothing else happens."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agent.importer.test_mapping import DUMPS, TARGET
from toque.cli.importing import shapes
from toque.importer import report
from toque.importer.mapping import mapped
from toque.importer.problems import BadDump
from toque.importer.reading import read
from toque.stackfile.differences import differences
from toque.stackfile.rendering import lines
from toque.stackfile.writing import written

ANSWERS: dict[str, Any] = {}
for _file in sorted((DUMPS / "shop").glob("*.json")):
    if not _file.name.startswith("tags"):
        ANSWERS |= json.loads(_file.read_text())

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a value where something else could stand."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, one in inner for each in places(one, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=150)
@given(place=st.sampled_from(places(ANSWERS)[1:]), value=values)
def test_a_dump_with_anything_anywhere_is_imported_or_refused(place: tuple[Any, ...], value: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "all.json").write_text(json.dumps(replaced(ANSWERS, place, value)))
        try:
            found = mapped(read([Path(folder)], shapes()), TARGET)
        except BadDump as error:
            assert error.problems
            return

    assert list(report.lines(found))
    for each in found.stacks:
        assert written(each.document)
        assert lines(differences(each.document, None))
