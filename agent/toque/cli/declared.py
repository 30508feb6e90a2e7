"""The operations as the server declared them, and how a command line becomes a request (chapter 09 §§ 3, 6, 7)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from toque.cli.shorthand import BadShorthand, parse

_FILE = Path(__file__).with_name("operations.json")


class BadArguments(ValueError):
    """A command line that no request can be made of; the message names the option."""


@cache
def operations() -> Mapping[str, Any]:
    """Every operation by its command's name: `create-stack` has `name` CreateStack, `target`, `help`, `members`."""
    declared: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return {kebab(name): {"name": name} | about for name, about in declared.items()}


def kebab(name: str) -> str:
    """
    >>> kebab("UseOpsworksSecurityGroups")
    'use-opsworks-security-groups'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def request(about: Mapping[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    """The request that `arguments` (options and their words) ask for. Raises BadArguments.

    `--cli-input-json` gives members; an option replaces the member of the same name whole.
    """
    members = about["members"]
    by_option = {kebab(name): name for name in members}
    made: dict[str, Any] = {}
    given: dict[str, Any] = {}
    for option, words in _options(arguments):
        negated = option.removeprefix("no-")
        if option == "cli-input-json":
            given = _object(_only(option, words), option)
        elif option in by_option:
            name = by_option[option]
            made[name] = _value(members[name], words, option)
        elif negated != option and negated in by_option and members[by_option[negated]]["type"] == "boolean":
            made[by_option[negated]] = False
        else:
            raise BadArguments(f"there is no option --{option}; the options are {_listed(by_option)}")
    made = given | made
    missing = [f"--{kebab(name)}" for name, kind in members.items() if kind.get("required") and name not in made]
    if missing:
        raise BadArguments(f"{', '.join(missing)} must be given")
    return made


def skeleton(about: Mapping[str, Any]) -> dict[str, Any]:
    """A request with every member, to fill in: `--generate-cli-skeleton`."""
    return {name: _example(kind) for name, kind in about["members"].items()}


def _options(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for word in arguments:
        if word.startswith("--") and len(word) > 2:
            option, equals, value = word[2:].partition("=")
            found.append((option, [value] if equals else []))
        elif found:
            found[-1][1].append(word)
        else:
            raise BadArguments(f"{word!r} stands before any option")
    return found


def _value(kind: Mapping[str, Any], words: list[str], option: str) -> Any:
    match kind["type"]:
        case "boolean":
            if words not in ([], ["true"], ["false"]):
                raise BadArguments(f"--{option} takes no value; its opposite is --no-{option}")
            return words != ["false"]
        case "integer" | "number":
            word = _only(option, words)
            try:
                return int(word) if kind["type"] == "integer" else float(word)
            except ValueError:
                raise BadArguments(f"--{option} is a number, not {word!r}") from None
        case "list":
            return _list(kind["of"], words, option)
        case "structure" | "map":
            return _shaped(kind, _object(_only(option, words), option))
        case "any":
            return json.loads(_text(_only(option, words)))
        case _:
            return _text(_only(option, words))


def _list(of: Mapping[str, Any], words: list[str], option: str) -> list[Any]:
    if len(words) == 1 and (text := _text(words[0])).lstrip().startswith("["):
        try:
            return list(json.loads(text))
        except ValueError as error:
            raise BadArguments(f"--{option} is not JSON: {error}") from None
    if of["type"] in ("structure", "map"):
        return [_shaped(of, _object(word, option)) for word in words]
    return [_text(word) for word in words]


def _object(word: str, option: str) -> dict[str, Any]:
    text = _text(word)
    try:
        value = json.loads(text) if text.lstrip().startswith(("{", "[")) else parse(text)
    except BadShorthand as error:
        raise BadArguments(f"--{option}: {error}") from None
    except ValueError as error:
        raise BadArguments(f"--{option} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadArguments(f"--{option} must be a JSON object")
    return value


def _shaped(kind: Mapping[str, Any], value: Any) -> Any:
    """Shorthand has strings only; numbers, booleans and one-element lists are made where the declaration wants them."""
    match kind["type"]:
        case "structure" if isinstance(value, dict):
            members = kind["members"]
            return {name: _shaped(members[name], each) if name in members else each for name, each in value.items()}
        case "map" if isinstance(value, dict):
            return {name: _shaped(kind["of"], each) for name, each in value.items()}
        case "list":
            return [_shaped(kind["of"], each) for each in (value if isinstance(value, list) else [value])]
        case "boolean" if isinstance(value, str) and value.lower() in ("true", "false"):
            return value.lower() == "true"
        case "integer" if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            return int(value)
    return value


def _text(word: str) -> str:
    """`file://path` stands for what the file holds."""
    if not word.startswith("file://"):
        return word
    try:
        return Path(word.removeprefix("file://")).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadArguments(f"{word} cannot be read: {error}") from error


def _only(option: str, words: list[str]) -> str:
    if len(words) != 1:
        raise BadArguments(f"--{option} takes one value, not {len(words)}")
    return words[0]


def _example(kind: Mapping[str, Any]) -> Any:
    match kind["type"]:
        case "boolean":
            return True
        case "integer" | "number":
            return 0
        case "list":
            return [_example(kind["of"])]
        case "map":
            return {"KeyName": _example(kind["of"])}
        case "structure":
            return {name: _example(each) for name, each in kind["members"].items()}
        case _:
            return ""


def _listed(options: Mapping[str, str]) -> str:
    return ", ".join(f"--{option}" for option in options) or "none"
