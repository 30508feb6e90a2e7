"""Filling in the Jinja templates of a cookbook."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toque.core.errors import BadProperty, ToqueError, did_you_mean
from toque.core.files import cookbook_file
from toque.core.resource import display
from toque.core.secret import Secret, holds_secret
from toque.core.source import Source

if TYPE_CHECKING:
    import jinja2

Helpers = Sequence[Callable[..., Any]]


class TemplateFailed(ToqueError):
    """A template that cannot be read or filled in: which line of it, why, and what it was given."""

    def __init__(self, source: Source, reason: str, variables: Mapping[str, Any]) -> None:
        self.source, self.reason, self.variables = source, reason, dict(variables)
        super().__init__(source, reason)

    def __str__(self) -> str:
        given = ", ".join(f"{name}={display(value)}" for name, value in sorted(self.variables.items()))
        return f"{self.source}: {self.reason}\n{self.source.excerpt()}\ngiven: {given or 'no variables'}"


def rendered(
    name: str,
    variables: Mapping[str, Any],
    declared: Source,
    *,
    kind: str = "templates",
    helpers: Helpers = (),
    known: type[Any] | None = None,
) -> str:
    """The text that the template `name` of a cookbook comes to; a Secret when one went into it.

    A variable that the template does not use is taken for a misspelt property of the class `known`; without that it is
    passed over, as one set of variables may serve many templates.
    """
    path, template, text = _compiled(kind, name, declared, tuple(helpers))
    for variable in variables:
        if known is not None and not re.search(rf"\b{re.escape(variable)}\b", text):
            hint = did_you_mean(variable, [each.name for each in fields(known)])
            raise BadProperty(f"template has no property {variable}, and {name} uses no such variable{hint}")
    import jinja2

    try:
        made = template.render(variables)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateFailed(Source(error.filename or str(path), error.lineno), str(error.message), variables) from None
    except jinja2.TemplateError as error:
        raise TemplateFailed(_line_of(error, path, name), str(error), variables) from None
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
        raise TemplateFailed(_line_of(error, path, name), f"{type(error).__name__}: {error}", variables) from None
    return Secret.around(made) if holds_secret(variables) else made


_ENVIRONMENTS: dict[tuple[Path, Helpers], jinja2.Environment] = {}
_COMPILED: dict[tuple[str, str, str, Helpers], tuple[Path, jinja2.Template, str]] = {}


def _compiled(
    kind: str, name: str, declared: Source, helpers: tuple[Callable[..., Any], ...]
) -> tuple[Path, jinja2.Template, str]:
    """A template is found and compiled once per run."""
    key = (declared.path, kind, name, helpers)
    known = _COMPILED.get(key)
    if known is None:
        path = cookbook_file(kind, name, declared)
        folder = Path(str(path)[: -len(name) - 1])
        text = path.read_text(encoding="utf-8")
        known = _COMPILED[key] = (path, _load(folder, name, path, helpers), text)
    return known


def _load(folder: Path, name: str, path: Path, helpers: tuple[Callable[..., Any], ...]) -> jinja2.Template:
    import jinja2

    environment = _ENVIRONMENTS.get((folder, helpers))
    if environment is None:
        environment = _ENVIRONMENTS[folder, helpers] = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals.update(_words())
        for helper in helpers:
            environment.globals[helper.__name__] = environment.filters[helper.__name__] = helper
    try:
        return environment.get_template(name)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateFailed(Source(error.filename or str(path), error.lineno), str(error.message), {}) from None


def _words() -> dict[str, Any]:
    from toque.core.world import node, settings

    return {"node": node, "settings": settings}


def _line_of(error: BaseException, path: Path, name: str) -> Source:
    """Jinja leaves the template's own file and line in the traceback."""
    trace, found = error.__traceback__, Source(str(path), 0)
    folder = str(path)[: -len(name) - 1]
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith(f"{folder}{os.sep}"):
            found = Source(file, trace.tb_lineno)
        trace = trace.tb_next
    return found
