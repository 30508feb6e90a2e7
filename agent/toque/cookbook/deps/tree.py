"""What a lock means, for people: who needs what, and why a cookbook is there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from toque.cookbook.deps.lock import Lock
from toque.cookbook.deps.manifest import Manifest
from toque.cookbook.layout import CookbookInfo


@dataclass(frozen=True)
class Graph:
    """`needs` maps a cookbook to what it requires, with the version specifier."""

    needs: Mapping[str, Mapping[str, str]]
    versions: Mapping[str, str]
    roots: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Each root, and below it, indented, what it needs; what was shown before is marked and not shown again."""
        seen: set[str] = set()
        for root in self.roots:
            yield from self._below(root, "", "", seen)

    def chains(self, name: str) -> list[list[str]]:
        """The ways from the roots to a cookbook, the shortest first, at most twenty."""
        found: list[list[str]] = []
        todo = [[root] for root in self.roots]
        while todo and len(found) < 20:
            chain = todo.pop(0)
            if chain[-1] == name:
                found.append(chain)
                continue
            todo += [[*chain, need] for need in sorted(self.needs.get(chain[-1], {})) if need not in chain]
        return found

    def said(self, chain: list[str]) -> str:
        """`web 1.0.0 → nginx >=1.2 (1.4.0)`."""
        words = [self.title(chain[0])]
        for above, name in itertools.pairwise(chain):
            words.append(f"{name} {self.needs[above][name]} ({self.versions.get(name) or 'built-in'})")
        return " → ".join(words)

    def title(self, name: str) -> str:
        return f"{name} {self.versions.get(name) or '(built-in)'}"

    def _below(self, name: str, indent: str, spec: str, seen: set[str]) -> Iterator[str]:
        again = name in seen and bool(self.needs.get(name))
        yield f"{indent}{self.title(name)}{f'  ({spec})' if spec else ''}{' …' if again else ''}"
        if name in seen:
            return
        seen.add(name)
        for need, wanted in sorted(self.needs.get(name, {}).items()):
            yield from self._below(need, f"{indent}    ", wanted, seen)


def graph(manifest: Manifest, own: Mapping[str, CookbookInfo], lock: Lock) -> Graph:
    """Roots are the own cookbooks, and what cookbooks.toml asks for though no own cookbook requires it."""
    needs = {name: dict(each.requires) for name, each in lock.cookbooks.items()}
    needs |= {name: dict(info.requires) for name, info in own.items()}
    versions = {name: each.version for name, each in lock.cookbooks.items()}
    versions |= {name: info.version for name, info in own.items()}
    needed = {need for inner in needs.values() for need in inner}
    roots = [*sorted(own), *sorted(name for name in manifest.cookbooks if name not in needed and name not in own)]
    return Graph(needs, versions, tuple(roots))
