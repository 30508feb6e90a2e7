"""Which resources of cookbooks were run by a test, and which of those a test asked about."""

from __future__ import annotations

import ast
import os
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from toque import resources
from toque.core.source import Source
from toque.testing.cookbooks import around

_NOT_OURS = {"tests", "files", "templates"}


@dataclass(frozen=True)
class Said:
    """A line of a cookbook that says a resource's word."""

    path: str
    first: int
    last: int
    text: str


class Coverage:
    """Told of every resource that runs, and of every one that a test asks about."""

    def __init__(self) -> None:
        self._roots: set[str] = set()
        self._ran: set[tuple[str, int]] = set()
        self._asked: set[tuple[str, int]] = set()

    def of(self, test: Path) -> None:
        """A test of the cookbook around this file runs: all of that cookbook is to be covered."""
        own = [root for root in around(test).values() if test.is_relative_to(root)]
        self._roots |= {str(root) for root in own}

    def ran(self, source: Source) -> None:
        self._ran.add((str(Path(source.path).resolve()), source.line))

    def asked(self, source: Source) -> None:
        self._asked.add((str(Path(source.path).resolve()), source.line))

    def sent(self) -> dict[str, Any]:
        """As values that can travel between processes."""
        return {"roots": sorted(self._roots), "ran": sorted(self._ran), "asked": sorted(self._asked)}

    def received(self, sent: dict[str, Any]) -> None:
        self._roots |= set(sent.get("roots", ()))
        self._ran |= {(path, line) for path, line in sent.get("ran", ())}
        self._asked |= {(path, line) for path, line in sent.get("asked", ())}

    def lines(self, base: Path) -> list[str]:
        """The report: a line per file, and below it each resource that no test touched."""
        told: list[str] = []
        for root in sorted(self._roots):
            for path in _sources(Path(root)):
                said = list(resources_in(path))
                if said:
                    told += self._lines_of(path, said, base)
        return told or ["no test of a cookbook used fake_node"]

    def _lines_of(self, path: Path, said: list[Said], base: Path) -> list[str]:
        ran = [each for each in said if self._has(self._ran, each)]
        asked = [each for each in ran if self._has(self._asked, each)]
        name = os.path.relpath(path, base)
        told = [f"{name}: {len(said)} resources, {len(ran)} run, {len(asked)} asked about"]
        for each in said:
            if each not in ran:
                told.append(f"  {name}:{each.first}: {each.text} was never run")
            elif each not in asked:
                told.append(f"  {name}:{each.first}: {each.text} was run, and no test asks about it")
        return told

    def _has(self, known: set[tuple[str, int]], said: Said) -> bool:
        return any((said.path, line) in known for line in range(said.first, said.last + 1))


def resources_in(path: Path) -> Iterator[Said]:
    """The calls of resources' words in a file, in order."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "toque"
        for alias in node.names
        if alias.name in _resources()
    }
    calls = [each for each in ast.walk(tree) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)]
    for call in sorted(calls, key=lambda each: (each.lineno, each.col_offset)):
        if isinstance(call.func, ast.Name) and call.func.id in imported:
            first = ast.unparse(call.args[0]) if call.args else "…"
            yield Said(str(path.resolve()), call.lineno, call.end_lineno or call.lineno, f"{call.func.id}({first})")


@cache
def _resources() -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules(resources.__path__))


def _sources(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*.py")) if path.relative_to(root).parts[0] not in _NOT_OURS]
