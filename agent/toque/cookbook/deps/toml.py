"""Reading TOML so that what is wrong can be told by its line, and writing texts into it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from toque.cookbook.deps.errors import BadDependencies

_LARGEST = 1 << 20


def read(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of a file and what it says. Raises BadDependencies, FileNotFoundError."""
    raw = path.read_bytes()
    if len(raw) > _LARGEST:
        raise BadDependencies(path, f"is larger than {_LARGEST >> 20} MiB", 1)
    try:
        text = raw.decode()
        return text, tomllib.loads(text)
    except UnicodeDecodeError:
        raise BadDependencies(path, "is not UTF-8", 1) from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        raise BadDependencies(path, str(error), int(at[1]) if at else text.count("\n") + 1) from None
    except (RecursionError, ValueError) as error:
        # A number of five thousand digits, say: TOML allows it, Python does not.
        raise BadDependencies(path, f"cannot be read: {error}", 1) from None


def line_of(text: str, table: str, key: str = "") -> int:
    """The line of a key in a table, or of the table itself; 1 where neither can be found."""
    here, found = "", 1
    quoted = rf"(\"{re.escape(key)}\"|'{re.escape(key)}'|{re.escape(key)})"
    for number, line in enumerate(text.splitlines(), 1):
        if (header := re.match(r"\s*\[\[?\s*([^]]*?)\s*\]\]?", line)) is not None:
            here = header[1].replace('"', "").replace("'", "").replace(" ", "")
            if here == table:
                found = number
            if key and here == f"{table}.{key}":
                return number
        elif key and (
            (here == table and re.match(rf"\s*{quoted}\s*[=.]", line))
            or (here == "" and re.match(rf"\s*{re.escape(table)}\s*\.\s*{quoted}\s*[=.]", line))
        ):
            return number
    return found


def quoted(text: str) -> str:
    """A text as TOML writes it. For what our grammars let through: no surrogates, nothing beyond the first plane."""
    return json.dumps(text)
