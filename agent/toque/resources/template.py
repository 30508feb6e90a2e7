"""template: a file whose content is a Jinja template of the cookbook, filled in."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from toque.core import Action, BadProperty, Change, Host, Resource, Secret, ToqueError, resource
from toque.core.errors import did_you_mean
from toque.core.files import cookbook_file
from toque.core.resource import Guard, display
from toque.core.run import current_run
from toque.core.source import Source
from toque.resources.file import File, FileState

if TYPE_CHECKING:
    import jinja2

    from toque.core.planned import Planned


class TemplateFailed(ToqueError):
    """A template that cannot be read or filled in: which line of it, why, and what it was given."""

    def __init__(self, source: Source, reason: str, variables: Mapping[str, Any]) -> None:
        self.source, self.reason, self.variables = source, reason, dict(variables)
        super().__init__(source, reason)

    def __str__(self) -> str:
        given = ", ".join(f"{name}={display(value)}" for name, value in sorted(self.variables.items()))
        return f"{self.source}: {self.reason}\n{self.source.excerpt()}\ngiven: {given or 'no variables'}"


@resource("template")
@dataclass(frozen=True)
class Template(Resource[FileState]):
    """Keep a file filled in from a Jinja template in the cookbook's `templates/` (beside the recipe without cookbook).

    path       absolute
    source     the template's name, e.g. "nginx.conf.j2"
    variables  a mapping for the template; any further named argument is a variable as well
    owner, group, mode, present, backup, verify   as of `file`

    A variable that the template uses and nobody gave is an error with the template's line; so is a named argument that
    neither is a property nor occurs in the template. `node` and `settings` are there without being given. Lines that
    hold only a block tag leave nothing behind. Text is not escaped: configuration files are not HTML.

        conf = template("/etc/nginx/nginx.conf", source="nginx.conf.j2", workers=node.cpu.count)
        service("nginx", restart_on=[conf])
    """

    path: str
    _: KW_ONLY
    source: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    present: bool = True
    backup: int = 0
    verify: Sequence[str] | Callable[[str], bool] | None = None

    def desired(self) -> FileState | None:
        return self._file().desired()

    def current(self, host: Host) -> FileState | None:
        return self._file().current(host)

    def apply(self, host: Host, change: Change[FileState]) -> None:
        self._file().apply(host, change)

    def foretell(self, plan: Planned, change: Change[FileState]) -> None:
        self._file().foretell(plan, change)

    def _file(self) -> File:
        """The plain file that it comes to; made once per resource, as rendering twice is needless."""
        made: File | None = self.__dict__.get("_made")
        if made is None:
            made = File(
                self.path,
                content=self._rendered() if self.present else None,
                owner=self.owner,
                group=self.group,
                mode=self.mode,
                present=self.present,
                backup=self.backup,
                verify=self.verify,
            )
            self.__dict__["_made"] = made
        return made

    def _rendered(self) -> str:
        path, template, text = _compiled(self.source, self.source_line)
        for name in self.variables:
            if not re.search(rf"\b{re.escape(name)}\b", text):
                near = did_you_mean(name, [f.name for f in fields(self)])
                raise BadProperty(f"template has no property {name}, and {self.source} uses no such variable{near}")
        import jinja2

        try:
            rendered = template.render(self.variables)
        except jinja2.TemplateSyntaxError as error:
            raise TemplateFailed(
                Source(error.filename or str(path), error.lineno), str(error.message), self.variables
            ) from None
        except jinja2.TemplateError as error:
            raise TemplateFailed(_line_of(error, path), str(error), self.variables) from None
        except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError) as error:
            raise TemplateFailed(_line_of(error, path), f"{type(error).__name__}: {error}", self.variables) from None
        return Secret.around(rendered) if _holds_secret(self.variables) else rendered


_ENVIRONMENTS: dict[Path, jinja2.Environment] = {}
_COMPILED: dict[tuple[str, str], tuple[Path, jinja2.Template, str]] = {}


def _compiled(name: str, declared: Source) -> tuple[Path, jinja2.Template, str]:
    """A template is found and compiled once per run."""
    known = _COMPILED.get((declared.path, name))
    if known is None:
        path = cookbook_file("templates", name, declared)
        folder = Path(str(path)[: -len(name) - 1])
        text = path.read_text(encoding="utf-8")
        known = _COMPILED[(declared.path, name)] = (path, _load(folder, name, path), text)
    return known


def _load(folder: Path, name: str, path: Path) -> jinja2.Template:
    import jinja2

    environment = _ENVIRONMENTS.get(folder)
    if environment is None:
        environment = _ENVIRONMENTS[folder] = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals.update(_words())
    try:
        return environment.get_template(name)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateFailed(Source(error.filename or str(path), error.lineno), str(error.message), {}) from None


def _words() -> dict[str, Any]:
    from toque.core.world import node, settings

    return {"node": node, "settings": settings}


def _line_of(error: BaseException, path: Path) -> Source:
    """Jinja leaves the template's own file and line in the traceback."""
    trace, found = error.__traceback__, Source(str(path), 0)
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith(f"{path.parent}{os.sep}"):
            found = Source(name, trace.tb_lineno)
        trace = trace.tb_next
    return found


def _holds_secret(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_secret, value.values()))
    return any(map(_holds_secret, value)) if isinstance(value, list | tuple) else isinstance(value, Secret)


def template(
    path: str,
    *,
    source: str,
    variables: Mapping[str, Any] | None = None,
    owner: str | None = None,
    group: str | None = None,
    mode: str | None = None,
    present: bool = True,
    backup: int = 0,
    verify: Sequence[str] | Callable[[str], bool] | None = None,
    only_if: Guard | None = None,
    not_if: Guard | None = None,
    notify: Sequence[Action] = (),
    notify_now: Sequence[Action] = (),
    notify_before: Sequence[Action] = (),
    on_failure: Literal["keep", "run", "drop"] = "keep",
    retries: int = 0,
    retry_delay: float = 2.0,
    retry_until: Callable[[Any], bool] | None = None,
    timeout: float | None = None,
    umask: str | None = None,
    when_creating: Mapping[str, Any] | None = None,
    ignore_failure: bool | Literal["quiet"] = False,
    sensitive: bool = False,
    tags: Sequence[str] = (),
    why: str = "",
    **named: Any,
) -> Template:
    properties: dict[str, Any] = {
        "source": source,
        "variables": {**(variables or {}), **named},
        "owner": owner,
        "group": group,
        "mode": mode,
        "present": present,
        "backup": backup,
        "verify": verify,
        "only_if": only_if,
        "not_if": not_if,
        "notify": notify,
        "notify_now": notify_now,
        "notify_before": notify_before,
        "on_failure": on_failure,
        "retries": retries,
        "retry_delay": retry_delay,
        "retry_until": retry_until,
        "timeout": timeout,
        "umask": umask,
        "when_creating": when_creating,
        "ignore_failure": ignore_failure,
        "sensitive": sensitive,
        "tags": tags,
        "why": why,
    }
    return current_run("template").declare(Template, (path,), properties)


template.__doc__ = Template.__doc__
