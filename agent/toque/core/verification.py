"""Judging the new content of a file before it takes the place of the old one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from toque.core.errors import BadProperty, ToqueError, did_you_mean
from toque.core.host import Host

Verify = str | Sequence[str] | Callable[[str], bool] | None


class VerifyFailed(ToqueError):
    """The new content of a file did not pass the check that the recipe asks for; the old one is still in place."""


def check_verify(word: str, verify: Verify) -> None:
    """Refuse the name of a check that does not exist."""
    if isinstance(verify, str) and verify not in CHECKS:
        raise BadProperty(
            f"{word} verify must be one of {', '.join(sorted(CHECKS))}, a program as a list in which {{path}} stands"
            f" for the new content, or a function; got {verify!r}{did_you_mean(verify, CHECKS)}"
        )


def verified(host: Host, verify: Verify, path: str, content: bytes) -> None:
    """Let `verify` judge the content; a program or a function gets it in a file beside where it will stand."""
    if verify is None:
        return
    if isinstance(verify, str):
        CHECKS[verify](host, path, content)
        return
    folder, _, name = path.rpartition("/")
    trial = f"{folder}/.{name}.toque-verify"
    host.write(trial, content, mode=0o600)
    try:
        judged(host, verify, path, trial)
    finally:
        host.remove(trial)


def judged(host: Host, verify: Verify, path: str, trial: str) -> None:
    """Let `verify` judge what already stands in the file `trial` and is to go to `path`."""
    if callable(verify):
        if not verify(trial):
            raise VerifyFailed(f"{getattr(verify, '__name__', 'verify')} refuses the new content of {path}")
    elif isinstance(verify, str):
        CHECKS[verify](host, path, host.read(trial) or b"")
    elif verify is not None:
        host.run([arg.replace("{path}", trial) for arg in verify])


def _parsed(kind: str, parse: Callable[[str], object]) -> Callable[[Host, str, bytes], None]:
    """A check that is made in this process: the parser's own complaint says the line."""

    def check(host: Host, path: str, content: bytes) -> None:
        try:
            parse(content.decode())
        except UnicodeDecodeError as error:
            raise VerifyFailed(f"the new content of {path} is not UTF-8 (byte {error.start})") from None
        except ValueError as error:
            raise VerifyFailed(f"the new content of {path} is not {kind}: {error}") from None

    return check


def _json(text: str) -> None:
    import json

    json.loads(text)


def _yaml(text: str) -> None:
    import yaml

    try:
        for _ in yaml.safe_load_all(text):
            pass
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _toml(text: str) -> None:
    import tomllib

    tomllib.loads(text)


def _ini(text: str) -> None:
    import configparser

    parser = configparser.ConfigParser(interpolation=None, allow_no_value=True, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError(str(error)) from None


def _python(text: str) -> None:
    import ast

    try:
        ast.parse(text)
    except SyntaxError as error:
        raise ValueError(f"{error.msg} in line {error.lineno}") from None


def _sudoers(host: Host, path: str, content: bytes) -> None:
    _by_program(host, path, content, ["visudo", "--check", "--file"])


def _systemd_unit(host: Host, path: str, content: bytes) -> None:
    _by_program(host, path, content, ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no"])


def _by_program(host: Host, path: str, content: bytes, argv: Sequence[str]) -> None:
    """In a folder of its own, under its own name: what a unit is, its name says."""
    if host.which(argv[0]) is None:
        raise VerifyFailed(f"{argv[0]}, which judges {path}, is not on this machine: install it, or leave verify out")
    folder, name = "/run/toque-verify", path.rpartition("/")[2]
    host.remove(folder, recursive=True)
    host.make_directory(folder, mode=0o700, parents=True)
    try:
        host.write(f"{folder}/{name}", content, mode=0o600)
        ran = host.run([*argv, f"{folder}/{name}"], ok=range(256))
        if ran.code != 0:
            said = (ran.err.strip() or ran.out.strip()).replace(f"{folder}/{name}", path)
            raise VerifyFailed(f"{argv[0]} refuses the new content of {path}: {said}")
    finally:
        host.remove(folder, recursive=True)


CHECKS: dict[str, Callable[[Host, str, bytes], None]] = {
    "ini": _parsed("an INI file", _ini),
    "json": _parsed("JSON", _json),
    "python": _parsed("Python", _python),
    "sudoers": _sudoers,
    "systemd_unit": _systemd_unit,
    "toml": _parsed("TOML", _toml),
    "yaml": _parsed("YAML", _yaml),
}
"""The checks that `verify` knows by name."""
