"""How the rules of a firewall are looked at, tried and kept: one file per firewall.

A new one is a file here with a class like `Nftables`, and a line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from toque.core import Host, ToqueError
from toque.platforms.firewall.firewalld import Firewalld
from toque.platforms.firewall.nftables import Nftables
from toque.platforms.firewall.probe import Probe, passes, reaches, server_of
from toque.platforms.firewall.rule import ACTIONS, Rule, rules_of
from toque.platforms.firewall.ufw import Ufw

__all__ = [
    "ACTIONS",
    "KINDS",
    "Firewalls",
    "Probe",
    "Rule",
    "firewall_of",
    "passes",
    "reaches",
    "rules_of",
    "server_of",
]


class Firewalls(Protocol):
    """A firewall, and of its rules those that are ours."""

    def state(self) -> tuple[str, tuple[str, ...]] | None:
        """What holds for the rest, and our rules as `listed` tells them; None when it has none of ours."""

    def has_ours(self) -> bool:
        """Whether there is anything to take away."""

    def listed(self, rules: Sequence[Rule]) -> tuple[str, ...]:
        """Rules in the words and the order in which `state` tells them."""

    def put(self, default: str, rules: Sequence[Rule]) -> Callable[[], None]:
        """Have these rules at once in place of ours; the answer brings the old ones back."""

    def saved(self, default: str, rules: Sequence[Rule]) -> bool:
        """Whether these are the rules that the machine will have after a boot."""

    def save(self, default: str, rules: Sequence[Rule]) -> None: ...
    def remove(self) -> None: ...


class NoFirewall(ToqueError):
    def __init__(self, program: str) -> None:
        super().__init__(f'this machine has no program {program}: install it first, e.g. package("nftables")')


KINDS: Mapping[str, tuple[str, Callable[[Host], Firewalls]]] = {
    "firewalld": ("firewall-cmd", Firewalld),
    "ufw": ("ufw", Ufw),
    "nftables": ("nft", Nftables),
}
"""By name: the program that it takes, and how it is talked to."""


def firewall_of(host: Host, name: str | None) -> Firewalls | None:
    """The firewall of this name, else the one that is in use here, else nftables; None where its program is missing."""
    if name is None:
        name = next((each for each in ("firewalld", "ufw") if _is_used(host, each)), "nftables")
    program, kind = KINDS[name]
    return kind(host) if host.which(program) is not None else None


def missing(name: str | None) -> NoFirewall:
    return NoFirewall(KINDS[name or "nftables"][0])


def _is_used(host: Host, name: str) -> bool:
    if host.which(KINDS[name][0]) is None:
        return False
    if name == "firewalld":
        return host.run(["firewall-cmd", "--state"], ok=range(256)).code == 0
    return b"\nENABLED=yes" in b"\n" + (host.read("/etc/ufw/ufw.conf") or b"")
