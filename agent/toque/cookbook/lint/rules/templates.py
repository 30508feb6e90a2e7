"""TQ3xx: templates and files of the cookbook."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from toque.cookbook.lint.linter import Found, cookbook_rule, rule
from toque.cookbook.lint.subject import Cookbook, PythonFile, Said, text_of

_GIVEN = {"node", "settings"}


def _properties() -> set[str]:
    from dataclasses import fields

    from toque.resources.template import Template

    return {each.name for each in fields(Template)}


def _variables(said: Said) -> set[str] | None:
    """The variables that a template is given; None where that cannot be told from the text."""
    properties = _properties()
    given = {each.arg for each in said.call.keywords if each.arg is not None and each.arg not in properties}
    if any(each.arg is None for each in said.call.keywords):
        return None
    mapping = said.given("variables")
    if mapping is None:
        return given
    if not isinstance(mapping, ast.Dict) or any(text_of(key) is None for key in mapping.keys):
        return None
    return given | {text for key in mapping.keys if (text := text_of(key)) is not None}


def _used(path: Path, folder: Path, seen: frozenset[Path] = frozenset()) -> set[str] | None:
    """The variables that a template uses, in what it includes too; None where it cannot be parsed."""
    import jinja2
    from jinja2 import meta

    if path in seen:
        return set()
    environment = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    try:
        tree = environment.parse(path.read_text(encoding="utf-8"))
    except (jinja2.TemplateSyntaxError, UnicodeDecodeError, OSError):
        return None
    used = set(meta.find_undeclared_variables(tree))
    for name in meta.find_referenced_templates(tree):
        inner = None if name is None else _used(folder / name, folder, seen | {path})
        if inner is None:
            return None
        used |= inner
    return used


def _said_templates(file: PythonFile, cookbook: Cookbook) -> Iterator[tuple[Said, str, set[str], set[str]]]:
    """Each template with its name, what it is given and what it uses, where all of that can be told."""
    folder = cookbook.root / "templates"
    for said in file.calls_of("template"):
        name, given = text_of(said.given("source")), _variables(said)
        if name is None or given is None or not (folder / name).is_file():
            continue
        used = _used(folder / name, folder)
        if used is not None:
            yield said, name, given, used


@rule("TQ301", "variable-not-given", "give it by name, or take it out of the template")
def variable_not_given(file: PythonFile, cookbook: Cookbook) -> Found:
    """A variable that nobody gives fails the run on the line of the template."""
    for said, name, given, used in _said_templates(file, cookbook):
        for missing in sorted(used - given - _GIVEN):
            yield said.call.lineno, said.call.col_offset, f"{name} uses {missing}, which is not given", None


@rule("TQ302", "variable-not-used", "leave it out, or use it in the template")
def variable_not_used(file: PythonFile, cookbook: Cookbook) -> Found:
    """What the template does not use was renamed on one side, most often."""
    for said, name, given, used in _said_templates(file, cookbook):
        for idle in sorted(given - used):
            yield said.call.lineno, said.call.col_offset, f"{name} does not use {idle}", None


@rule("TQ303", "no-such-file", "make it, or mend the name")
def no_such_file(file: PythonFile, cookbook: Cookbook) -> Found:
    """A source that is not in the cookbook fails the run."""
    from toque.core.errors import did_you_mean

    for said in file.calls_of("template", "file", "script"):
        kind = "templates" if said.word == "template" else "files"
        name = text_of(said.given("source"))
        there = cookbook.names_in(kind)
        if name is not None and name not in there:
            yield said.call.lineno, said.call.col_offset, f"there is no {kind}/{name}{did_you_mean(name, there)}", None


@cookbook_rule("TQ304", "template-not-used", "remove it, or name it in a recipe")
def template_not_used(cookbook: Cookbook) -> Iterator[tuple[Path, int, str]]:
    """A template that no Python file names as a text, and no other template includes, is dead."""
    from jinja2 import Environment, TemplateSyntaxError, meta

    folder = cookbook.root / "templates"
    named = {text for file in cookbook.files for node in ast.walk(file.tree)
             if isinstance(node, ast.expr) and (text := text_of(node)) is not None}  # fmt: skip
    for name in cookbook.names_in("templates"):
        try:
            tree = Environment().parse((folder / name).read_text(encoding="utf-8"))
        except (TemplateSyntaxError, UnicodeDecodeError):
            continue
        named |= {each for each in meta.find_referenced_templates(tree) if each is not None}
    said_put_together = any(
        said.given("source") is not None and text_of(said.given("source")) is None
        for file in cookbook.files
        for said in file.calls_of("template", "tree")
    )
    for name in sorted(cookbook.names_in("templates") - named) if not said_put_together else ():
        yield folder / name, 1, f"templates/{name} is used by no recipe"


@cookbook_rule("TQ305", "template-cannot-be-read", "mend the line that is named")
def template_cannot_be_read(cookbook: Cookbook) -> Iterator[tuple[Path, int, str]]:
    """A template with a syntax error fails every run that fills it in."""
    from jinja2 import Environment, TemplateSyntaxError

    for name in sorted(cookbook.names_in("templates")):
        path = cookbook.root / "templates" / name
        try:
            Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"]).parse(path.read_text(encoding="utf-8"))
        except TemplateSyntaxError as error:
            yield path, error.lineno, f"is no template: {error.message}"
        except UnicodeDecodeError:
            yield path, 1, "is not UTF-8"
