"""JSON: written anew, in its own order and with its own indentation."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from toque.platforms.config import CannotEdit, plain, same, with_value


def edited(text: str, keys: Sequence[str], value: Any) -> str:
    try:
        data = json.loads(text, object_pairs_hook=_once) if text.strip() else {}
    except ValueError as error:
        raise CannotEdit(f"it is not JSON: {error}") from None
    wanted = with_value(data, keys, plain(value))
    if same(data, wanted):
        return text
    found = re.search(r"\n([ \t]+)\S", text)
    indent = found[1] if found else None if text.strip() not in ("", "{}") and "\n" not in text.strip() else 2
    return json.dumps(wanted, ensure_ascii=False, indent=indent) + ("\n" if text.endswith("\n") or not text else "")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise CannotEdit("a key stands in it twice, of which one would be lost")
    return made
