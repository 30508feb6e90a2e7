"""TQ4xx: the cookbook as a whole, and how its recipes are written."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from toque.cookbook.layout import MANIFEST
from toque.cookbook.lint.finding import Edit
from toque.cookbook.lint.linter import Found, cookbook_rule, rule
from toque.cookbook.lint.subject import Cookbook, PythonFile, text_of
from toque.core.errors import did_you_mean

_REACTIONS = ("restart_on", "reload_on", "notify", "notify_now", "notify_before")


@cookbook_rule(
    "TQ401", "no-platforms", 'add platforms = ["debian"] to [cookbook]: families or names, as node.platform has them'
)
def no_platforms(cookbook: Cookbook) -> Iterator[tuple[Path, int, str]]:
    """On a machine that it was not made for a cookbook shall refuse, not fail half way."""
    if not cookbook.info.platforms:
        yield cookbook.root / MANIFEST, 1, "does not say which platforms the cookbook is for"


@cookbook_rule("TQ402", "no-description", 'add description = "…" to [cookbook]')
def no_description(cookbook: Cookbook) -> Iterator[tuple[Path, int, str]]:
    """One sentence, which lists and the console show."""
    if not cookbook.info.description.strip():
        yield cookbook.root / MANIFEST, 1, "does not say what the cookbook is for"


@cookbook_rule("TQ403", "no-tests", "`toque cookbook new` shows what a test looks like")
def no_tests(cookbook: Cookbook) -> Iterator[tuple[Path, int, str]]:
    """A cookbook without a test is tested on the machines that matter."""
    tests = cookbook.root / "tests"
    if cookbook.recipes and not (tests.is_dir() and any(tests.rglob("test_*.py"))):
        yield cookbook.root / MANIFEST, 1, "has recipes and no tests"


@rule("TQ404", "no-such-recipe", "mend the name; a recipe is a file in recipes/")
def no_such_recipe(file: PythonFile, cookbook: Cookbook) -> Found:
    """An include of what is not there ends the run at that line."""
    for said in file.calls_of("include_recipe"):
        name = text_of(said.first)
        owner, _, recipe = (name or "").partition("::")
        if name is not None and owner == cookbook.info.name and (recipe or "default") not in cookbook.info.recipes:
            near = did_you_mean(recipe or "default", cookbook.info.recipes)
            yield said.call.lineno, said.call.col_offset, f"there is no recipe {name}{near}", None


@rule("TQ405", "not-required", "name it under [requires] in cookbook.toml, with a version")
def not_required(file: PythonFile, cookbook: Cookbook) -> Found:
    """What a cookbook needs of others must come with it."""
    known = {cookbook.info.name, *cookbook.info.requires}
    modules = {name.replace("-", "_") for name in known}
    for said in file.calls_of("include_recipe"):
        name = text_of(said.first)
        if name is not None and (owner := name.partition("::")[0]) not in known:
            yield said.call.lineno, said.call.col_offset, f"cookbook {owner} is included, and not required", None
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cookbooks."):
            owner = (node.module or "").split(".")[1]
            if owner not in modules:
                yield node.lineno, node.col_offset, f"cookbook {owner} is imported from, and not required", None


@rule("TQ406", "print", "log(…) goes to the run's log, with secrets hidden")
def prints(file: PythonFile, cookbook: Cookbook) -> Found:
    """What is printed stands between the lines of the log and is not in the report."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
            place = (node.func.lineno, node.func.col_offset)
            known = "log" in file.words and not node.keywords and len(node.args) == 1
            edit = Edit(*place, place[0], place[1] + 5, "log") if known else None
            yield *place, "print() in a recipe", edit


@rule("TQ407", "guard-is-called", "give the function itself: only_if=ready, or lambda: node.cpu.count > 2")
def guard_is_called(file: PythonFile, cookbook: Cookbook) -> Found:
    """only_if=ready() is asked once, where it is written, and hands over yes or no, which is refused."""
    for said in file.said:
        for name in ("only_if", "not_if", "unless", "holds", "until"):
            value = said.given(name)
            if isinstance(value, ast.Call | ast.Compare | ast.BoolOp):
                yield value.lineno, value.col_offset, f"{name} is given an answer, not a question", None


@rule(
    "TQ408",
    "reference-is-text",
    "keep what the word returns, and give that: conf = file(…); service(…, restart_on=[conf])",
)
def reference_is_text(file: PythonFile, cookbook: Cookbook) -> Found:
    """A resource is referred to by its value, never by a text."""
    for said in file.said:
        for name in _REACTIONS:
            value = said.given(name)
            for each in value.elts if isinstance(value, ast.List | ast.Tuple) else [value]:
                if text_of(each) is not None:
                    assert each is not None
                    yield each.lineno, each.col_offset, f"{name} is given a text", None


@rule("TQ409", "declared-twice", "say it once, with all its properties")
def declared_twice(file: PythonFile, cookbook: Cookbook) -> Found:
    """The same file (package, service) said twice with different properties changes in every run, for ever."""
    seen: dict[tuple[str, str], tuple[int, str]] = {}
    for node in file.tree.body:
        for said in (each for each in file.said if each.call.lineno == getattr(node, "lineno", 0)):
            name = text_of(said.first)
            if name is None or said.word not in ("file", "template", "package", "service", "user", "group", "link"):
                continue
            properties = ", ".join(sorted(ast.unparse(each) for each in said.call.keywords))
            line, before = seen.setdefault((said.word, name), (said.call.lineno, properties))
            if before != properties:
                yield (
                    said.call.lineno,
                    said.call.col_offset,
                    f"{said.word}[{name}] is declared on line {line} too, differently",
                    None,
                )


@rule("TQ410", "failure-swallowed", "ignore_failure=True keeps a failure visible in the report")
def failure_swallowed(file: PythonFile, cookbook: Cookbook) -> Found:
    """A failure that an except hides is seen by nobody."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
            if broad and all(isinstance(each, ast.Pass | ast.Continue) for each in node.body):
                yield node.lineno, node.col_offset, "an except hides every failure", None


@rule("TQ411", "no-such-setting", "mend the name, or add it to Settings")
def no_such_setting(file: PythonFile, cookbook: Cookbook) -> Found:
    """A setting that Settings does not have fails where it is read."""
    local = next((name for name, word in file.words.items() if word == "settings"), None)
    known = _settings_of(cookbook)
    if local is None or known is None:
        return
    for node in ast.walk(file.tree):
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=asked) if name == local and asked not in known:
                yield node.lineno, node.col_offset, f"Settings has no {asked}{did_you_mean(asked, known)}", None


def _settings_of(cookbook: Cookbook) -> set[str] | None:
    """The names that the cookbook's Settings has; None where it has none, or inherits some."""
    file = next((each for each in cookbook.files if each.path == cookbook.root / "settings.py"), None)
    kinds = [node for node in file.tree.body if isinstance(node, ast.ClassDef)] if file is not None else []
    settings = next((each for each in kinds if each.name == "Settings"), None)
    if settings is None or settings.bases:
        return None
    names = {
        each.target.id
        for each in settings.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    }
    return names | {each.name for each in settings.body if isinstance(each, ast.FunctionDef)}
