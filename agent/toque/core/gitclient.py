"""Running git against repositories that nobody vouches for: no hook, no helper, no configuration, no prompt.

    with GitClient(host, parse_repository(url), Access(ssh_key=key)) as git:
        sha, _ = git.resolve("main")

What the repository's owner says can make git fetch objects and write files, and nothing else.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from urllib.parse import quote

from toque.core.errors import BadProperty, ToqueError
from toque.core.host import CommandFailed, Host, Ran
from toque.core.urls import BadUrl, Url, refuse_address, without_password

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NO_REVISION = re.compile(r"^[-/.]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|[/.]$|\.lock$")
_TOO_LATE = 124

_HARD = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "credential.helper": "",
    "protocol.ext.allow": "never",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "gc.autoDetach": "false",
    "advice.detachedHead": "false",
}


class RepositoryFailed(ToqueError):
    """A repository, or a revision of it, cannot be had; one sentence says which and why."""

    def __init__(self, url: str, why: str) -> None:
        self.url, self.why = without_password(url), why
        super().__init__(f"the repository {self.url} cannot be read: {why}")


@dataclass(frozen=True)
class Access:
    """How to get in, and what it may cost: `timeout` is seconds of each program, `size_limit` bytes of each file."""

    ssh_key: str | None = None
    known_hosts: str | None = None
    username: str | None = None
    password: str | None = None
    allow_insecure: bool = False
    timeout: float = 600.0
    size_limit: int = 2 << 30


def is_sha(revision: str) -> bool:
    return _SHA.fullmatch(revision) is not None


def check_revision(revision: str) -> None:
    """Refuse what git would take for an option, a range or an expression. Raises BadProperty."""
    if not revision or len(revision) > 255 or _NO_REVISION.search(revision):
        raise BadProperty(f"git revision must be a branch, a tag or a full commit id, got {revision!r}")


class GitClient:
    """git as `user`, for one repository. Within `with`; keys are files of that time only."""

    def __init__(self, host: Host, url: Url, access: Access, user: str | None = None, group: str | None = None) -> None:
        self._host, self._url, self._access, self._user, self._group = host, url, access, user, group
        self._secrets = ""

    def __enter__(self) -> GitClient:
        access = self._access
        if access.ssh_key or access.known_hosts or access.password or self._url.scheme == "file":
            made = self._host.run(["mktemp", "-d", "/tmp/toque-git-XXXXXXXXXX"], user=self._user, umask=0o077)
            self._secrets = made.out.strip()
            self._keep("key", with_newline(access.ssh_key))
            self._keep("known_hosts", with_newline(access.known_hosts))
            self._keep("credentials", self._credentials())
            self._keep("config", self._config())
        return self

    def __exit__(self, *_: object) -> None:
        if self._secrets:
            self._host.remove(self._secrets, recursive=True)
            self._secrets = ""

    def resolve(self, revision: str | None, *, kind: str = "branch or tag") -> tuple[str, str]:
        """The commit that a branch, a tag or (None) the default branch is at, and the name of its ref there.

        `kind` may be `branch` or `tag` alone; else a branch goes before a tag of the same name.
        """
        names = [f"refs/heads/{revision}"] if "branch" in kind else []
        names += [f"refs/tags/{revision}^{{}}", f"refs/tags/{revision}"] if "tag" in kind else []
        names = ["HEAD"] if revision is None else names
        found = self.remote("ls-remote", "--", self._url.text, *names).out
        refs = {name: sha for sha, _, name in (line.partition("\t") for line in found.splitlines())}
        for name in names:
            if name in refs:
                return refs[name], name.removesuffix("^{}")
        if revision is None:
            raise RepositoryFailed(self._url.text, "it has no default branch; is it empty?")
        raise RepositoryFailed(self._url.text, f"it has no {kind} {revision!r}")

    def remote(self, *arguments: str, cwd: str | None = None) -> Ran:
        """Run what talks to the repository. Raises RepositoryFailed, with git's own reason."""
        try:
            return self.local(*arguments, cwd=cwd, pinned=self._pinned())
        except CommandFailed as failed:
            raise RepositoryFailed(self._url.text, self._reason(failed.ran)) from failed

    def local(self, *arguments: str, cwd: str | None = None, pinned: str = "", ok: tuple[int, ...] = (0,)) -> Ran:
        """Run git on what is here already."""
        options = dict(_HARD)
        if pinned:
            options["http.curloptResolve"] = pinned
        if self._access.password:
            options["credential.helper"] = f"store --file={self._secrets}/credentials"
        switches = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        if self._access.password:
            switches = ["-c", "credential.helper=", *switches]  # first forget those that others configured
        limit = ["prlimit", f"--fsize={self._access.size_limit}"] if self._host.which("prlimit") else []
        argv = [*limit, "git", *switches, *arguments]
        timeout = self._access.timeout
        return self._host.run(
            argv,
            ok=ok,
            env=self._environment(),
            cwd=cwd or "/",
            user=self._user,
            group=self._group,
            timeout=timeout,
        )

    def _environment(self) -> dict[str, str]:
        allowed = "https:ssh:http:git:file" if self._access.allow_insecure else "https:ssh"
        return {
            "GIT_ALLOW_PROTOCOL": allowed,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": f"{self._secrets}/config" if self._secrets else "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            "GIT_SSH_COMMAND": " ".join(ssh_words(self._access, self._secrets)),
            "GIT_SSH_VARIANT": "ssh",
            "HOME": self._secrets or "/nonexistent",
            "XDG_CONFIG_HOME": "/nonexistent",
        }

    def _pinned(self) -> str:
        """Look the host up once, judge where it leads, and hold curl to that: a moment later it may lead elsewhere."""
        if not self._url.host or self._access.allow_insecure or _has_proxy():
            return ""
        addresses = ",".join(judged_addresses(self._url))
        return f"{self._url.host}:{self._url.port or 443}:{addresses}" if self._url.scheme == "https" else ""

    def _reason(self, ran: Ran) -> str:
        if ran.code == _TOO_LATE:
            return f"it took longer than {self._access.timeout:g} s"
        said = [line.removeprefix("fatal: ").strip() for line in ran.err.splitlines() if line.strip()]
        # "unable to connect to HOST:" goes on in the next line, with the reason.
        whole = " ".join(said[: 2 if said[0].endswith(":") else 1]) if said else ""
        return without_password(whole) or f"git ended with exit code {ran.code}"

    def _keep(self, name: str, content: str | None) -> None:
        if content is not None:
            uid = None if self._user is None else self._host.uid_of(self._user)
            self._host.write(f"{self._secrets}/{name}", content.encode(), mode=0o600, uid=uid)

    def _credentials(self) -> str | None:
        if not self._access.password:
            return None
        user = quote(self._access.username or self._url.user or "git", safe="")
        port = f":{self._url.port}" if self._url.port else ""
        return f"{self._url.scheme}://{user}:{quote(self._access.password, safe='')}@{self._url.host}{port}\n"

    def _config(self) -> str | None:
        """A repository on this machine may belong to somebody else: who allowed `file` has decided to use it."""
        if self._url.scheme != "file":
            return ""
        path = self._url.path.replace("\\", "\\\\").replace('"', '\\"')
        return f'[safe]\n\tdirectory = "{path}"\n\tdirectory = "{path}/.git"\n'


