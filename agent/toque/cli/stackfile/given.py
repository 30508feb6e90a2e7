"""The secrets that a file refers to: from `--secrets FILE`, and from the environment as TOQUE_SECRET_NAME."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from toque.stackfile.model import SECRET_NAME

PREFIX = "TOQUE_SECRET_"


def given_secrets(file: Path | None, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """All that were given, by name; the file goes first. Raises UsageError, which never repeats a value."""
    found = {name[len(PREFIX) :]: value for name, value in environment.items() if name.startswith(PREFIX)}
    return found if file is None else found | _read(file)


def remedy(names: Iterable[str]) -> str:
    """What to do about secrets that were not given."""
    return (
        f"give {', '.join(names)} in a file of NAME: value lines with --secrets FILE, or as {PREFIX}NAME in the"
        " environment, or take the references out of the file"
    )


def _read(file: Path) -> dict[str, str]:
    import yaml

    try:
        if file.stat().st_mode & 0o077 and os.name == "posix":
            click.echo(f"toque: {file} can be read by others: please chmod 600 it", err=True)
        value = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--secrets {file}: {getattr(error, 'strerror', None) or 'not UTF-8'}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        raise click.UsageError(f"--secrets {file} is not YAML{line}") from None
    if value in (None, ""):
        return {}
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise click.UsageError(f"--secrets {file} must hold NAME: value, one a line")
    if wrong := [name for name in value if not SECRET_NAME.fullmatch(name)]:
        raise click.UsageError(f"--secrets {file}: {wrong[0][:40]!r} is not the name of a secret")
    return value
