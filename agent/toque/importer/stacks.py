"""Settings of a stack as our server takes them: region, system, agent, cookbooks."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from toque.importer.dump import Record
from toque.importer.notes import Choices, Notes, Target
from toque.stackfile.model import FILTERED

_PROFILES: Final = ("12", "12.2", "11.10", "11.4", "0.9")
_OURS: Final = re.compile(r"[0-9]+\.[0-9]+\S*")
_ATTRIBUTES: Final = ("Color",)
_SECRETS: Final = ("Password", "SshKey")


def adapted(record: Record, choices: Choices, target: Target, notes: Notes) -> dict[str, Any]:
    """The record of a stack, changed where it must be; `notes` tells of each change."""
    stack = dict(record)
    _region(stack, choices, notes)
    if stack.get("VpcId") and not stack.get("DefaultSubnetId"):
        notes.left_out("VpcId", f"{stack['VpcId']} is left out, since a stack in a VPC needs a DefaultSubnetId")
        stack["VpcId"] = None
    _system(stack, target, notes)
    _manager(stack, notes)
    version = agent_version(stack.get("AgentVersion"), "LATEST")
    if version != (stack.get("AgentVersion") or "LATEST"):
        notes.changed("AgentVersion", f"{stack['AgentVersion']} was a version of AWS' agent: it is {version} now")
    stack["AgentVersion"] = version
    stack["CustomJson"] = custom_json(stack.get("CustomJson"), "CustomJson", notes)
    for name in sorted(set(stack.get("Attributes") or {}) - set(_ATTRIBUTES)):
        notes.left_out(f"Attributes.{name}", "stacks have no such attribute")
    stack["Attributes"] = {name: each for name, each in (stack.get("Attributes") or {}).items() if name in _ATTRIBUTES}
    _cookbooks(stack, notes)
    return stack


def agent_version(version: str | None, word: str) -> str:
    """Versions of ours have dots; those of AWS' agent were a number, or a number and a date.

    >>> agent_version("3454-20181018150407", "LATEST"), agent_version("0.1.0", "LATEST")
    ('LATEST', '0.1.0')
    """
    return version if version and (version == word or _OURS.fullmatch(version)) else word


def custom_json(text: str | None, thing: str, notes: Notes) -> str | None:
    """Custom JSON that is an object; what is not is left out."""
    if not text:
        return text
    try:
        value = json.loads(text)
    except ValueError as error:
        notes.left_out(thing, f"it is not JSON: {error}")
        return None
    if not isinstance(value, dict):
        notes.left_out(thing, "it is not a JSON object")
        return None
    return text


def without_secrets(source: Record | None) -> dict[str, Any]:
    """A source with its password and key hidden, as OpsWorks hid them, even where somebody wrote them into the dump."""
    return {name: FILTERED if name in _SECRETS and value else value for name, value in (source or {}).items()}


def _region(stack: dict[str, Any], choices: Choices, notes: Notes) -> None:
    old = stack["Region"]
    new = choices.regions.get(old, old)
    if new == old:
        return
    notes.changed("Region", f"{old} is {new} now, as --region says")
    stack["Region"] = new
    for name in ("VpcId", "DefaultSubnetId", "DefaultAvailabilityZone"):
        if stack.get(name):
            notes.left_out(name, f"{stack[name]} belongs to the region {old}")
            stack[name] = None


def _system(stack: dict[str, Any], target: Target, notes: Notes) -> None:
    old = stack.get("DefaultOs")
    if old is None:
        return
    stack["DefaultOs"] = target.stack_system(old)
    if stack["DefaultOs"] != old:
        notes.changed("DefaultOs", f"{old} is out of service: new instances get {stack['DefaultOs']}")


def _manager(stack: dict[str, Any], notes: Notes) -> None:
    manager = stack.get("ConfigurationManager") or {}
    version = manager.get("Version")
    if version is not None and (manager.get("Name", "Chef") != "Chef" or version not in _PROFILES):
        notes.changed("ConfigurationManager", f"{manager.get('Name')} {version} is unknown: the stack has the default")
        stack["ConfigurationManager"] = None
    if (stack.get("ChefConfiguration") or {}).get("ManageBerkshelf"):
        said = "Berkshelf's Berksfile becomes cookbooks.toml with cookbooks.lock: see docs/cookbooks.md"
        notes.to_do("ChefConfiguration", said)


def _cookbooks(stack: dict[str, Any], notes: Notes) -> None:
    source = stack["CustomCookbooksSource"] = without_secrets(stack.get("CustomCookbooksSource"))
    if stack.get("UseCustomCookbooks") and source.get("Url"):
        said = (
            f"{source['Url']} is kept as the source of the stack's cookbooks: what is there must be Toque's, written in"
            " Python, before the first instance starts"
        )
        notes.to_do("CustomCookbooksSource", said)