def ssh_words(access: Access, folder: str) -> list[str]:
    """ssh that asks nothing, reads nobody's configuration and knows only the keys that are in the folder."""
    known = access.known_hosts is not None
    options = {
        "BatchMode": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "ForwardAgent": "no",
        "LogLevel": "ERROR",
        "ConnectTimeout": "30",
        "StrictHostKeyChecking": "yes" if known else "no",
        "UserKnownHostsFile": f"{folder}/known_hosts" if known else "/dev/null",
        "IdentityFile": f"{folder}/key" if access.ssh_key else "none",
    }
    return ["ssh", "-F", "/dev/null", *(f"-o{name}={value}" for name, value in options.items())]


def judged_addresses(url: Url) -> list[str]:
    """Where the host of a repository leads now. Raises RepositoryFailed where one address is off limits."""
    try:
        found = socket.getaddrinfo(url.host, url.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RepositoryFailed(url.text, f"the host {url.host} is not known ({error})") from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    for address in addresses:
        try:
            refuse_address(url.text, address)
        except BadUrl as refused:
            raise RepositoryFailed(url.text, refused.why) from refused
    return addresses


def with_newline(text: str | None) -> str | None:
    return None if text is None else text.rstrip("\n") + "\n"


def _has_proxy() -> bool:
    """Through a proxy the proxy looks names up, and decides."""
    import os

    return any(os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY"))
