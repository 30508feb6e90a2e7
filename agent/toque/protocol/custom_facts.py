"""Facts that recipes and people give a node: one JSON file each on the node, a few short texts on their way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "/etc/toque/facts.d"
MOST: Final = 64
LONGEST: Final = 4096
"""Of one fact, in bytes of JSON."""
SEARCHED: Final = 256
"""Longest fact, in bytes of JSON, that other nodes are told of, and find by `search`."""

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def path_of(name: str) -> str:
    return f"{FOLDER}/{name}.json"


def written(value: Any) -> str:
    """A value as it is kept and sent. Raises ValueError for what is no JSON."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def read_all(folder: Path = Path(FOLDER)) -> dict[str, str]:
    """Every fact of this node, as JSON text by name; what is no fact is left out."""
    found: dict[str, str] = {}
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return found
    for path in paths:
        try:
            if path.suffix == ".json" and path.is_file() and path.stat().st_size <= 2 * LONGEST:
                found[path.stem] = written(json.loads(path.read_bytes()))
        except (OSError, ValueError, RecursionError):
            continue
    return bounded(found)


def bounded(texts: Mapping[str, str]) -> dict[str, str]:
    """The facts among these texts that keep to the bounds: names, length, number, and that each is JSON."""
    kept: dict[str, str] = {}
    for name in sorted(texts):
        text = texts[name]
        if len(kept) < MOST and NAME.fullmatch(name) and len(text.encode(errors="replace")) <= LONGEST:
            try:
                json.loads(text)
            except (ValueError, RecursionError):
                continue
            kept[name] = text
    return kept


def values(texts: Mapping[str, str], longest: int = LONGEST) -> dict[str, Any]:
    """The facts themselves, of texts that are `bounded`; those that are longer are left out."""
    return {name: json.loads(text) for name, text in texts.items() if len(text.encode()) <= longest}
