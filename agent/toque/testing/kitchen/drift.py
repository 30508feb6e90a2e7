"""What is broken on purpose: chosen from what a run managed, done on the machine, to be repaired by the next run."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from toque.core.host import Host
from toque.platforms.package import packages_of
from toque.platforms.service import services_of

MOST = 3
"""How many things are broken at once."""

_SETTLED = {"unchanged", "changed"}


@dataclass(frozen=True)
class Drift:
    """One thing to break: of which resource, and how."""

    word: str
    name: str
    how: str
    source: str = ""
    target: str = ""
    """What is broken, where it is not the resource's name: one package of several."""

    def __str__(self) -> str:
        return f"{self.word}[{self.name}]: {_SAID[self.how]}{f' ({self.target})' if self.target else ''}"

    def values(self) -> dict[str, str]:
        return asdict(self)


_SAID = {
    "delete": "deleted",
    "edit": "a line added",
    "mode": "its mode changed",
    "stop": "stopped",
    "disable": "taken out of the boot",
    "userdel": "the account removed",
    "remove": "a package removed",
}


def candidates(resources: Iterable[Mapping[str, Any]]) -> list[Drift]:
    """Everything that a run managed and that can be broken; of `inside`'s result, in its order."""
    found: list[Drift] = []
    for each in resources:
        if each["status"] in _SETTLED and not each["absent"]:
            hows = _ways(str(each["word"]), str(each["name"]), each["managed"])
            found += [Drift(each["word"], each["name"], how, each["source"], target) for how, target in hows]
    return list(dict.fromkeys(found))


def order(found: Sequence[Drift], seed: int) -> list[Drift]:
    """In which order to try them: one for each resource, by chance. The same seed gives the same."""
    mixed = list(found)
    random.Random(seed).shuffle(mixed)
    one_each = {(each.word, each.name): each for each in reversed(mixed)}
    return [each for each in mixed if one_each[each.word, each.name] is each]


def perform(drift: Drift, host: Host) -> None:
    """Break it, on the machine this process runs on."""
    match drift.how:
        case "delete":
            host.remove(drift.name)
        case "edit":
            host.write(drift.name, (host.read(drift.name) or b"") + b"\n# drift\n")
        case "mode":
            entry = host.entry(drift.name)
            host.chmod(drift.name, (entry.mode if entry is not None else 0) ^ 0o111)
        case "stop":
            services_of(host, drift.name).stop(drift.name)
        case "disable":
            services_of(host, drift.name).set_enabled(drift.name, False)
        case "userdel":
            host.run(["userdel", "--", drift.name])
        case "remove":
            packages_of(host).remove([drift.target])


def _ways(word: str, name: str, managed: Mapping[str, Any]) -> list[tuple[str, str]]:
    if word == "package":
        return [("remove", each) for each in name.split()]
    if word == "user":
        return [("userdel", "")]
    if word == "service":
        ways = [("stop", "running"), ("disable", "enabled")]
        return [(how, "") for how, field in ways if managed.get(field) is True]
    ways = []
    if name.startswith("/"):
        ways += [("delete", ""), ("edit", "")] if "content" in managed else []
        ways += [("mode", "")] if "mode" in managed and word != "link" else []
        ways += [("delete", "")] if word == "link" else []
    return ways
