"""app_release: the code of an app on this node, as a release that can be taken back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from toque.core import BadProperty, Change, Host, Resource, Secret, converge, current_run, recipe_word, resource
from toque.core.errors import ToqueError
from toque.platforms.release import Layout, Marker
from toque.platforms.release.layout import PURGED, SYMLINKS
from toque.resources.archive import Archive
from toque.resources.git import Git

HOOKS = ("before_migrate", "before_symlink", "before_restart", "after_restart")
KEEP = 5


class HookFailed(ToqueError):
    """A hook of the app's own repository raised an error; the deployment stops at that point."""


class NotFetched(ToqueError):
    """The app's source cannot be fetched as it stands."""


@dataclass(frozen=True)
class Release:
    """One release while it is put in place: what `build`, `start` and the app's hooks are given."""

    shortname: str
    path: str
    shared_path: str
    current_path: str
    environment: Mapping[str, str]
    app: Mapping[str, Any]

    def has(self, name: str) -> bool:
        """Whether the release has a file or folder: `release.has("requirements.txt")`."""
        return current_run("release.has").host.entry(f"{self.path}/{name}") is not None

    def read(self, name: str) -> str:
        """The text of a file of the release; empty where there is none: `release.read("Procfile")`."""
        return (current_run("release.read").host.read(f"{self.path}/{name}") or b"").decode()


@dataclass(frozen=True)
class ReleaseState:
    """Which command put the current release in place."""

    command: str


