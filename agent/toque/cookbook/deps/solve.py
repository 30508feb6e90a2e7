"""Choosing one version of each cookbook, on the author's machine, by resolvelib as pip does it.

Nobody else solves: the lock that comes out is what servers and nodes obey.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toque.cookbook.deps.errors import BadDependencies, MissingExtra, NotToBeHad
from toque.cookbook.deps.fetch import Fetcher
from toque.cookbook.deps.lock import FILE, Lock, Locked, comes_from, wants_of
from toque.cookbook.deps.manifest import Manifest
from toque.cookbook.deps.origin import Builtin, Local, Published
from toque.cookbook.deps.specifiers import wrong_with
from toque.cookbook.deps.toml import line_of
from toque.cookbook.layout import MANIFEST, CookbookInfo


@dataclass(frozen=True)
class Need:
    """`by` needs `name` in version `spec`; `where` is the file and line that say so."""

    name: str
    spec: str
    by: str
    where: tuple[Path | str, int]

    def __str__(self) -> str:
        return f"{self.by} needs {self.name}{'' if self.spec == '*' else f' {self.spec}'}"


@dataclass(frozen=True)
class Candidate:
    """One version of a cookbook. `locked` is None for those that are not locked: own and built-in ones."""

    name: str
    version: str
    place: str
    locked: Locked | None = None
    source: str = ""
    bundle: str = ""


@dataclass
class Solver:
    """`old` is the lock that there is; what it says is kept, but for the cookbooks in `update` (None: for all)."""

    manifest: Manifest
    own: Mapping[str, CookbookInfo]
    own_folders: Mapping[str, Path]
    fetcher: Fetcher
    old: Lock | None = None
    update: Collection[str] | None = ()
    _candidates: dict[str, list[Candidate]] = field(default_factory=dict)

    def solve(self) -> Lock:
        """Raises BadDependencies, in one sentence, where no versions satisfy everybody; and MissingExtra."""
        try:
            import packaging.specifiers  # noqa: F401 (used by `fits`)
            import resolvelib
        except ImportError as missing:
            raise MissingExtra(missing.name or "resolvelib") from None
        if self.update is not None and (unknown := sorted(set(self.update) - self._known_names())):
            raise BadDependencies(self.manifest.path, f"there is no dependency {', '.join(unknown)} to update")
        while True:
            try:
                # Not its Resolver: that looks for what nobody needs any more, and is lost in circles of such cookbooks.
                solving = resolvelib.resolvers.Resolution(_provider(self), resolvelib.BaseReporter())
                chosen = self._needed(solving.resolve(self._asked(), max_rounds=10_000).mapping)
                break
            except resolvelib.ResolutionImpossible as impossible:
                if not self._loosen(impossible.causes):
                    raise self._conflict([cause.requirement for cause in impossible.causes]) from None
            except resolvelib.ResolutionTooDeep:
                raise BadDependencies(
                    self.manifest.path, "no versions were found in 10,000 steps: narrow some versions"
                ) from None
        locked = {name: self._bring(each) for name, each in chosen.items() if self._is_locked(each)}
        return Lock(wants_of(self.manifest, self.own), locked)

    def _needed(self, chosen: Mapping[str, Candidate]) -> dict[str, Candidate]:
        """What was chosen on a way that was given up is not needed."""
        found: dict[str, Candidate] = {}
        todo = [need.name for need in self._asked()]
        while todo:
            if (name := todo.pop()) not in found:
                found[name] = chosen[name]
                todo += [need.name for need in self.needs_of(chosen[name])]
        return found

    def _loosen(self, causes: Iterable[Any]) -> bool:
        """What is locked and stands in the way of today's wishes need not stay; False where nothing locked does."""
        names = {cause.requirement.name for cause in causes} | {cause.parent.name for cause in causes if cause.parent}
        freed = {name for name in names if self._kept(name) is not None}
        if freed and self.update is not None:
            self.update = {*self.update, *freed}
            self._candidates.clear()
        return bool(freed)

    def needs_of(self, candidate: Candidate) -> Iterator[Need]:
        """What a candidate requires in turn; it is fetched for that."""
        if candidate.name in self.own and not self._is_locked(candidate):
            return  # asked for from the beginning
        if self._is_locked(candidate):
            locked = self._bring(candidate)
            by = f"{locked.name} {locked.version}"
            for name, spec in sorted(locked.requires.items()):
                if why := wrong_with(spec):
                    raise BadDependencies(
                        self.manifest.path, f"[requires] of {by}: {name} {why}", self._line(locked.name)
                    )
                yield Need(name, spec, by, (self.manifest.path, self._line(locked.name)))

    def candidates(self, name: str, needs: list[Need]) -> list[Candidate]:
        """Every version that there is, the one to prefer first. Raises BadDependencies where there is none at all."""
        if name not in self._candidates:
            self._candidates[name] = self._find(name, needs)
        return self._candidates[name]

    def _find(self, name: str, needs: list[Need]) -> list[Candidate]:
        wanted = self.manifest.cookbooks.get(name)
        if wanted is None and name in self.own:
            return [Candidate(name, self.own[name].version, "this repository")]
        if wanted is not None and isinstance(wanted.origin, Builtin):
            return [Candidate(name, "", "built-in")]
        kept = self._kept(name)
        if wanted is not None and not isinstance(wanted.origin, Published):
            locked = kept or self.fetcher.resolve(wanted)
            return [Candidate(name, locked.version, str(locked.origin), locked)]
        origin = wanted.origin if wanted is not None else Published()
        assert isinstance(origin, Published)
        found = [] if kept is None else [Candidate(name, kept.version, str(kept.origin), kept)]
        if kept is None or not self.fetcher.offline:
            found += self._listed(name, origin, needs)
        if not found:
            first = needs[0]
            places = f"in no source of {self.manifest.path.name}" if self.manifest.sources else "nowhere"
            raise BadDependencies(
                first.where[0],
                f"{first}, which is {places}: say where it is, as with "
                f"`toque cookbook deps add {name} --git URL`, or {name} = {{ builtin = true }}",
                first.where[1],
            )
        return found

    def _listed(self, name: str, origin: Published, needs: list[Need]) -> list[Candidate]:
        from packaging.version import Version

        found: dict[str, Candidate] = {}
        for title, source in self.manifest.sources.items():
            if origin.source in ("", title):
                try:
                    versions = self.fetcher.shelves.listed(source).get(name, {})
                except NotToBeHad as error:
                    raise BadDependencies(needs[0].where[0], f"{name}: {error}", needs[0].where[1]) from error
                for version, bundle in versions.items():
                    found.setdefault(version, Candidate(name, version, f"server {title}", source=title, bundle=bundle))
        return sorted(found.values(), key=lambda each: Version(each.version), reverse=True)

    def _kept(self, name: str) -> Locked | None:
        """What is locked already, if that is still what is asked for and may stay."""
        if self.old is None or self.update is None or name in self.update or name not in self.old.cookbooks:
            return None
        locked = self.old.cookbooks[name]
        asked = self.manifest.cookbooks[name].origin if name in self.manifest.cookbooks else Published()
        if isinstance(locked.origin, Local) or not comes_from(locked.origin, asked):
            return None
        if isinstance(locked.origin, Published) and locked.origin.source not in self.manifest.sources:
            return None
        return locked

    def _bring(self, candidate: Candidate) -> Locked:
        """The candidate as it is locked, with its files in the cache."""
        name = candidate.name
        try:
            if candidate.locked is None:
                origin = Published(candidate.source, candidate.bundle)
                return self.fetcher.published(name, origin)
            info = self.fetcher.bring(candidate.locked)
        except NotToBeHad as error:
            raise BadDependencies(self.manifest.path, f"{name}: {error}", self._line(name)) from error
        if (info.name, info.version, info.requires) != (name, candidate.version, dict(candidate.locked.requires)):
            raise BadDependencies(
                self.manifest.root / FILE,
                f"says something else about {name} than its {MANIFEST}: run `toque cookbook deps update {name}`",
            )
        return candidate.locked

    def _is_locked(self, candidate: Candidate) -> bool:
        return candidate.locked is not None or candidate.bundle != ""

    def _asked(self) -> list[Need]:
        path = self.manifest.path
        asked = [
            Need(each.name, each.version, path.name, (path, each.line)) for each in self.manifest.cookbooks.values()
        ]
        for name, info in sorted(self.own.items()):
            file = self.own_folders[name] / MANIFEST
            text = file.read_text(encoding="utf-8") if info.requires else ""
            for need, spec in sorted(info.requires.items()):
                line = line_of(text, "requires", need)
                if why := wrong_with(spec):
                    raise BadDependencies(file, f"[requires] {need} {why}", line)
                asked.append(Need(need, spec, f"{name} {info.version}", (file, line)))
        return asked

    def _known_names(self) -> set[str]:
        return {*self.manifest.cookbooks, *(self.old.cookbooks if self.old else ())}

    def _line(self, name: str) -> int:
        return self.manifest.cookbooks[name].line if name in self.manifest.cookbooks else 0

    def _conflict(self, causes: list[Need]) -> BadDependencies:
        """Who needs what, and what there is, in one sentence."""
        sentences, blamed = [], causes[0]
        for name in sorted({each.name for each in causes}):
            there = self._candidates.get(name, [])
            needs = list({str(each): each for each in causes if each.name == name and each.spec != "*"}.values())
            # Last the one that what there is does not satisfy: it comes after the "but".
            needs.sort(key=lambda each: (not _any_fits(each, self._candidates.get(each.name, [])), str(each)))
            blamed = needs[-1] if needs else blamed
            versions = ", ".join(f"{each.version} ({each.place})" for each in there[:6])
            more = f" and {len(there) - 6} more" if len(there) > 6 else ""
            sentences.append(f"{', but '.join(map(str, needs))}; of {name} there is {versions}{more}")
        return BadDependencies(blamed.where[0], "; and ".join(sentences), blamed.where[1])


