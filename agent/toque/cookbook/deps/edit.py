"""Adding a line to cookbooks.toml and leaving everything else in it as its author wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toque.cookbook.deps.errors import MissingExtra
from toque.cookbook.deps.manifest import FILE
from toque.protocol.durable import write_durably


def put(root: Path, table: str, name: str, said: Mapping[str, str | bool]) -> bytes | None:
    """Set one entry of `[table]`; answers with the former content of the file, None where there was none.

    With nothing but a version the entry is a text, else an inline table. Raises MissingExtra.
    """
    try:
        import tomlkit
    except ImportError as missing:
        raise MissingExtra(missing.name or "tomlkit") from None
    path = root / FILE
    before = path.read_bytes() if path.exists() else None
    document = tomlkit.parse(before or b"")
    if table not in document:
        document[table] = tomlkit.table()
    entry: Any = said["version"] if set(said) == {"version"} else tomlkit.inline_table()
    if not isinstance(entry, str):
        entry.update(said)
    document[table][name] = entry
    write_durably(path, tomlkit.dumps(document).encode(), mode=0o644)
    return before


def put_back(root: Path, before: bytes | None) -> None:
    """Undo `put`."""
    if before is None:
        (root / FILE).unlink(missing_ok=True)
    else:
        write_durably(root / FILE, before, mode=0o644)
