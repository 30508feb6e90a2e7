"""What a run still owes: notifications not yet delivered and changes not yet reacted to, on disk until they are.

A run that dies between a changed file and the restart of its service leaves both lines here. The next run reads them,
so `restart_on=[conf]` restarts although the file is right by now, and a delayed notification is delivered at its end.
Lines are appended as things happen; a run that ends well leaves only what it never came by.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from toque.core.errors import BadProperty, ToqueError
from toque.core.resource import Action, Resource
from toque.core.secret import Secret

_WORDS = "toque.resources."
MOST_KEPT = 2000
"""Changes that nobody reacted to yet, at most so many: the newest."""


@dataclass(frozen=True)
class Debt:
    """A notification of an earlier run: enough to make its resource again, unless it is not `whole`.

    `module` and `kind` are where its class is: `toque.resources.service`, or a module of a cookbook.
    """

    word: str
    name: str
    action: str
    properties: dict[str, Any]
    module: str
    kind: str
    whole: bool = True
    """Whether all properties could be written down; what holds a secret must be declared again to be acted on."""

    @property
    def key(self) -> str:
        return f"{self.word}[{self.name}].{self.action}"

    @property
    def of_cookbook(self) -> bool:
        """Whether its word is a cookbook's own, and not there without it."""
        return not self.module.startswith(_WORDS)

    @classmethod
    def of(cls, action: Action) -> Debt:
        resource, kind = action.resource, type(action.resource)
        properties, whole = _plain(resource)
        return cls(resource.word, resource.identity(), action.name, properties, kind.__module__, kind.__name__, whole)

    def remade(self) -> Resource[Any]:
        """Its resource. Raises Undeliverable when its class is gone, or takes other properties by now."""
        from importlib import import_module

        try:
            kind: type[Resource[Any]] = getattr(import_module(self.module), self.kind)
            return kind(**self.properties)
        except (ImportError, AttributeError, TypeError, BadProperty) as error:
            raise Undeliverable(f"{self.key} is owed by an earlier run and cannot be done any more: {error}") from None


class Undeliverable(ToqueError):
    """A notification whose resource cannot be made again."""


class Ledger:
    """The file, and what it said when the run began. Without a path nothing outlives the run."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: int | None = None
        self.debts: dict[str, Debt] = {}
        self._changed: dict[str, int] = {}
        self._delivered: dict[str, int] = {}
        for number, line in enumerate(self._lines()):
            self._read(number, line)

    def changed(self, key: str) -> None:
        """Written before it is changed: a run that dies right after must not leave a change that nobody knows of."""
        self._write({"changed": key})

    def unchanged(self, key: str) -> None:
        """What was to be changed could not be."""
        self._write({"unchanged": key})

    @property
    def carries_any(self) -> bool:
        """Whether an earlier run left a change behind."""
        return bool(self._changed)

    def owes(self, debt: Debt) -> None:
        if debt.key not in self.debts:
            self.debts[debt.key] = debt
            self._write({"owes": _line_of(debt)})

    def delivered(self, key: str) -> None:
        self.debts.pop(key, None)
        self._delivered[key] = len(self._changed) + len(self._delivered) + (1 << 40)
        self._write({"delivered": key})

    def carries(self, cause: str, reaction: str) -> bool:
        """Whether an unfinished earlier run changed `cause` and `reaction` has not followed."""
        at = self._changed.get(cause)
        return at is not None and self._delivered.get(reaction, -1) < at

    def clear(self, declared: Collection[str] = ()) -> None:
        """The run ended well: nothing is owed any more, but for debts that are left, and for what reacts to changes of
        resources that were not `declared` in this run. Whoever declares them next finds them changed."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._changed = {key: number for key, number in self._changed.items() if key not in declared}
        kept: list[tuple[int, dict[str, Any]]] = [(number, {"changed": key}) for key, number in self._changed.items()]
        if kept:
            kept += [(number, {"delivered": key}) for key, number in self._delivered.items()]
        lines = [line for _, line in sorted(kept, key=lambda each: each[0])][-MOST_KEPT:]
        lines += [{"owes": _line_of(debt)} for debt in self.debts.values()]
        if self._path is None:
            return
        if not lines:
            self._path.unlink(missing_ok=True)
            return
        beside = self._path.with_name(f"{self._path.name}.new")
        beside.unlink(missing_ok=True)
        file = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as new:
            new.write(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
            new.flush()
            os.fdatasync(new.fileno())
        beside.rename(self._path)

    def _lines(self) -> list[dict[str, Any]]:
        """The whole lines of the file. A torn one is what a crash leaves; it says nothing."""
        if self._path is None or not self._path.exists():
            return []
        return [line for text in self._path.read_text(encoding="utf-8").split("\n") if (line := _whole(text))]

    def _read(self, number: int, line: dict[str, Any]) -> None:
        match line:
            case {"changed": key}:
                self._changed[key] = number
            case {"unchanged": key}:
                self._changed.pop(key, None)
            case {"owes": [word, name, action, properties, module, kind, whole]}:
                debt = Debt(word, name, action, properties, module, kind, whole)
                self.debts[debt.key] = debt
            case {"delivered": key}:
                self._delivered[key] = number
                self.debts.pop(key, None)

    def _write(self, line: dict[str, Any]) -> None:
        if self._path is None:
            return
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.write(self._file, b"\n" + json.dumps(line).encode() + b"\n")


def _whole(text: str) -> dict[str, Any] | None:
    try:
        line = json.loads(text) if text else None
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _line_of(debt: Debt) -> list[Any]:
    return [debt.word, debt.name, debt.action, debt.properties, debt.module, debt.kind, debt.whole]


def _plain(resource: Resource[Any]) -> tuple[dict[str, Any], bool]:
    """The properties of a resource that can be written down, and whether that is all of them.

    Secrets never are. References to others, and the options of the engine, an action does not need.
    """
    common = {f.name for f in fields(Resource)}
    given = {f.name: getattr(resource, f.name) for f in fields(resource) if f.init and f.name not in common}
    kept = {name: value for name, value in given.items() if value is not None and not _refers(value)}
    return {name: value for name, value in kept.items() if _writable(value)}, all(map(_writable, kept.values()))


def _refers(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return not value or any(map(_refers, value))
    return isinstance(value, Resource | Action)


def _writable(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_writable, value))
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _writable(each) for key, each in value.items())
    return isinstance(value, str | int | float) and not isinstance(value, Secret)
