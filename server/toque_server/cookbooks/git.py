"""A cookbook source in a git repository, fetched so that nothing in it or in its URL can run or read anything (S20)."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from toque_server.cookbooks.address import FetchRefused, resolve, split
from toque_server.domain.world import SourceOf

TIME = 600.0
"""Longest fetch, in seconds."""

LARGEST = 512 * 1024 * 1024
"""Largest file that git may write, and largest checkout, in bytes."""

_SCP = re.compile(r"(?P<user>[A-Za-z0-9._][A-Za-z0-9._-]*)@(?P<host>[A-Za-z0-9._][A-Za-z0-9._-]*):(?P<path>[^:].*)")
_REVISION = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._/+@^~-]{0,199}")
_WHOLE_COMMIT = re.compile(r"[0-9a-f]{40}")

_SAFE = (
    "-c", "protocol.ext.allow=never",
    "-c", "core.hooksPath=/dev/null",
    "-c", "http.followRedirects=false",
    "-c", "submodule.recurse=false",
    "-c", "core.symlinks=false",
    "-c", "core.fsmonitor=false",
    "-c", "credential.helper=",
    "-c", "gc.auto=0",
    "-c", "transfer.fsckObjects=true",
)  # fmt: skip


def fetch(source: SourceOf, into: Path, *, allow_insecure: bool) -> str:
    """Check out `source` below `into`, and answer with the commit. Raises FetchRefused, with git's own words.

    `revision` may be a branch, a tag or a whole commit id; without one it is the remote's HEAD.
    """
    url, pin = checked_url(source, allow_insecure=allow_insecure)
    revision = source.revision or "HEAD"
    if _REVISION.fullmatch(revision) is None or ".." in revision:
        raise FetchRefused(f"the revision {revision!r} is not the name of a branch, a tag or a commit")
    with tempfile.TemporaryDirectory(prefix="toque-git-") as home:
        git = _Git(Path(home), into, source, allow_insecure=allow_insecure)
        git("init", "--quiet", "--template=", str(into))
        git("remote", "add", "--", "origin", url)
        quiet = ("--quiet", "--no-recurse-submodules", "--no-tags")
        wanted = revision
        try:
            git(*pin, "fetch", *quiet, "--depth=1", "--", "origin", revision)
            wanted = "FETCH_HEAD"
        except FetchRefused:
            if _WHOLE_COMMIT.fullmatch(revision) is None:
                raise
            # Not every server hands out a commit by its id; all of them hand out their branches and tags.
            everything = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
            git(*pin, "fetch", *quiet, "--", "origin", *everything)
        git("checkout", "--quiet", "--detach", wanted)
        commit = git("rev-parse", "HEAD").strip()
    shutil.rmtree(into / ".git")
    return commit


def checked_url(source: SourceOf, *, allow_insecure: bool) -> tuple[str, tuple[str, ...]]:
    """The URL to give to git, of an allowed scheme, and options that pin its allowed address. Raises FetchRefused."""
    url = source.url or ""
    if url.startswith("-") or "::" in url.partition("[")[0]:
        raise FetchRefused("the source's URL begins with a dash or names a remote helper")
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        raise FetchRefused("the source's URL has blanks or control characters")
    if url.startswith(("/", "file://")):
        if not allow_insecure:
            raise FetchRefused("this installation does not fetch from its own disk; see allow_insecure_sources")
        return (url if url.startswith("file://") else f"file://{url}"), ()
    if (scp := _SCP.fullmatch(url)) is not None:
        resolve(scp["host"], 22, allow_private=allow_insecure)
        return f"ssh://{scp['user']}@{scp['host']}/{scp['path'].lstrip('/')}", ()
    scheme, host, port = split(url, allow_insecure=allow_insecure)
    address = resolve(host, port, allow_private=allow_insecure)
    parts = urlsplit(url)
    # git would resolve the name again, and might get another answer.
    pin = ("-c", f"http.curloptResolve={host}:{port}:{address}") if scheme.startswith("http") else ()
    if scheme.startswith("http") and source.username and "@" not in parts.netloc:
        user = quote(source.username, safe="")
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc}")), pin
    return url, pin


class _Git:
    """Runs git with an empty home, no configuration but ours, and limits of its own."""

    def __init__(self, home: Path, work: Path, source: SourceOf, *, allow_insecure: bool) -> None:
        self._home = home
        self._work = work
        self._secrets = [secret for secret in (source.password, source.ssh_key) if secret]
        protocols = "https:ssh" + (":http:git:file" if allow_insecure else "")
        # A repository on this disk usually belongs to somebody else; those who allow such sources mean them.
        (home / "gitconfig").write_text("[safe]\n\tdirectory = *\n" if allow_insecure else "")
        self._environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(home),
            "LC_ALL": "C.UTF-8",
            "GIT_ALLOW_PROTOCOL": protocols,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
            "GIT_ASKPASS": "/bin/false",
            "GIT_SSH_COMMAND": self._ssh(source),
        }
        if source.password:
            # The password is in a file that only we can read: neither in an argument nor in the environment.
            (home / "password").write_text(source.password)
            (home / "askpass").write_text('#!/bin/sh\nexec cat "$HOME/password"\n')
            (home / "askpass").chmod(0o700)
            self._environment["GIT_ASKPASS"] = str(home / "askpass")

    def _ssh(self, source: SourceOf) -> str:
        options = [
            "ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new",
            "-o", f"UserKnownHostsFile={self._home}/known_hosts", "-o", "IdentitiesOnly=yes", "-o", "ProxyCommand=none",
            "-o", "ForwardAgent=no", "-o", "ClearAllForwardings=yes",
        ]  # fmt: skip
        if source.ssh_key:
            key = self._home / "key"
            key.touch(mode=0o600)
            key.write_text(source.ssh_key.rstrip("\n") + "\n")
            options += ["-i", str(key)]
        return " ".join(options)

    def __call__(self, *arguments: str) -> str:
        process = subprocess.Popen(
            ["git", *_SAFE, *arguments],
            env=self._environment,
            cwd=self._work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (LARGEST, LARGEST))
        try:
            out, err = process.communicate(timeout=TIME)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            raise FetchRefused(f"git took longer than {TIME:.0f} s") from None
        if process.returncode != 0:
            raise FetchRefused(self._masked(err.strip() or f"git ended with {process.returncode}"))
        return out

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "*****")
        return text[-4000:]
