"""One rule for what comes in, the same for every firewall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Literal

from toque.core import BadProperty
from toque.core.errors import did_you_mean

Action = Literal["accept", "drop", "reject"]
ACTIONS = ("accept", "drop", "reject")
_PROTOS = ("tcp", "udp")
_KEYS = ("port", "proto", "source", "action", "order")
_MOST_PORTS = 15
"""What ufw takes in one rule."""


@dataclass(frozen=True)
class Rule:
    """`ports` are "80" or "8000-8010". No port means all, no `proto` every protocol, no `source` everybody."""

    action: str
    proto: str = ""
    ports: tuple[str, ...] = ()
    source: str = ""

    @property
    def family(self) -> int:
        """4, 6, or 0 for both."""
        return ip_network(self.source).version if self.source else 0

    def __str__(self) -> str:
        source = f"from {self.source}" if self.source else ""
        return " ".join(word for word in (self.action, self.proto, ",".join(self.ports), source) if word)


def parsed(text: str) -> Rule:
    """The rule that `str` made a text of."""
    said, _, source = text.partition(" from ")
    action, *more = said.split()
    return Rule(action, more[0] if more else "", tuple(more[1].split(",")) if len(more) > 1 else (), source)


def rules_of(wanted: Sequence[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules that a recipe gives as data, by `order` and then as written; raises BadProperty."""
    numbered = []
    for number, each in enumerate(wanted, 1):
        order = each.get("order", 100)
        if type(order) is not int:
            raise BadProperty(f"firewall rule {number}: order must be a number, got {order!r}")
        numbered.append((order, _checked(number, each)))
    numbered.sort(key=lambda pair: pair[0])
    return tuple(dict.fromkeys(rule for _, rules in numbered for rule in rules))


def _checked(number: int, each: Mapping[str, Any]) -> list[Rule]:
    where = f"firewall rule {number}:"
    for key in each:
        if key not in _KEYS:
            raise BadProperty(f"{where} there is no {key!r} in a rule{did_you_mean(str(key), _KEYS)}")
    action = each.get("action", "accept")
    if action not in ACTIONS:
        raise BadProperty(f"{where} action must be {', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}, got {action!r}")
    ports = tuple(_port(where, port) for port in _listed(each.get("port")))
    proto = each.get("proto", "tcp" if ports else "")
    if proto not in (*_PROTOS, "") or (ports and not proto):
        raise BadProperty(f"{where} proto must be tcp or udp, got {proto!r}")
    sources = [_source(where, source) for source in _listed(each.get("source"))]
    if not ports and not sources:
        raise BadProperty(f"{where} needs a port, a source or both; what holds for the rest is default=")
    if len(ports) > _MOST_PORTS:
        raise BadProperty(f"{where} has {len(ports)} ports, and {_MOST_PORTS} is the most: make two of it, or a range")
    return [Rule(action, proto, ports, source) for source in sources or [""]]


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _port(where: str, port: Any) -> str:
    first, _, last = str(port).partition("-")
    numbers = [first, last or first]
    fits = all(each.isascii() and each.isdecimal() and 1 <= int(each) <= 65535 for each in numbers)
    if type(port) not in (int, str) or not fits or int(numbers[0]) > int(numbers[1]):
        raise BadProperty(f'{where} port must be 1 to 65535 or a range such as "8000-8010", got {port!r}')
    return str(int(first)) if numbers[0] == numbers[1] else f"{int(first)}-{int(last)}"


def _source(where: str, source: Any) -> str:
    try:
        if type(source) is not str:
            raise ValueError(source)
        network = ip_network(source)
    except ValueError:
        raise BadProperty(
            f'{where} source must be an address or a network such as "10.0.0.0/8", got {source!r}'
        ) from None
    return str(network.network_address) if network.num_addresses == 1 else str(network)
