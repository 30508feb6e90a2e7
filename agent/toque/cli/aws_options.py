"""The options that `aws` knows for every command, so that its scripts work here as they are (chapter 09 § 3).

They may stand before or after the command's name. Of those that mean nothing here the words are taken, and no more.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

VALUED: Final[Mapping[str, str]] = {
    "endpoint-url": "the server's address, such as https://toque.example.org",
    "profile": "a profile of toque's profile.toml, or of ~/.aws",
    "region": "any name; it is part of the signature, and chooses nothing",
    "output": "json, text, table, yaml or yaml-stream",
    "query": "a JMESPath expression that picks from the answer",
    "ca-bundle": "a PEM file with the authority that signed the server's certificate",
    "cli-read-timeout": "seconds; 0 waits for ever",
    "cli-connect-timeout": "seconds; 0 waits for ever",
}
FLAGS: Final[Mapping[str, str]] = {
    "debug": "tell on the other stream what goes over the wire",
    "no-paginate": "one request, whatever it says of further pages",
    "no-sign-request": "send no identity",
    "no-verify-ssl": "trust any certificate",
}
IGNORED: Final = ("color", "cli-binary-format", "cli-error-format")
"""Taken with their value, and without effect."""
IGNORED_FLAGS: Final = ("no-cli-pager", "cli-auto-prompt", "no-cli-auto-prompt")
"""Taken, and without effect."""

OUTPUTS: Final = ("json", "text", "table", "yaml", "yaml-stream")


class BadOption(ValueError):
    """An option of these is wrong; the message says how."""


@dataclass(frozen=True)
class AwsOptions:
    """What was asked for with them. None is what was not said."""

    endpoint_url: str | None = None
    profile: str | None = None
    region: str | None = None
    output: str = "json"
    query: str | None = None
    ca_bundle: str | None = None
    cli_read_timeout: float | None = 300
    cli_connect_timeout: float | None = 10
    debug: bool = False
    no_paginate: bool = False
    no_sign_request: bool = False
    no_verify_ssl: bool = False


def every() -> list[str]:
    """All their names, without dashes."""
    return [*VALUED, *FLAGS, *IGNORED, *IGNORED_FLAGS]


def behind(words: Sequence[str]) -> list[str]:
    """The same words, with those options that stand in front moved behind the first word that is none."""
    at = 0
    while at < len(words) and words[at].startswith("--"):
        name, equals, _ = words[at][2:].partition("=")
        if name in FLAGS or name in IGNORED_FLAGS:
            at += 1
        elif name in VALUED or name in IGNORED:
            at += 1 if equals else 2
        else:
            break
    return [*words[at : at + 1], *words[:at], *words[at + 1 :]]


def taken(
    options: Sequence[tuple[str, list[str]]], environ: Mapping[str, str] = os.environ
) -> tuple[AwsOptions, list[tuple[str, list[str]]]]:
    """These options, and the others. Raises BadOption."""
    found: dict[str, Any] = {}
    if (output := environ.get("AWS_DEFAULT_OUTPUT")) in OUTPUTS:
        found["output"] = output
    rest: list[tuple[str, list[str]]] = []
    for option, words in options:
        if option in VALUED or option in IGNORED:
            if len(words) != 1:
                raise BadOption(f"--{option} takes one value, not {len(words)}")
            if option in VALUED:
                found[option.replace("-", "_")] = words[0]
        elif option in FLAGS or option in IGNORED_FLAGS:
            if words:
                raise BadOption(f"--{option} takes no value")
            if option in FLAGS:
                found[option.replace("-", "_")] = True
        else:
            rest.append((option, words))
    if found.get("output", "json") not in OUTPUTS:
        raise BadOption(f"--output is one of {', '.join(OUTPUTS)}")
    made = AwsOptions(**found)
    return replace(
        made,
        cli_read_timeout=_seconds("cli-read-timeout", made.cli_read_timeout),
        cli_connect_timeout=_seconds("cli-connect-timeout", made.cli_connect_timeout),
    ), rest


def _seconds(option: str, said: object) -> float | None:
    try:
        return float(str(said)) or None
    except ValueError:
        raise BadOption(f"--{option} is a number of seconds, not {said!r}") from None
