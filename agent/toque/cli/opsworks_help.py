"""What `toque opsworks` says of an operation's options: to people, and to shells that complete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toque.cli import aws_options, paging
from toque.cli.declared import option_of
from toque.client.waiting import Waiter

SKELETONS = ("input", "output", "yaml-input")

_INPUT = {
    "cli-input-json": "the request as JSON text, or file://path",
    "cli-input-yaml": "the request as YAML text, or file://path",
    "generate-cli-skeleton": "print a request to fill in (input, yaml-input), or an example answer (output)",
}
_WAITING = {"delay": "seconds between two looks", "max-attempts": "how often to look"}


def options(about: Mapping[str, Any]) -> dict[str, str]:
    """Every option of an operation, with a few words on it."""
    found: dict[str, str] = {}
    for name, kind in about["members"].items():
        found[option_of(name)] = _words(kind)
        if kind["type"] == "boolean":
            found[f"no-{option_of(name)}"] = "its opposite"
    if paging.records_of(about):
        found |= paging.OPTIONS
    if "waiter" in about:
        found |= _WAITING
    return found | _INPUT | dict(aws_options.VALUED) | dict(aws_options.FLAGS)


def choices(about: Mapping[str, Any], option: str) -> tuple[str, ...]:
    """The words that may stand behind an option, where they are known."""
    fixed = {"output": aws_options.OUTPUTS, "generate-cli-skeleton": SKELETONS}
    if option in fixed:
        return fixed[option]
    kind: Mapping[str, Any] = next((kind for name, kind in about["members"].items() if option_of(name) == option), {})
    return tuple(kind.get("choices") or kind.get("of", {}).get("choices") or ())


def text(about: Mapping[str, Any]) -> str:
    """The help page of an operation."""
    own = {option_of(name): _words(kind) for name, kind in about["members"].items()}
    blocks = [
        about["help"],
        _block(f"Options of {about['name']}", own or {}) if own else f"{about['name']} takes no members.",
        _block("How it is asked", _asking(about)),
        _block("For every operation", dict(aws_options.VALUED) | dict(aws_options.FLAGS)),
        "Taken without effect: " + ", ".join(f"--{n}" for n in aws_options.IGNORED + aws_options.IGNORED_FLAGS) + ".",
        _shorthand(about["members"]),
    ]
    return "\n\n".join(each for each in blocks if each)


def _asking(about: Mapping[str, Any]) -> dict[str, str]:
    if "waiter" in about:
        return _WAITING | _INPUT
    return _INPUT | dict(paging.OPTIONS if paging.records_of(about) else {})


def of_waiter(name: str, waiter: Waiter) -> str:
    """What a waiter waits for, in a few lines."""
    looks = f"Looks with {waiter.operation} every {waiter.delay:g} s, {waiter.attempts} times at most"
    if not waiter.records:
        return f"Wait until {waiter.operation} is answered.\n\n{looks}; a refusal ends it with exit code 255."
    good, bad = ", ".join(sorted(waiter.success)), ", ".join(sorted(waiter.failure))
    gone = " Something that is not found any more is a success too." if waiter.gone else ""
    ends = f"ends with exit code 255 as soon as one is {bad}"
    return f"Wait until all {waiter.records} are {good}.\n\n{looks}; {ends}.{gone}"


def _words(kind: Mapping[str, Any]) -> str:
    said = _type(kind)
    if kind.get("choices"):
        said = f"one of {', '.join(kind['choices'])}"
    return f"{said} (required)" if kind.get("required") else said


def _type(kind: Mapping[str, Any]) -> str:
    match kind["type"]:
        case "list":
            return f"list of {_type(kind['of'])}s"
        case "map":
            return f"map of {_type(kind['of'])}s"
    return str(kind["type"])


def _block(title: str, rows: Mapping[str, str]) -> str:
    width = max(len(name) for name in rows) + 4
    return f"\b\n{title}:\n" + "\n".join(f"  {'--' + name:<{width}}{words}" for name, words in rows.items())


def _shorthand(members: Mapping[str, Any]) -> str:
    """An example of the short form for each option that is a structure or a map."""
    rows = [
        f"  --{option_of(name)} {_example(kind)}"
        for name, kind in members.items()
        if kind["type"] in ("structure", "map") or kind.get("of", {}).get("type") == "structure"
    ]
    return "\b\nShort for JSON (quote it where it has brackets):\n" + "\n".join(rows) if rows else ""


def _example(kind: Mapping[str, Any]) -> str:
    match kind["type"]:
        case "structure":
            return ",".join(f"{name}={_value(each)}" for name, each in kind["members"].items())
        case "map":
            return f"Key={_value(kind['of'])}"
    return _example(kind["of"]) + " …"


def _value(kind: Mapping[str, Any]) -> str:
    match kind["type"]:
        case "structure":
            return "{" + _example(kind) + "}"
        case "map":
            return "{" + _example(kind) + "}"
        case "list":
            return f"[{_value(kind['of'])}]"
    return str(kind["type"])
