"""Runs the rules over a cookbook, and carries out the edits of those findings that have one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from toque.cookbook.lint.finding import Edit, Finding
from toque.cookbook.lint.subject import Cookbook, PythonFile, read_cookbook

_IGNORED = re.compile(r"#\s*toque:\s*ignore(?:\[([A-Z0-9, ]+)\])?")

Found = Iterator[tuple[int, int, str, Edit | None]]
"""Line, column, message and perhaps an edit: what a rule yields of one file."""


@dataclass(frozen=True)
class Rule:
    """A rule: `id` for people and comments, `name` for lists, `hint` says what to do, its docstring why."""

    id: str
    name: str
    hint: str
    of_file: Callable[[PythonFile, Cookbook], Found] | None
    of_cookbook: Callable[[Cookbook], Iterator[tuple[Path, int, str]]] | None
    why: str


RULES: dict[str, Rule] = {}


def rule(id: str, name: str, hint: str) -> Callable[[Callable[[PythonFile, Cookbook], Found]], Rule]:
    """Mark a function of one Python file as a rule."""

    def register(check: Callable[[PythonFile, Cookbook], Found]) -> Rule:
        return _add(Rule(id, name, hint, check, None, (check.__doc__ or "").strip()))

    return register


def cookbook_rule(
    id: str, name: str, hint: str
) -> Callable[[Callable[[Cookbook], Iterator[tuple[Path, int, str]]]], Rule]:
    """Mark a function of the whole cookbook as a rule."""

    def register(check: Callable[[Cookbook], Iterator[tuple[Path, int, str]]]) -> Rule:
        return _add(Rule(id, name, hint, None, check, (check.__doc__ or "").strip()))

    return register


def _add(made: Rule) -> Rule:
    if made.id in RULES:
        raise AssertionError(f"two rules are called {made.id}")
    RULES[made.id] = made
    return made


def all_rules() -> list[Rule]:
    """Every rule, by id."""
    package = import_module("toque.cookbook.lint.rules")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return [RULES[id] for id in sorted(RULES)]


def lint_cookbook(root: Path, *, select: Iterable[str] = (), ignore: Iterable[str] = ()) -> list[Finding]:
    """What the rules have to say of the cookbook at `root`, in the order of its files.

    `select` and `ignore` are ids, or beginnings of ids. Raises BadCookbook where there is no cookbook to read.
    """
    chosen = [
        each
        for each in all_rules()
        if (not tuple(select) or each.id.startswith(tuple(select)))
        and not (tuple(ignore) and each.id.startswith(tuple(ignore)))
    ]
    cookbook = read_cookbook(root)
    findings = [
        Finding(path, error.lineno or 1, error.offset or 0, "TQ001", f"is not valid Python: {error.msg}")
        for path, error in cookbook.broken
    ]
    lines = {file.path: file.text.splitlines() for file in cookbook.files}
    for each in chosen:
        findings += _findings(each, cookbook)
    heard = [each for each in findings if not _is_ignored(each, lines)]
    return sorted(heard, key=lambda each: (str(each.path), each.line, each.column, each.rule))


def _findings(each: Rule, cookbook: Cookbook) -> Iterator[Finding]:
    if each.of_cookbook is not None:
        for path, line, message in each.of_cookbook(cookbook):
            yield Finding(path, line, 0, each.id, message, each.hint)
    for file in cookbook.files if each.of_file is not None else ():
        assert each.of_file is not None
        for line, column, message, edit in each.of_file(file, cookbook):
            yield Finding(file.path, line, column, each.id, message, each.hint, edit)


def _is_ignored(finding: Finding, lines: dict[Path, list[str]]) -> bool:
    text = lines.get(finding.path, [])
    marked = _IGNORED.search(text[finding.line - 1]) if 0 < finding.line <= len(text) else None
    if marked is None:
        return False
    return marked[1] is None or finding.rule in re.split(r"[,\s]+", marked[1])


def apply_fixes(findings: Iterable[Finding]) -> int:
    """Carry out the edits of findings, the last of a file first; returns how many. Of two that overlap one is left."""
    by_path: dict[Path, list[Edit]] = {}
    for finding in findings:
        if finding.edit is not None:
            by_path.setdefault(finding.path, []).append(finding.edit)
    done = 0
    for path, edits in by_path.items():
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        before = (len(lines) + 1, 0)
        for edit in sorted(edits, key=lambda e: (e.line, e.column), reverse=True):
            if (edit.end_line, edit.end_column) > before:
                continue
            head = lines[edit.line - 1][: edit.column]
            tail = lines[edit.end_line - 1][edit.end_column :]
            lines[edit.line - 1 : edit.end_line] = [head + edit.text + tail]
            before = (edit.line, edit.column)
            done += 1
        path.write_text("".join(lines), encoding="utf-8")
    return done
