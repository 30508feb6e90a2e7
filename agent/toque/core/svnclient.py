"""Running svn against repositories that nobody vouches for: no stored password, no prompt, no user's configuration.

    with SvnClient(host, url, Access(username="deploy", password=password)) as svn:
        newest = svn.item("last-changed-revision", f"{url.text}@HEAD")

svn cannot be held to the addresses that were judged, as git is, and it follows redirects of a server over https.
"""

from __future__ import annotations

from toque.core.gitclient import Access, RepositoryFailed, judged_addresses, ssh_words, with_newline
from toque.core.host import CommandFailed, Host, Ran
from toque.core.urls import Url

_TOO_LATE = 124
_NOWHERE = "/nonexistent/subversion"
"""Where svn finds no configuration, and cannot make one either."""


class SvnClient:
    """svn as `user`, for one repository. Within `with`; keys are files of that time only."""

    def __init__(self, host: Host, url: Url, access: Access, user: str | None = None) -> None:
        self._host, self._url, self._access, self._user = host, url, access, user
        self._folder = ""

    def __enter__(self) -> SvnClient:
        if not self._access.ssh_key and not self._access.known_hosts:
            return self
        made = self._host.run(["mktemp", "-d", "/tmp/toque-svn-XXXXXXXXXX"], user=self._user, umask=0o077)
        self._folder = made.out.strip()
        uid = None if self._user is None else self._host.uid_of(self._user)
        for name, text in (("key", self._access.ssh_key), ("known_hosts", self._access.known_hosts)):
            if text is not None:
                self._host.write(f"{self._folder}/{name}", (with_newline(text) or "").encode(), mode=0o600, uid=uid)
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder:
            self._host.remove(self._folder, recursive=True)
            self._folder = ""

    def item(self, name: str, target: str) -> str:
        """One fact of a working copy, or of a repository (`URL@REVISION`)."""
        words = ("info", "--show-item", name, "--no-newline", "--", target)
        return (self.remote(*words) if "://" in target else self.run(*words)).out.strip()

    def remote(self, *words: str) -> Ran:
        """Run what talks to the repository. Raises RepositoryFailed, with svn's own reason."""
        if self._url.host and not self._access.allow_insecure:
            judged_addresses(self._url)
        try:
            return self.run(*words)
        except CommandFailed as failed:
            raise RepositoryFailed(self._url.text, self._reason(failed.ran)) from failed

    def run(self, verb: str, *words: str) -> Ran:
        access, given = self._access, None
        options = ["--non-interactive", "--no-auth-cache", "--config-dir", _NOWHERE]
        if access.username is not None and self._url.scheme != "svn+ssh":
            options += ["--username", access.username]
        if access.password is not None:
            options += ["--password-from-stdin"]
            given = access.password
        limit = ["prlimit", f"--fsize={access.size_limit}"] if self._host.which("prlimit") else []
        env = {"SVN_SSH": " ".join(ssh_words(access, self._folder)), "HOME": "/nonexistent"}
        argv = [*limit, "svn", verb, *options, *words]
        return self._host.run(argv, input=given, env=env, user=self._user, cwd="/", timeout=access.timeout)

    def _reason(self, ran: Ran) -> str:
        if ran.code == _TOO_LATE:
            return f"it took longer than {self._access.timeout:g} s"
        said = [line.removeprefix("svn: ").strip() for line in ran.err.splitlines() if line.startswith("svn: ")]
        return said[-1] if said else f"svn ended with exit code {ran.code}"
