"""A repository of cookbooks for the tests, with the command line at work in it."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner, Result

from toque.cli.group import toque


def manifest(name: str, version: str = "1.0.0", requires: str = "") -> str:
    return f'[cookbook]\nname = "{name}"\nversion = "{version}"\n' + (f"\n[requires]\n{requires}" if requires else "")


def cookbook(name: str, version: str = "1.0.0", requires: str = "", folder: str | None = None) -> dict[str, str]:
    """The files of a cookbook, in the folder of its name, or in `folder` (empty: at the root)."""
    top = "" if folder == "" else f"{folder or name}/"
    recipe = f"from toque import log\n\nlog('{name} {version}')\n"
    return {f"{top}cookbook.toml": manifest(name, version, requires), f"{top}recipes/default.py": recipe}


def tarball(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


@dataclass
class Place:
    """`toque cookbook …` in the folder `root`, with a cache of its own beside it."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)

    @property
    def cache(self) -> Path:
        return self.root.parent / f"{self.root.name}-cache"

    @property
    def lock(self) -> str:
        return (self.root / "cookbooks.lock").read_text()

    def write(self, files: dict[str, str]) -> Place:
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        return self

    def wants(self, text: str) -> Place:
        return self.write({"cookbooks.toml": text})

    def run(self, *words: str) -> Result:
        """A sub-command of `toque cookbook`, in the folder."""
        import os

        here = Path.cwd()
        os.chdir(self.root)
        try:
            environment = {
                "XDG_CACHE_HOME": str(self.cache),
                "TOQUE_ALLOW_INSECURE_SOURCES": "1",
                **self.environment,
            }
            return CliRunner().invoke(toque, ["cookbook", *words], env=environment)
        finally:
            os.chdir(here)

    def ok(self, *words: str) -> Result:
        done = self.run(*words)
        assert done.exit_code == 0, done.output + repr(done.exception)
        return done

    def refused(self, *words: str) -> str:
        """The message of a command that fails, as it must; anything but a message is a fault of ours."""
        done = self.run(*words)
        assert done.exit_code in (1, 2), f"{done.exit_code}: {done.output} {done.exception!r}"
        assert isinstance(done.exception, SystemExit), repr(done.exception)
        return done.output
