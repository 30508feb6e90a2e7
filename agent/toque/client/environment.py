"""Where the server is and who we are there, from the environment and from profile files.

First `TOQUE_SERVER_URL`, `TOQUE_API_TOKEN` or `TOQUE_ACCESS_KEY_ID` and `TOQUE_SECRET_ACCESS_KEY`, `TOQUE_CA_FILE`;
then the same names in lower case without `TOQUE_` in `$XDG_CONFIG_HOME/toque/profile.toml`; then what `aws` reads, so
that its scripts work as they are: `AWS_ENDPOINT_URL_OPSWORKS`, `AWS_ENDPOINT_URL`, `AWS_ACCESS_KEY_ID` and
`AWS_SECRET_ACCESS_KEY`, `AWS_CA_BUNDLE`, and the files `~/.aws/config` and `~/.aws/credentials`.

A named profile is a table `[profiles.NAME]` of `profile.toml` (`--profile`, `TOQUE_PROFILE`), or one of AWS's files
(`--profile`, `AWS_PROFILE`). One that `--profile` names goes before the environment.
"""

from __future__ import annotations

import configparser
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toque.client.connection import Connection
from toque.client.errors import BadProfile

DEFAULT_URL = "http://127.0.0.1:8780"


def from_environment(environ: Mapping[str, str] = os.environ, *, profile: str | None = None) -> Connection:
    """The connection that the environment and the profile files describe. Raises BadProfile."""
    places = list(_places(environ, profile))

    def first(name: str) -> str | None:
        return next((str(found[name]) for found in places if found.get(name)), None)

    who = next((found for found in places if _identifies(found)), {})
    return Connection(
        server_url=first("server_url") or DEFAULT_URL,
        api_token=_text(who, "api_token"),
        access_key_id=_text(who, "access_key_id"),
        secret_access_key=_text(who, "secret_access_key"),
        ca_file=first("ca_file"),
        region=first("region") or "local",
    )


def _places(environ: Mapping[str, str], profile: str | None) -> Iterator[Mapping[str, Any]]:
    """What each source says, the most important first."""
    toque = _toque_profile(environ, profile or environ.get("TOQUE_PROFILE"))
    aws = _aws_profile(environ, profile or environ.get("AWS_PROFILE"))
    if profile:
        if not toque and not aws:
            files = f"{_toque_file(environ)} ([profiles.{profile}]) nor in {_aws_file(environ)}"
            raise BadProfile(f"there is no profile {profile}, neither in {files}")
        yield toque
        yield aws
    yield {name: environ.get(f"TOQUE_{name.upper()}") for name in _NAMES}
    if not profile:
        yield toque
    yield {
        "server_url": environ.get("AWS_ENDPOINT_URL_OPSWORKS") or environ.get("AWS_ENDPOINT_URL"),
        "access_key_id": environ.get("AWS_ACCESS_KEY_ID"),
        "secret_access_key": environ.get("AWS_SECRET_ACCESS_KEY"),
        "ca_file": environ.get("AWS_CA_BUNDLE"),
        "region": environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION"),
    }
    if not profile:
        yield aws


_NAMES = ("server_url", "api_token", "access_key_id", "secret_access_key", "ca_file", "region")


def _identifies(found: Mapping[str, Any]) -> bool:
    return bool(found.get("api_token") or (found.get("access_key_id") and found.get("secret_access_key")))


def _text(found: Mapping[str, Any], name: str) -> str | None:
    return str(found[name]) if found.get(name) else None


def _toque_file(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_CONFIG_HOME") or str(_home(environ) / ".config")
    return Path(home) / "toque" / "profile.toml"


def _toque_profile(environ: Mapping[str, str], named: str | None) -> Mapping[str, Any]:
    path = _toque_file(environ)
    try:
        read = tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadProfile(f"{path}: {error}") from error
    profiles = read.get("profiles")
    if not named:
        return read
    found = profiles.get(named) if isinstance(profiles, dict) else None
    return found if isinstance(found, dict) else {}


def _aws_file(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("AWS_CONFIG_FILE") or _home(environ) / ".aws" / "config").expanduser()


def _aws_profile(environ: Mapping[str, str], named: str | None) -> Mapping[str, Any]:
    """One profile of AWS's two files; `endpoint_url` may stand in it, or in its `services` section."""
    name = named or "default"
    config = _ini(_aws_file(environ))
    credentials = environ.get("AWS_SHARED_CREDENTIALS_FILE") or _home(environ) / ".aws" / "credentials"
    said = dict(config.get("default" if name == "default" else f"profile {name}", {}))
    keys = _ini(Path(credentials).expanduser()).get(name, {})
    services = config.get(f"services {said.get('services', '')}", {})
    found = {
        "server_url": _nested(services.get("opsworks", "")).get("endpoint_url") or said.get("endpoint_url"),
        "access_key_id": keys.get("aws_access_key_id") or said.get("aws_access_key_id"),
        "secret_access_key": keys.get("aws_secret_access_key") or said.get("aws_secret_access_key"),
        "ca_file": said.get("ca_bundle"),
        "region": said.get("region"),
    }
    return found if any(found.values()) else {}


def _ini(path: Path) -> dict[str, dict[str, str]]:
    reader = configparser.RawConfigParser(default_section="\0")
    try:
        reader.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise BadProfile(f"{path}: {error}") from error
    return {section: dict(reader[section]) for section in reader.sections()}


def _nested(text: str) -> dict[str, str]:
    """`opsworks =` with indented `endpoint_url = …` lines beneath it."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HOME", "/"))