@resource("app_release")
@dataclass(frozen=True)
class AppRelease(Resource[ReleaseState]):
    """Put a new release of an app in place, take one back, or remove the app (chapter 05, sections 7 to 9).

    app       an item of `node.apps`
    to        "new" fetches the app's source into a new release; "previous" goes back to the finished release before the
              current one, and fails when there is none
    present   False removes the app with all its releases and shared files
    user, group  who owns the release and runs its hooks; None: whoever runs the recipe
    build     a function that is given the release before its hooks run: install what it requires
    start     a function that is given the release when it has become current: restart the app
    keep      how many finished releases stay, at least 1; None: `deploy.<shortname>.keep_releases`, else
              `opsworks.deploy_keep_releases`, else 5
    root      the folder of all apps
    command   the id of the command that releases; None: the run's own, so that its second time changes nothing
    settings  keys of the app's deploy tree (`symlinks`, `migrate`, …) that go before those of `deploy.<shortname>`

    Within one command an app is released once: the second time nothing changes. `current` is switched at once; until
    then the former release serves. A failure before that leaves it alone, and the unfinished release is removed by the
    next deployment that succeeds. The repository may bring `deploy/before_migrate`, `before_symlink`, `before_restart`
    and `after_restart`, each as `.py` (run like a recipe, with `release_path`, `shared_path`, `current_path`, `app` and
    `environment`) or `.sh` (run as the user, in the release).

        for app in node.apps:
            if app.deploy:
                app_release(app, user="deploy", start=lambda release: service("shop").restart())
    """

    app: Mapping[str, Any]
    _: KW_ONLY
    to: Literal["new", "previous"] = "new"
    present: bool = True
    user: str | None = None
    group: str | None = None
    build: Callable[[Release], object] | None = None
    start: Callable[[Release], object] | None = None
    keep: int | None = None
    root: str = "/srv/www"
    command: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.app, Mapping) or "shortname" not in self.app:
            raise BadProperty(f"app_release needs an item of node.apps, got {self.app!r}")
        if self.keep is not None and self.keep < 1:
            raise BadProperty(f"app_release keep must be at least 1, got {self.keep}")

    def identity(self) -> str:
        return str(self.app["shortname"])

    def desired(self) -> ReleaseState | None:
        return ReleaseState(self._command()) if self.present else None

    def current(self, host: Host) -> ReleaseState | None:
        layout = self._layout()
        if host.entry(layout.deploy_to) is None:
            return None
        record = host.read(layout.record)
        try:
            return ReleaseState(str(json.loads(record or b"{}").get("command", "")))
        except ValueError:
            return ReleaseState("")

    def apply(self, host: Host, change: Change[ReleaseState]) -> None:
        layout = self._layout()
        if change.want is None:
            host.remove(layout.deploy_to, recursive=True)
            _remove_if_there(host, f"/etc/logrotate.d/opsworks_app_{layout.shortname}")
            return
        if self.to == "previous":
            self._roll_back(host, layout)
        else:
            self._deploy(host, layout)
        record = {"command": change.want.command, "release": layout.live(host)}
        host.write(layout.record, json.dumps(record).encode() + b"\n", mode=0o644)

    # Going forward

    def _deploy(self, host: Host, layout: Layout) -> None:
        layout.create(host)
        self._own(host, layout.deploy_to)
        if self._source()["type"] == "other":
            return
        former = layout.live(host)
        revision = self._fetch(host, layout)
        path = layout.new_release(host, datetime.now(UTC))
        host.run(["cp", "-a", "--", layout.cached_copy, path])
        for left_over in (".git", ".toque-archive"):
            host.remove(f"{path}/{left_over}", recursive=True)
        release = self._release(layout, path)
        self._prepare(host, layout, release)
        try:
            self._put_in_place(host, layout, release)
        except Exception:
            if self._setting("rollback_on_error", False) and former is not None:
                layout.switch(host, former)
                self._started(self._release(layout, f"{layout.releases}/{former}"))
                host.remove(path, recursive=True)
            raise
        layout.mark(host, path, Marker(self._command(), revision, datetime.now(UTC).timestamp()))
        layout.trim(host, self._keep())
        self._rotate_logs(host, layout)

    def _prepare(self, host: Host, layout: Layout, release: Release) -> None:
        """Everything before the switch: a failure here leaves the former release serving."""
        self._own(host, release.path)
        self._write_environment(host, layout, release)
        if self.build is not None:
            self.build(release)
        self._hook(host, release, "before_migrate")
        if self._migrates():
            command = self._setting("migrate_command", "")
            if command:
                host.run(["/bin/sh", "-c", command], **self._as_user(release))
        self._hook(host, release, "before_symlink")
        layout.link_shared(
            host, release.path, self._setting("symlinks", SYMLINKS), self._setting("purge_before_symlink", PURGED)
        )
        self._own(host, release.path)

    def _put_in_place(self, host: Host, layout: Layout, release: Release) -> None:
        layout.switch(host, release.path)
        self._hook(host, release, "before_restart")
        self._started(release)
        self._hook(host, release, "after_restart")

    def _started(self, release: Release) -> None:
        if self.start is not None:
            self.start(release)

    # Going back

    def _roll_back(self, host: Host, layout: Layout) -> None:
        live, target = layout.live(host), layout.previous(host)
        path = f"{layout.releases}/{target}"
        layout.link_shared(
            host, path, self._setting("symlinks", SYMLINKS), self._setting("purge_before_symlink", PURGED)
        )
        layout.switch(host, path)
        self._started(self._release(layout, path))
        layout.remove_newer(host, target)
        current_run("app_release").report.note(f"{layout.shortname}: from {live} to {target}")

    # The source

    def _fetch(self, host: Host, layout: Layout) -> str:
        """Fill the cached copy from the app's source; returns the revision, or the digest, of what was fetched."""
        source, destination = self._source(), layout.cached_copy
        host.remove(destination, recursive=True)
        url, insecure = source.get("url"), _insecure_sources_allowed()
        if not url:
            raise NotFetched(
                f"app {layout.shortname!r} has a source of type {source['type']} and no Url: set AppSource.Url"
            )
        match source["type"]:
            case "git":
                key, revision = source.get("ssh_key"), source.get("revision")
                copy = Git(destination, repository=url, revision=revision, ssh_key=key, allow_insecure=insecure)
                converge(copy, host)
                return copy.new_sha or ""
            case "svn":
                return _fetch_svn(source, destination, host)
            case "archive":
                unpacked = Archive(
                    destination,
                    source=url,
                    username=source.get("user"),
                    password=source.get("password"),
                    allow_insecure=insecure,
                )
                converge(unpacked, host)
                return unpacked.digest or ""
        raise NotFetched(
            f"app {layout.shortname!r} has a source of type {source['type']!r}: this agent fetches git and svn"
        )

    def _source(self) -> dict[str, Any]:
        source = dict(self.app.get("app_source") or {})
        return {"type": "other", "url": None, "revision": None, **{k: v for k, v in source.items() if v is not None}}

    # What the release gets

    def _write_environment(self, host: Host, layout: Layout, release: Release) -> None:
        """`shared/app.env`: one `export "KEY"="VALUE"` a line, for whatever starts the app by a shell."""
        lines = [f'export "{key}"="{_quoted(str(value))}"\n' for key, value in release.environment.items()]
        path = f"{layout.shared}/app.env"
        host.write(path, "".join(lines).encode(), mode=0o640)
        self._own(host, path)

    def _hook(self, host: Host, release: Release, name: str) -> None:
        path = f"{release.path}/deploy/{name}"
        text = host.read(f"{path}.py")
        if text is not None:
            self._python_hook(release, f"{path}.py", text)
        if host.read(f"{path}.sh") is not None:
            host.run(["/bin/sh", f"{path}.sh"], **self._as_user(release))
        if host.read(f"{path}.rb") is not None:
            current_run("app_release").report.note(f"{path}.rb is ignored: hooks are .py or .sh here")

    def _python_hook(self, release: Release, path: str, text: bytes) -> None:
        names = {
            "__name__": f"deploy.{path.rpartition('/')[2]}",
            "__file__": path,
            "release_path": release.path,
            "shared_path": release.shared_path,
            "current_path": release.current_path,
            "app": self.app,
            "environment": dict(release.environment),
        }
        try:
            exec(compile(text, path, "exec"), names)
        except ToqueError:
            raise
        except Exception as error:
            line = _line_in(path, error)
            raise HookFailed(f"{path}:{line}: {type(error).__name__}: {error}") from error

    def _rotate_logs(self, host: Host, layout: Layout) -> None:
        if host.entry("/etc/logrotate.d") is None or self.root != "/srv/www":
            return
        options = ["daily", "rotate 30", "compress", "delaycompress", "copytruncate", "missingok", "notifempty"]
        body = "".join(f"    {option}\n" for option in (*options, "sharedscripts"))
        text = f"{layout.shared}/log/*.log {{\n{body}}}\n"
        host.write(f"/etc/logrotate.d/opsworks_app_{layout.shortname}", text.encode(), mode=0o644)

    # Small answers

    def _layout(self) -> Layout:
        return Layout(self.root, str(self.app["shortname"]))

    def _release(self, layout: Layout, path: str) -> Release:
        environment = {
            str(k): v if isinstance(v, Secret) else str(v) for k, v in (self.app.get("environment") or {}).items()
        }
        return Release(layout.shortname, path, layout.shared, layout.current, environment, self.app)

    def _command(self) -> str:
        """The command that this run carries out: within it an app is released once."""
        return self.command or _of_command("command_id") or "by-hand"

    def _migrates(self) -> bool:
        asked = (_of_command("args") or {}).get("migrate", self._setting("migrate", False))
        asked = asked[0] if isinstance(asked, list | tuple) and asked else asked
        return str(asked).lower() == "true"

    def _keep(self) -> int:
        if self.keep is not None:
            return self.keep
        stack_wide = _attribute("opsworks.deploy_keep_releases", KEEP)
        return max(1, int(self._setting("keep_releases", stack_wide)))

    def _setting(self, name: str, default: Any) -> Any:
        """A key of the app's deploy tree (chapter 05 § 7.1): given here, or `deploy.<shortname>` in custom JSON."""
        if name in self.settings:
            return self.settings[name]
        return _attribute(f"deploy.{self.app['shortname']}.{name}", default)

    def _own(self, host: Host, path: str) -> None:
        if self.user is not None or self.group is not None:
            host.run(["chown", "-R", "-h", f"{self.user or ''}:{self.group or ''}", "--", path])

    def _as_user(self, release: Release) -> dict[str, Any]:
        return {
            "cwd": release.path,
            "user": self.user,
            "group": self.group,
            "env": {**release.environment, "RELEASE_PATH": release.path, "SHARED_PATH": release.shared_path},
            "timeout": 3600.0,
        }


