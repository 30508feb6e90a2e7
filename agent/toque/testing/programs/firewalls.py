"""nft, ufw and firewall-cmd of the fake machine, with the rules that they were told."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost

_TABLE = re.compile(
    r"^table inet (\w+) \{(.*?)^\}|^table inet (\w+) \{\}|^delete table inet (\w+)", re.DOTALL | re.MULTILINE
)


@dataclass
class Nft:
    """`tables` maps names to the text between their braces."""

    tables: dict[str, str] = field(default_factory=dict)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["nft", _, "list", "table", "inet", name] if name not in self.tables:
                return Ran(1, err="Error: No such file or directory")
            case ["nft", "--json", "list", "table", "inet", name]:
                return Ran(out=json.dumps({"nftables": self._json(self.tables[name])}))
            case ["nft", "--stateless", "list", "table", "inet", name]:
                return Ran(out=f"table inet {name} {{{self.tables[name]}}}\n")
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        if argv != ["nft", "--file", "-"]:
            return None
        for named, body, empty, deleted in _TABLE.findall(host.inputs[-1] or ""):
            if deleted:
                del self.tables[deleted]
            else:
                self.tables[named or empty] = body
        return Ran()

    def _json(self, body: str) -> list[object]:
        out: list[object] = []
        for line in body.splitlines():
            if found := re.search(r"policy (\w+);", line):
                out.append({"chain": {"name": "input", "policy": found[1]}})
            elif line.startswith("\t\t"):
                comment = re.search(r'comment "([^"]*)"', line)
                out.append({"rule": {"comment": comment[1]} if comment else {}})
        return out


@dataclass
class UfwProgram:
    """ufw: what it is told it writes to its files, as the real one does."""

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["ufw", "disable" as verb] | ["ufw", "--force", "enable" as verb]:
                host.add("/etc/ufw/ufw.conf", f"ENABLED={'yes' if verb == 'enable' else 'no'}\n")
            case ["ufw", "reload"]:
                pass
            case ["ufw", "default", verb, "incoming"]:
                policy = {"allow": "ACCEPT", "deny": "DROP", "reject": "REJECT"}[verb]
                host.add("/etc/default/ufw", f'DEFAULT_INPUT_POLICY="{policy}"\n')
            case ["ufw", "delete", *words]:
                self._write(
                    host, lambda lines: [line for line in lines if f"### {' '.join(words)} comment=" not in line]
                )
            case ["ufw", *words, "comment", comment]:
                line = f"### tuple ### {' '.join(words)} comment={comment.encode().hex()}"
                self._write(host, lambda lines: [*lines, line])
            case _:
                return None
        return Ran()

    def _write(self, host: FakeHost, edit: object) -> None:
        assert callable(edit)
        path = "/etc/ufw/user.rules"
        lines = (host.read(path) or b"").decode().splitlines()
        host.add(path, "".join(f"{line}\n" for line in edit(lines)))


@dataclass
class FirewallCmd:
    """firewall-cmd: zones are files; what runs is what was read at the last reload."""

    running: dict[str, list[str]] = field(default_factory=dict)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["firewall-cmd", "--state"]:
                return Ran(out="running\n")
            case ["firewall-cmd", zone, "--list-rich-rules"]:
                return Ran(out="".join(f"{rule}\n" for rule in self.running.get(zone.removeprefix("--zone="), [])))
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["firewall-cmd", "--reload"]:
                names = [name.removesuffix(".xml") for name in host.names_in("/etc/firewalld/zones")]
                self.running = {name: self._rich(self._zone(host, f"--zone={name}")) for name in names}
            case ["firewall-cmd", option] if option.startswith("--set-default-zone="):
                host.add("/etc/firewalld/firewalld.conf", f"DefaultZone={option.partition('=')[2]}\n")
            case _:
                return None
        return Ran()

    def _zone(self, host: FakeHost, option: str) -> ET.Element:
        return ET.fromstring(host.read(f"/etc/firewalld/zones/{option.removeprefix('--zone=')}.xml") or b"<zone/>")

    def _rich(self, zone: ET.Element) -> list[str]:
        made = []
        for rule in zone.iter("rule"):
            parts = [rule, *rule]
            made.append(" ".join(" ".join([each.tag, *(f'{k}="{v}"' for k, v in each.items())]) for each in parts))
        return made


def with_firewall(kind: str = "nftables", files: dict[str, str] | None = None) -> FakeHost:
    """A machine with one firewall: `with_firewall("ufw")`."""
    if kind == "nftables":
        return FakeHost(files=dict(files or {}), programs=[Nft()], paths=["/usr/sbin/nft"])
    if kind == "ufw":
        own = {"/etc/ufw/ufw.conf": "ENABLED=yes\n", "/etc/default/ufw": 'DEFAULT_INPUT_POLICY="DROP"\n'}
        rules = {"/etc/ufw/user.rules": "", "/etc/ufw/user6.rules": ""}
        return FakeHost(files={**own, **rules, **(files or {})}, programs=[UfwProgram()], paths=["/usr/sbin/ufw"])
    host = FakeHost(files=dict(files or {}), programs=[FirewallCmd()], paths=["/usr/bin/firewall-cmd"])
    host.add("/etc/firewalld/zones/public.xml", "<zone/>")
    return host