def fits(need: Need, candidate: Candidate) -> bool:
    """Whether a version will do."""
    from packaging.specifiers import SpecifierSet

    return need.spec == "*" or candidate.version == "" or SpecifierSet(need.spec).contains(candidate.version, True)


def _asked_for(candidate: Candidate, needs: list[Need]) -> bool:
    """A pre-release that a server lists comes last, unless somebody's specifier names one."""
    from packaging.specifiers import SpecifierSet
    from packaging.version import Version

    if not candidate.bundle or not Version(candidate.version).is_prerelease:
        return True
    return any(need.spec != "*" and SpecifierSet(need.spec).prereleases for need in needs)


def _any_fits(need: Need, candidates: list[Candidate]) -> bool:
    return any(fits(need, each) for each in candidates)


def _provider(solver: Solver) -> Any:
    """resolvelib's questions, answered. A function, because its base class exists only with the extra."""
    from resolvelib import AbstractProvider

    class Provider(AbstractProvider[Need, Candidate, str]):
        def identify(self, requirement_or_candidate: Need | Candidate) -> str:
            return requirement_or_candidate.name

        def get_preference(self, identifier: str, *_: Any, **__: Any) -> str:
            return identifier

        def find_matches(self, identifier: str, requirements: Any, incompatibilities: Any) -> list[Candidate]:
            needs = list(requirements[identifier])
            refused = list(incompatibilities[identifier])
            found = solver.candidates(identifier, needs)
            left = [each for each in found if each not in refused and all(fits(need, each) for need in needs)]
            return sorted(left, key=lambda each: not _asked_for(each, needs))

        def is_satisfied_by(self, requirement: Need, candidate: Candidate) -> bool:
            return fits(requirement, candidate)

        def get_dependencies(self, candidate: Candidate) -> list[Need]:
            return list(solver.needs_of(candidate))

    return Provider()
