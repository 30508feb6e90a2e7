"""firewalld: a zone of our own, which is the default one; interfaces that are in other zones stay there."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence

from toque.core import Host
from toque.platforms.firewall.rule import Rule

_ZONE = "toque"
_FILE = f"/etc/firewalld/zones/{_ZONE}.xml"
_SETTINGS = "/etc/firewalld/firewalld.conf"
_TARGETS = {"accept": "ACCEPT", "drop": "DROP", "reject": "%%REJECT%%"}
_USUAL_ZONE = "public"


class Firewalld:
    def __init__(self, host: Host) -> None:
        self._host = host

    def state(self) -> tuple[str, tuple[str, ...]] | None:
        content = self._host.read(_FILE)
        if content is None or self._default_zone() != _ZONE:
            return None
        found = re.search(rb'<zone[^>]* target="([^"]*)"', content)
        target = found[1].decode() if found else "default"
        default = next((name for name, text in _TARGETS.items() if text == target), target)
        running = self._say(f"--zone={_ZONE}", "--list-rich-rules").splitlines()
        return default, tuple(sorted(line.strip() for line in running if line.strip()))

    def has_ours(self) -> bool:
        return self._host.read(_FILE) is not None

    def listed(self, rules: Sequence[Rule]) -> tuple[str, ...]:
        """In firewalld's own words; it lists them in no order, and keeps to their priorities."""
        return tuple(sorted(_rich(rule) for rule in _elements(rules)))

    def put(self, default: str, rules: Sequence[Rule]) -> Callable[[], None]:
        old, zone = self._host.read(_FILE), self._default_zone()

        def undo() -> None:
            before = zone if zone != _ZONE or old is not None else _USUAL_ZONE
            if self._default_zone() != before:
                self._say(f"--set-default-zone={before}")
            self._write(old)
            self._say("--reload")

        try:
            self._write(document(default, rules))
            self._say("--reload")
            if zone != _ZONE:
                self._say(f"--set-default-zone={_ZONE}")
        except BaseException:
            undo()
            raise
        return undo

    def saved(self, default: str, rules: Sequence[Rule]) -> bool:
        return self._host.read(_FILE) == document(default, rules)

    def save(self, default: str, rules: Sequence[Rule]) -> None:
        """The zone is read from its file already."""

    def remove(self) -> None:
        if self._default_zone() == _ZONE:
            self._say(f"--set-default-zone={_USUAL_ZONE}")
        self._write(None)
        self._say("--reload")

    def _write(self, content: bytes | None) -> None:
        if content is None:
            self._host.remove(_FILE)
        else:
            self._host.write(_FILE, content)

    def _default_zone(self) -> str:
        """From its settings, which it writes itself: asking it takes a third of a second."""
        found = re.search(rb"^DefaultZone=(\S+)", self._host.read(_SETTINGS) or b"", re.MULTILINE)
        return found[1].decode() if found else _USUAL_ZONE

    def _say(self, *words: str) -> str:
        return self._host.run(["firewall-cmd", *words]).out.strip()


def document(default: str, rules: Sequence[Rule]) -> bytes:
    """The zone's file."""
    zone = ET.Element("zone", target=_TARGETS[default])
    ET.SubElement(zone, "short").text = "Toque"
    ET.SubElement(zone, "description").text = "Kept by Toque: what may come in."
    ET.SubElement(zone, "service", name="dhcpv6-client")
    for attributes, element, action in _elements(rules):
        rule = ET.SubElement(zone, "rule", {name: text for name, text in attributes.items() if name != "source"})
        if "source" in attributes:
            ET.SubElement(rule, "source", address=attributes["source"])
        if element is not None:
            ET.SubElement(rule, element[0], element[1])
        ET.SubElement(rule, action)
    ET.indent(zone)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(zone) + b"\n"


_Element = tuple[dict[str, str], tuple[str, dict[str, str]] | None, str]


def _elements(rules: Sequence[Rule]) -> list[_Element]:
    """A rich rule has one port: as many as there are ports, numbered in their order, behind those for ICMP."""
    made: list[_Element] = []

    def add(source: str, family: int, element: tuple[str, dict[str, str]] | None, action: str) -> None:
        attributes = {"priority": str(len(made) + 1)}
        if source:
            attributes |= {"family": f"ipv{family}", "source": source}
        made.append((attributes, element, action))

    for name in ("icmp", "ipv6-icmp"):
        add("", 0, ("protocol", {"value": name}), "accept")
    for rule in rules:
        for port in rule.ports:
            add(rule.source, rule.family, ("port", {"port": port, "protocol": rule.proto}), rule.action)
        if not rule.ports:
            add(rule.source, rule.family, ("protocol", {"value": rule.proto}) if rule.proto else None, rule.action)
    return made


def _rich(rule: _Element) -> str:
    attributes, element, action = rule
    words = ["rule", *(f'{name}="{text}"' for name, text in attributes.items() if name != "source")]
    if "source" in attributes:
        words.append(f'source address="{attributes["source"]}"')
    if element is not None:
        words += [element[0], *(f'{name}="{text}"' for name, text in element[1].items())]
    return " ".join([*words, action])
