"""Git repositories that the demo makes of the examples, served on loopback by git's own daemon."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Toque demo",
    "GIT_AUTHOR_EMAIL": "demo@example.invalid",
    "GIT_COMMITTER_NAME": "Toque demo",
    "GIT_COMMITTER_EMAIL": "demo@example.invalid",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


class Repository:
    """A work tree that is pulled from directly: a commit here is what the next deployment fetches."""

    def __init__(self, path: Path, source: Path) -> None:
        self.path = path
        shutil.copytree(source, path, ignore=shutil.ignore_patterns("__pycache__"))
        self._git("init", "--quiet", "--initial-branch=main")

    def commit(self, message: str, **files: str) -> str:
        """Write `files` (name to text) and commit everything; returns the commit's id."""
        for name, text in files.items():
            (self.path / name).write_text(text)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", message)
        return self._git("rev-parse", "HEAD").strip()

    def _git(self, *words: str) -> str:
        argv = ["git", "-C", str(self.path), *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True, env=os.environ | _ENVIRONMENT).stdout


class GitDaemon:
    """`git daemon` over one folder, on a free port of loopback."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self._process = subprocess.Popen(
            [
                "git",
                "daemon",
                "--listen=127.0.0.1",
                f"--port={self.port}",
                "--reuseaddr",
                "--export-all",
                f"--base-path={folder}",
                str(folder),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # One group, so that the child that git starts for itself ends with it.
            start_new_session=True,
        )

    def url(self, name: str) -> str:
        return f"git://127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        try:
            os.killpg(self._process.pid, 15)
        except ProcessLookupError:
            return
        self._process.wait(timeout=10)
