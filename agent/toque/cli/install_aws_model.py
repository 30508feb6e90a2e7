"""`toque opsworks install-aws-model`: puts the model files where newer AWS clients look for them, or takes them away.

A folder of ours holds a list of what we put there (`toque.json`); one without it is somebody else's, and left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import click

from toque.cli.aws_model import models

LIST = "toque.json"


class Foreign(Exception):
    """The folder holds a model that is not ours."""


@click.command("install-aws-model", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Where the models go; any other than ~/.aws/models must stand in AWS_DATA_PATH.",
)
@click.option("--remove", is_flag=True, help="Take away what was put there, and nothing else.")
def install_aws_model(directory: Path | None, remove: bool) -> None:
    """Teach newer boto3 and aws clients this API: AWS took OpsWorks out of them after 1.40.18 and 2.28.18.

    Writes the services `opsworks` and `toque` to ~/.aws/models. Saying it again changes nothing; after an upgrade of
    Toque it brings the files up to date. Exit code 1 when a folder holds a model that is not ours.
    """
    home = Path.home() / ".aws" / "models"
    root = (directory or home).expanduser()
    try:
        for folder, files in models().items():
            place = root / folder
            click.echo(taken_away(place) if remove else put(place, _texts(files)))
    except Foreign as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or root}: {error.strerror}") from error
    if not remove:
        if root.resolve() != home.resolve():
            click.echo(f"clients find it with: export AWS_DATA_PATH={root.resolve()}")
        click.echo("and the server with:    export AWS_ENDPOINT_URL_OPSWORKS=… AWS_ENDPOINT_URL_TOQUE=…")


def put(place: Path, files: Mapping[str, str]) -> str:
    """Write the files that differ, each at once; what was done, in words. Raises Foreign."""
    ours = _list(place)
    if ours is None and any((place / name).exists() for name in files):
        raise Foreign(
            f"{place} holds a model that Toque did not put there; move it away, or choose another --directory"
        )
    changed = [name for name, text in files.items() if _read(place / name) != text]
    stray = [name for name in ours or {} if name not in files]
    if ours is not None and not changed and not stray:
        return f"{place} is up to date"
    place.mkdir(parents=True, exist_ok=True)
    # First the list, so that what a power cut leaves half done is known as ours.
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}
    _write(place / LIST, json.dumps({"made by": "toque opsworks install-aws-model", "files": digests}, indent=1) + "\n")
    for name in changed:
        _write(place / name, files[name])
    for name in stray:
        (place / name).unlink(missing_ok=True)
    return f"{place}: wrote {', '.join(changed)}" if changed else f"{place}: removed {', '.join(stray)}"


def taken_away(place: Path) -> str:
    """Remove what `put` wrote, and the folders that are empty then; what was done, in words. Raises Foreign."""
    ours = _list(place)
    if ours is None:
        if (place / "service-2.json").exists():
            raise Foreign(f"{place} holds a model that Toque did not put there; it stays")
        return f"{place} is not there"
    # The list goes last, for the same reason.
    for name in [*ours, LIST]:
        (place / name).unlink(missing_ok=True)
    for folder in (place, place.parent):
        if not any(folder.iterdir()):
            folder.rmdir()
    return f"{place}: removed"


def _texts(files: Mapping[str, object]) -> dict[str, str]:
    return {name: json.dumps(model, indent=1, ensure_ascii=False) + "\n" for name, model in files.items()}


def _list(place: Path) -> dict[str, str] | None:
    """What we put there, by name; None where there is no list of ours that can be read."""
    text = _read(place / LIST)
    try:
        said = json.loads(text or "")
    except ValueError:
        return None
    files = said.get("files") if isinstance(said, dict) else None
    # Names, not paths: whoever changes the list must not make us remove something elsewhere.
    return {name: each for name, each in files.items() if "/" not in name} if isinstance(files, dict) else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
