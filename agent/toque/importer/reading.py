"""Files and folders of answers: each is recognised by what is in it, whatever it is called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from toque.importer import kinds
from toque.importer.dump import Dump, Found
from toque.importer.kinds import KINDS, NOT_IMPORTED, TAGS, Shapes
from toque.importer.problems import BadDump, Verdict
from toque.importer.texts import pieces

_SUFFIXES: Final = (".json", ".jsonl", ".ndjson", ".yaml", ".yml")
_LARGEST: Final = 512 * 1024 * 1024
_DEEPEST: Final = 5

_BESIDE: Final = frozenset({"ResponseMetadata", "NextToken", "StackId", "LayerId", "InstanceId", "ResourceArn"})
"""What may stand beside records: what boto3 adds, leftovers of paging, and what the call was asked for."""


def read(paths: Sequence[Path], shapes: Shapes) -> Dump:
    """All that these files and folders hold. Raises BadDump with everything that is wrong."""
    return _Reading(shapes).whole(paths)


class _Reading:
    def __init__(self, shapes: Shapes) -> None:
        self._shapes = shapes
        self._dump = Dump()
        self._problems: list[str] = []
        self._unknown: Counter[tuple[str, str]] = Counter()

    def whole(self, paths: Sequence[Path]) -> Dump:
        for path in paths:
            for file in self._files(path):
                try:
                    self._file(file)
                except BadDump as error:
                    self._problems += error.problems
        if not self._problems and not {"Stacks", "UserProfiles"} & self._dump.records.keys():
            said = "there is no answer of describe-stacks in it, and every other record belongs to a stack"
            self._problems.append(f"{', '.join(map(str, paths))}: {said}")
        if self._problems:
            raise BadDump(self._problems)
        for (kind, member), count in self._unknown.items():
            times = f"{count} records have it" if count > 1 else "one record has it"
            self._dump.remark(f"{kind}: {member}", f"no such member is known; {times}")
        return self._dump

    def _files(self, path: Path) -> Iterable[Path]:
        if not path.is_dir():
            return [path]
        every = sorted(each for each in path.rglob("*") if each.is_file())
        every = [each for each in every if not any(part.startswith(".") for part in each.relative_to(path).parts)]
        taken = [each for each in every if each.name.lower().removesuffix(".gz").endswith(_SUFFIXES)]
        if rest := [str(each.relative_to(path)) for each in every if each not in taken]:
            said = f"not looked at, since no answer is called so ({', '.join(_SUFFIXES)}, also with .gz)"
            self._dump.remark(", ".join(rest[:5]) + (f" and {len(rest) - 5} more" if len(rest) > 5 else ""), said)
        if not taken:
            self._problems.append(f"{path}: there is no file {', '.join(_SUFFIXES)} in it")
        return taken

    def _file(self, file: Path) -> None:
        try:
            if file.stat().st_size > _LARGEST:
                raise BadDump([f"{file}: it has more than {_LARGEST // 2**20} MiB"])
            data = file.read_bytes()
        except OSError as error:
            raise BadDump([f"{file}: {error.strerror}"]) from None
        found = pieces(data, str(file))
        if not found:
            self._dump.remark(str(file), "it is empty: did the call that made it fail?")
        for value, place in found:
            if not self._take(value, place, str(file), 0):
                self._not_recognised(value, place)

    def _not_recognised(self, value: Any, place: str) -> None:
        names = list(value)[:5] if isinstance(value, dict) else []
        said = f"no answer of OpsWorks has the members {', '.join(map(str, names))}" if names else "it is no answer"
        if isinstance(value, list) and value and isinstance(value[0], dict):
            said = "it is a list of records that does not say of what: please save the whole answer, without --query"
        self._dump.remark(place, said)

    def _take(self, value: Any, place: str, around: str, depth: int) -> bool:
        """Keep what is an answer, or has answers in it, such as a list or an object of them; says whether it has."""
        if depth > _DEEPEST:
            return False
        if isinstance(value, list):
            taken = [self._take(each, f"{place}[{n}]", around, depth + 1) for n, each in enumerate(value)]
            return any(taken) or (not value and depth > 0)
        if not isinstance(value, dict):
            return False
        known = [name for name in value if name in KINDS or name in NOT_IMPORTED or name == TAGS]
        if not known:
            inner = [
                self._take(each, f"{place}: {key}", f"{around}/{key}", depth + 1)
                for key, each in value.items()
                if isinstance(each, dict | list) and key not in _BESIDE
            ]
            return any(inner)
        beside = "/".join(str(each) for key, each in value.items() if key in _BESIDE and isinstance(each, str))
        for name in known:
            self._answer(name, value[name], place, f"{around}/{beside}")
        for name in value.keys() - known - _BESIDE:
            if NOT_IMPORTED.keys().isdisjoint(known):
                self._unknown["beside " + known[0], name] += 1
        if value.get("NextToken"):
            said = f"this is not the last page of {known[0]}: please add the others, if they are not here already"
            self._dump.remark(place, said, Verdict.TO_DO)
        return True

    def _answer(self, kind: str, value: Any, place: str, around: str) -> None:
        if kind in NOT_IMPORTED:
            self._dump.remark(f"{kind} in {place}", NOT_IMPORTED[kind])
            return
        self._dump.kinds.add(kind)
        if kind == TAGS:
            self._tags(value, place, around)
            return
        if not isinstance(value, list):
            self._problems.append(f"{place}: {kind} must be a list of records")
            return
        for number, record in enumerate(value):
            where = f"{place}: {kind}[{number}]"
            if not isinstance(record, dict):
                self._problems.append(f"{where} must be an object")
            elif wrong := list(kinds.wrong(kind, record, self._shapes)):
                self._problems += [f"{where}{each}" for each in wrong]
            else:
                self._unknown.update((kind, each) for each in kinds.unknown(kind, record, self._shapes))
                self._dump.add(kind, Found(record, where, around))

    def _tags(self, value: Any, place: str, around: str) -> None:
        if isinstance(value, list):
            pairs = list(_pairs(value))
            value = dict(pairs) if len(pairs) == len(value) else None
        if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
            self._problems.append(f"{place}: Tags must be an object of texts")
            return
        self._dump.tags.append(Found(value, place, around))


def _pairs(value: list[Any]) -> Iterator[tuple[str, str]]:
    """Tags as other services write them: [{"Key": …, "Value": …}]."""
    for each in value:
        if isinstance(each, dict) and isinstance(each.get("Key"), str) and isinstance(each.get("Value"), str):
            yield each["Key"], each["Value"]
