"""Run by the Python of an environment: which of these requirements does it meet?

Standard library only, and the rules of versions from wherever this Python has them.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any


def rules() -> Any:
    """The module of `packaging` for requirements: its own, or the one inside of pip; None where there is neither."""
    for folder in ("", *_bundled()):
        if folder:
            sys.path.append(folder)
        for name in ("packaging", "pip._vendor.packaging"):
            try:
                return __import__(name + ".requirements", fromlist=["Requirement"])
            except ImportError:
                pass
    return None


def _bundled() -> list[str]:
    """Where an interpreter keeps the pip that it gives to new environments."""
    places = [Path(os.__file__).parent / "ensurepip/_bundled", Path("/usr/share/python-wheels")]
    return [str(wheel) for place in places for wheel in place.glob("pip-*.whl")]


def plain(name: str) -> str:
    """A name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> dict[str, Any]:
    """Every distribution: its version, its needs, and the address that it came from, where it came from one."""
    from importlib.metadata import distributions

    found: dict[str, Any] = {}
    for each in distributions():
        name = each.metadata["Name"]
        if name and plain(name) not in found:
            origin = json.loads(each.read_text("direct_url.json") or "{}")
            if not origin and each.read_text("PKG-INFO"):  # what `setup.py develop` leaves
                origin = {"url": "file://" + str(each.locate_file("")), "dir_info": {"editable": True}}
            found[plain(name)] = {"version": each.version, "requires": each.requires or [], "origin": origin}
    return found


def judged(wanted: list[str], there: dict[str, Any], requirement: Any) -> list[dict[str, Any]]:
    """For each requirement: the version that is there (or None), and whether that will do.

    `-e /path` asks for a project that is installed in place. Without `requirement`, the class that knows the grammar,
    only names are understood.
    """
    return [_editable(text[3:], there) if text.startswith("-e ") else _one(text, there, requirement) for text in wanted]


def _editable(path: str, there: dict[str, Any]) -> dict[str, Any]:
    for each in there.values():
        place = each["origin"].get("url", "") + "/"
        if each["origin"].get("dir_info", {}).get("editable") and place.startswith("file://" + path + "/"):
            return {"version": each["version"], "meets": True}
    return {"version": None, "meets": False}


def _one(text: str, there: dict[str, Any], requirement: Any) -> dict[str, Any]:
    if requirement is None:
        found = there.get(plain(text), {})
        return {"version": found.get("version"), "meets": bool(found)}
    wanted = requirement(text)
    if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
        return {"version": None, "meets": True}
    found = there.get(plain(wanted.name))
    if found is None:
        return {"version": None, "meets": False}
    meets = wanted.specifier.contains(found["version"], prereleases=True)
    if wanted.url:
        meets = meets and found["origin"].get("url") == wanted.url.partition("#")[0]
    needs = [each for extra in wanted.extras for each in _needs_of(extra, found["requires"], requirement)]
    return {"version": found["version"], "meets": meets and all(_one(n, there, requirement)["meets"] for n in needs)}


def _needs_of(extra: str, needs: list[str], requirement: Any) -> list[str]:
    """What an extra adds, its condition taken off."""
    added = []
    for need in map(requirement, needs):
        marker = need.marker
        if marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""}):
            need.marker = None
            added.append(str(need))
    return added


def answer(wanted: list[str]) -> Any:
    """What is printed: the list, or the requirement that nobody here understands and why."""
    found = rules()
    for text in wanted:
        if found is None and not re.fullmatch(r"[A-Za-z0-9._-]+|-e .*", text):
            return text + ": its environment has neither pip nor packaging, which know how versions compare"
        if found is not None and not text.startswith("-e "):
            try:
                found.Requirement(text)
            except found.InvalidRequirement as error:
                return text + ": " + str(error).splitlines()[0]
    return judged(wanted, installed(), found and found.Requirement)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(answer(json.loads(sys.argv[1]))))
