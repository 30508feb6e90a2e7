"""How the words of a command line become a request (chapter 09 §§ 3, 6, 7)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from toque.cli.declarations import kebab, operations
from toque.cli.files import UnreadableFile, text_of
from toque.cli.shorthand import BadShorthand, parse

__all__ = ["BadArguments", "kebab", "operations", "option_of", "options", "request", "required", "skeleton"]

INPUTS = ("cli-input-json", "cli-input-yaml")


class BadArguments(ValueError):
    """A command line that no request can be made of; the message names the option."""


def options(arguments: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Each option without its dashes, and the words behind it. Raises BadArguments."""
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


Options = Sequence[tuple[str, list[str]]]
"""Options without their dashes, each with the words behind it."""


def option_of(member: str) -> str:
    """A member's option. `Region` is `--stack-region`, as in AWS clients, whose `--region` is the client's own."""
    return _RENAMED.get(member) or kebab(member)


_RENAMED = {"Region": "stack-region"}
# Names that older AWS clients had, and that scripts may still use.
_ALIASES = {"ec-2-volume-id": "ec2-volume-id"}


def request(about: Mapping[str, Any], given_options: Options, *, others: Iterable[str] = ()) -> dict[str, Any]:
    """The request that these options ask for; `required` checks that nothing lacks. Raises BadArguments.

    `--cli-input-json` (or `-yaml`) gives members; an option replaces the member of the same name whole. `others` are
    options that are understood elsewhere, for the hint when one is mistyped.
    """
    members = about["members"]
    by_option = {option_of(name): name for name in members}
    made: dict[str, Any] = {}
    given: dict[str, Any] | None = None
    for named, words in given_options:
        option = _ALIASES.get(named, named)
        negated = option.removeprefix("no-")
        if option in INPUTS:
            if given is not None:
                raise BadArguments(f"only one of {' and '.join(f'--{each}' for each in INPUTS)} may be given")
            given = _input(only(option, words), option)
        elif option in by_option:
            name = by_option[option]
            made[name] = _value(members[name], words, option)
        elif negated != option and negated in by_option and members[by_option[negated]]["type"] == "boolean":
            if words:
                raise BadArguments(f"--{option} takes no value")
            made[by_option[negated]] = False
        else:
            raise _unknown(option, [*by_option, *others], listed=by_option)
    made = (given or {}) | made
    _check({"type": "structure", "members": members}, made, "")
    return made