def _fetch_svn(source: Mapping[str, Any], destination: str, host: Host) -> str:
    """Export a Subversion tree; nothing is stored of the credentials, and the password is read from standard input."""
    url, revision = str(source["url"]), str(source.get("revision") or "HEAD")
    options = ["--non-interactive", "--no-auth-cache", "--quiet", "--revision", revision]
    if source.get("user"):
        options += ["--username", str(source["user"]), "--password-from-stdin"]
    host.run(["svn", "export", *options, "--", url, destination], input=source.get("password") or "", timeout=600)
    return revision


def _of_command(name: str) -> Any:
    items = _bag("aws_opsworks_command")
    return next(iter(items.values()), {}).get(name)


def _insecure_sources_allowed() -> bool:
    """Whether the installation allows sources over plain http, git or file (D18)."""
    world = current_run("app_release").world
    return world is not None and bool(world.allow_insecure_sources)


def _bag(name: str) -> Mapping[str, Mapping[str, Any]]:
    world = current_run("app_release").world
    return dict(world.bags.get(name, {})) if world is not None else {}


def _attribute(path: str, default: Any) -> Any:
    world = current_run("app_release").world
    return default if world is None else world.node.get(path, default)


def _remove_if_there(host: Host, path: str) -> None:
    if host.entry(path) is not None:
        host.remove(path)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("`", "\\`")


def _line_in(path: str, error: BaseException) -> int:
    """The last line of this file that the error passed through."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


app_release = recipe_word(AppRelease)

__all__ = ["AppRelease", "Release", "ReleaseState", "app_release"]
