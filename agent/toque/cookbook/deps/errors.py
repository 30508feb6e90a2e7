"""What can be wrong with cookbooks.toml, cookbooks.lock, and what they lead to."""

from __future__ import annotations

from pathlib import Path

from toque.core.errors import ToqueError


class BadDependencies(ToqueError):
    """The file and the line that must change, what is wrong there, and what would be right."""

    def __init__(self, path: Path | str, reason: str, line: int = 0) -> None:
        self.path, self.reason, self.line = path, reason, line
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")


class StaleLock(BadDependencies):
    """cookbooks.lock is missing, or was made for another cookbooks.toml."""


class NotToBeHad(ToqueError):
    """A cookbook cannot be fetched from where it should come from, or is not what was locked."""


class MissingExtra(ToqueError):
    """The packages of those who write cookbooks are not installed."""

    def __init__(self, package: str) -> None:
        self.package = package
        super().__init__(f"this needs the package {package}, which is not installed: pip install 'toque[authoring]'")