def required(about: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    """Raises BadArguments when a member that must be there is not."""
    members = about["members"].items()
    missing = [f"--{option_of(name)}" for name, kind in members if kind.get("required") and name not in made]
    if missing:
        raise BadArguments(f"{', '.join(missing)} must be given")


def skeleton(members: Mapping[str, Any], *, named: bool = False) -> dict[str, Any]:
    """Every member, to fill in: `--generate-cli-skeleton`. `named` puts names where values would be."""
    return {name: _example(kind, name if named else "", named=named) for name, kind in members.items()}


def yaml_skeleton(members: Mapping[str, Any]) -> str:
    """The skeleton as YAML, with what is required and what may be chosen beside it."""
    import yaml

    lines: list[str] = []
    for name, value in skeleton(members).items():
        text = yaml.safe_dump({name: value}, sort_keys=False, default_flow_style=False).rstrip("\n").split("\n")
        notes = ["[REQUIRED]"] if members[name].get("required") else []
        if choices := members[name].get("choices"):
            notes.append(f"one of {', '.join(choices)}")
        lines += [f"{text[0]}  # {' '.join(notes)}" if notes else text[0], *text[1:]]
    return "\n".join(lines) or "{}"


def only(option: str, words: list[str]) -> str:
    """The one word of an option that takes one. Raises BadArguments."""
    if len(words) != 1:
        raise BadArguments(f"--{option} takes one value, not {len(words)}")
    return words[0]


def integer(option: str, words: list[str]) -> int:
    word = only(option, words)
    try:
        return int(word)
    except ValueError:
        raise BadArguments(f"--{option} is a number, not {word!r}") from None


def _input(word: str, option: str) -> dict[str, Any]:
    text = _text(word, option)
    value = _yaml(text, option) if option == "cli-input-yaml" else _json(text, option)
    if not isinstance(value, dict):
        raise BadArguments(f"--{option} must be an object with the members of the request, not {_said(value)}")
    return value


def _value(kind: Mapping[str, Any], words: list[str], option: str) -> Any:
    match kind["type"]:
        case "boolean":
            if words not in ([], ["true"], ["false"]):
                raise BadArguments(f"--{option} takes no value; its opposite is --no-{option}")
            return words != ["false"]
        case "integer":
            return integer(option, [_text(only(option, words), option)])
        case "number":
            return _number(_text(only(option, words), option), option)
        case "list":
            return _list(kind, words, option)
        case "structure" | "map":
            return _object(kind, only(option, words), option)
        case "any":
            return _json(_text(only(option, words), option), option)
    return _text(only(option, words), option)


def _number(word: str, option: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise BadArguments(f"--{option} is a number, not {word!r}") from None


def _list(kind: Mapping[str, Any], words: list[str], option: str) -> list[Any]:
    if not words:
        raise BadArguments(f"--{option} needs at least one value")
    if len(words) == 1 and (text := _text(words[0], option)).lstrip().startswith("["):
        value = _json(text, option)
        return value if isinstance(value, list) else [value]
    if kind["of"]["type"] in ("structure", "map"):
        return [_object(kind["of"], word, option) for word in words]
    return [_text(word, option) for word in words]


def _object(kind: Mapping[str, Any], word: str, option: str) -> Any:
    text = _text(word, option)
    if text.lstrip().startswith(("{", "[")):
        return _json(text, option)
    try:
        return _shaped(kind, parse(text))
    except (BadShorthand, UnreadableFile) as error:
        raise BadArguments(f"--{option}: {error}") from None


def _yaml(text: str, option: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadArguments(f"--{option} is not YAML: {' '.join(str(error).split())}") from None


def _json(text: str, option: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise BadArguments(f"--{option} is not JSON: {error}") from None


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
        case "number" if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return float(value)
    return value


_FITS: Mapping[str, tuple[str, Any]] = {
    "string": ("a string", lambda value: isinstance(value, str)),
    "boolean": ("true or false", lambda value: isinstance(value, bool)),
    "integer": ("an integer", lambda value: isinstance(value, int) and not isinstance(value, bool)),
    "number": ("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
}


def _check(kind: Mapping[str, Any], value: Any, path: str) -> None:
    """What AWS clients check before they send: names, types and required members. Raises BadArguments."""
    if value is None and (kind.get("nullable") or path):
        return
    match kind["type"]:
        case "structure":
            if not isinstance(value, dict):
                raise BadArguments(f"{path} must be an object, not {_said(value)}")
            _check_members(kind["members"], value, path)
        case "map":
            if not isinstance(value, dict):
                raise BadArguments(f"{path} must be an object, not {_said(value)}")
            for name, each in value.items():
                _check(kind["of"], each, f"{path}.{name}")
        case "list":
            if not isinstance(value, list):
                raise BadArguments(f"{path} must be a list, not {_said(value)}")
            for number, each in enumerate(value):
                _check(kind["of"], each, f"{path}[{number}]")
        case simple if simple in _FITS:
            wanted, fits = _FITS[simple]
            if not fits(value):
                raise BadArguments(f"{path} must be {wanted}, not {_said(value)}")


def _check_members(members: Mapping[str, Any], value: Mapping[str, Any], path: str) -> None:
    for name, each in value.items():
        if name not in members:
            raise _unknown_member(path, str(name), members)
        _check(members[name], each, f"{path}.{name}" if path else name)
    if path:
        missing = [name for name, kind in members.items() if kind.get("required") and value.get(name) is None]
        if missing:
            raise BadArguments(f"{path} needs {', '.join(missing)}")


def _unknown(option: str, known: Sequence[str], *, listed: Iterable[str]) -> BadArguments:
    from toque.core.errors import did_you_mean

    hint = did_you_mean(f"--{option}", [f"--{each}" for each in known])
    every = ", ".join(f"--{each}" for each in listed) or "none"
    return BadArguments(f"there is no option --{option}{hint}; the options are {every}")


def _unknown_member(path: str, name: str, members: Mapping[str, Any]) -> BadArguments:
    from toque.core.errors import did_you_mean

    known = ", ".join(members) or "none"
    return BadArguments(f"{path or 'the request'} has no {name}{did_you_mean(name, members)}; its members are {known}")


def _text(word: str, option: str) -> str:
    try:
        return text_of(word)
    except UnreadableFile as error:
        raise BadArguments(f"--{option}: {error}") from error


def _said(value: Any) -> str:
    match value:
        case None:
            return "null"
        case dict():
            return "an object"
        case list():
            return "a list"
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else "a long text"


def _example(kind: Mapping[str, Any], name: str, *, named: bool) -> Any:
    match kind["type"]:
        case "boolean":
            return True
        case "integer":
            return 0
        case "number":
            return 0.0
        case "list":
            return [_example(kind["of"], "String" if named else "", named=named)]
        case "map":
            return {"KeyName": _example(kind["of"], "", named=named)}
        case "structure":
            return skeleton(kind["members"], named=named)
        case "any":
            return {}
    return name if named or not kind.get("choices") else str(kind["choices"][0])
