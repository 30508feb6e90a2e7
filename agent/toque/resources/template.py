"""template: a file whose content is a Jinja template of the cookbook, filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal

from toque.core import Action, BadProperty, Change, Host, Resource, Secret, resource
from toque.core.rendering import TemplateFailed, rendered
from toque.core.resource import Guard
from toque.core.run import current_run
from toque.resources.file import File, FileState

if TYPE_CHECKING:
    from toque.core.planned import Planned

_COMMENTS = {
    ".ini": ";",
    ".sql": "--",
    ".lua": "--",
    ".js": "//",
    ".ts": "//",
    ".php": "//",
    ".c": "//",
    ".go": "//",
    ".css": "/*",
    ".html": "<!--",
    ".xml": "<!--",
    ".vim": '"',
    ".tex": "%",
}
_CLOSING = {"/*": " */", "<!--": " -->"}
_NO_COMMENTS = (".json",)


@resource("template")
@dataclass(frozen=True)
class Template(Resource[FileState]):
    """Keep a file filled in from a Jinja template in the cookbook's `templates/` (beside the recipe without cookbook).

    path       absolute
    source     the template's name, e.g. "nginx.conf.j2"
    variables  a mapping for the template, or a dataclass; any further named argument is a variable as well
    helpers    functions for the template, from a module of the cookbook for instance: by its name each is a function,
               `{{ port_of(app) }}`, and a filter, `{{ app | port_of }}`
    header     True begins the file with a comment that says whose it is; text says how a comment begins, where the
               suffix of the path does not tell: "--"
    owner, group, mode, present, replace, backup, verify, encoding, newline, follow, show_diff   as of `file`

    A variable that the template uses and nobody gave is an error with the template's line; so is a named argument that
    neither is a property nor occurs in the template. `node` and `settings` are there without being given. Lines that
    hold only a block tag leave nothing behind. Text is not escaped: configuration files are not HTML. `{% include %}`
    and `{% import %}` find the other files of the folder.

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
    verify: str | Sequence[str] | Callable[[str], bool] | None = None
    helpers: Sequence[Callable[..., Any]] = ()
    header: bool | str = False
    replace: bool = True
    encoding: str = "utf-8"
    newline: Literal["\n", "\r\n"] | None = None
    follow: bool = False
    show_diff: bool = True

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
                replace=self.replace,
                encoding=self.encoding,
                newline=self.newline,
                follow=self.follow,
                show_diff=self.show_diff,
            )
            self.__dict__["_made"] = made
        return made

    def _rendered(self) -> str:
        made = rendered(self.source, self.variables, self.source_line, helpers=self.helpers, known=type(self))
        return made if self.header is False else self._with_header(made)

    def _with_header(self, text: str) -> str:
        """The header stands first, or second where the first line must be the first."""
        comment = self.header if isinstance(self.header, str) else _comment_in(self.path)
        line = f"{comment} Managed by Toque ({self.source}): edits are overwritten.{_CLOSING.get(comment, '')}\n"
        first, end, rest = text.partition("\n")
        if first.startswith(("#!", "<?", "<!DOCTYPE", "<!doctype")):
            made = f"{first}{end or chr(10)}{line}{rest}"
        else:
            made = line + text
        return Secret.around(made) if isinstance(text, Secret) else made


def _comment_in(path: str) -> str:
    """How a comment begins in a file of this name."""
    suffix = path[path.rfind(".") :].lower() if "." in path.rpartition("/")[2] else ""
    if suffix in _NO_COMMENTS:
        raise BadProperty(f"template header: {suffix} files have no comments; leave it out, or say how one begins")
    return _COMMENTS.get(suffix, "#")


def template(
    path: str,
    *,
    source: str,
    variables: Any = None,
    owner: str | None = None,
    group: str | None = None,
    mode: str | None = None,
    present: bool = True,
    backup: int = 0,
    verify: str | Sequence[str] | Callable[[str], bool] | None = None,
    helpers: Sequence[Callable[..., Any]] = (),
    header: bool | str = False,
    replace: bool = True,
    encoding: str = "utf-8",
    newline: Literal["\n", "\r\n"] | None = None,
    follow: bool = False,
    show_diff: bool = True,
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
        "variables": _merged(variables, named),
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
    if helpers or header or newline or follow or not (replace and show_diff and encoding == "utf-8"):
        # Seldom given, so seldom checked: a run may have a thousand templates.
        properties |= {
            "helpers": helpers,
            "header": header,
            "replace": replace,
            "encoding": encoding,
            "newline": newline,
            "follow": follow,
            "show_diff": show_diff,
        }
    return current_run("template").declare(Template, (path,), properties)


def _merged(variables: Any, named: Mapping[str, Any]) -> Any:
    if variables is None:
        return dict(named)
    if is_dataclass(variables) and not isinstance(variables, type):
        return {**{f.name: getattr(variables, f.name) for f in fields(variables)}, **named}
    return {**variables, **named} if isinstance(variables, Mapping) else variables


template.__doc__ = Template.__doc__

__all__ = ["Template", "TemplateFailed", "template"]
