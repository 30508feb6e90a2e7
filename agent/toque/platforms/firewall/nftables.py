"""nftables: one table of our own, replaced as a whole in one transaction; the tables of others stay."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from toque.core import Host
from toque.platforms.firewall.rule import Rule

_FILE = "/etc/nftables.d/toque.nft"
_CONFS = ("/etc/sysconfig/nftables.conf", "/etc/nftables.conf")
_INCLUDE = f'include "{_FILE}"'
_EMPTY = "table inet toque {}\ndelete table inet toque\n"
_ALWAYS = (
    ("ct state established,related accept", "what was asked for"),
    ("ct state invalid drop", "what belongs to nothing"),
    ("iif lo accept", "this machine itself"),
    ("meta l4proto { icmp, ipv6-icmp } accept", "messages about the network"),
    ("udp sport 67 udp dport 68 accept", "its address, by DHCP"),
    ("ip6 saddr fe80::/10 udp dport 546 accept", "its address, by DHCPv6"),
)
_LONGEST_COMMENT = 120


class Nftables:
    def __init__(self, host: Host) -> None:
        self._host = host

    def state(self) -> tuple[str, tuple[str, ...]] | None:
        ran = self._host.run(["nft", "--json", "list", "table", "inet", "toque"], ok={0, 1})
        if ran.code != 0:
            return None
        said: list[dict[str, Any]] = json.loads(ran.out)["nftables"]
        rules = [each["rule"].get("comment", "a rule that Toque did not make") for each in said if "rule" in each]
        policy = next((each["chain"].get("policy", "accept") for each in said if "chain" in each), "accept")
        if rules[-1:] == ["reject the rest"]:
            rules.pop()
            policy = "reject"
        always = [comment for _, comment in _ALWAYS]
        if rules[: len(always)] != always:
            return policy, ("its first rules are not those of Toque", *rules)
        return policy, tuple(rules[len(always) :])

    def has_ours(self) -> bool:
        return self.state() is not None or self._host.read(_FILE) is not None

    def listed(self, rules: Sequence[Rule]) -> tuple[str, ...]:
        return tuple(map(_comment, rules))

    def put(self, default: str, rules: Sequence[Rule]) -> Callable[[], None]:
        old = self._host.run(["nft", "--stateless", "list", "table", "inet", "toque"], ok={0, 1})
        self._load(script(default, rules))
        return lambda: self._load(_EMPTY + old.out)

    def saved(self, default: str, rules: Sequence[Rule]) -> bool:
        written = self._host.read(_FILE) == script(default, rules).encode()
        return written and _INCLUDE in self._conf().splitlines()

    def save(self, default: str, rules: Sequence[Rule]) -> None:
        folder = _FILE.rpartition("/")[0]
        if self._host.entry(folder) is None:
            self._host.make_directory(folder, mode=0o755)
        self._host.write(_FILE, script(default, rules).encode(), mode=0o600)
        conf = self._conf() or "#!/usr/sbin/nft -f\n\nflush ruleset\n"
        if _INCLUDE not in conf.splitlines():
            self._host.write(self._conf_path(), f"{conf.rstrip()}\n{_INCLUDE}\n".encode(errors="surrogateescape"))
        if self._host.entry("/run/systemd/system") is not None:
            self._host.run(["systemctl", "enable", "--", "nftables"])

    def remove(self) -> None:
        self._load(_EMPTY)
        if _INCLUDE in self._conf():
            kept = [line for line in self._conf().splitlines(keepends=True) if line.strip() != _INCLUDE]
            self._host.write(self._conf_path(), "".join(kept).encode(errors="surrogateescape"))
        self._host.remove(_FILE)

    def _load(self, text: str) -> None:
        self._host.run(["nft", "--file", "-"], input=text)

    def _conf_path(self) -> str:
        return next((path for path in _CONFS if self._host.entry(path) is not None), _CONFS[-1])

    def _conf(self) -> str:
        return (self._host.read(self._conf_path()) or b"").decode(errors="surrogateescape")


def script(default: str, rules: Sequence[Rule]) -> str:
    """What nft loads: the old table goes and the new one comes at once, or nothing happens."""
    lines = [f'{what} comment "{comment}"' for what, comment in _ALWAYS]
    lines += [f'{_expression(rule)} comment "{_comment(rule)}"' for rule in rules]
    if default == "reject":
        lines.append('reject comment "reject the rest"')
    policy = "accept" if default == "accept" else "drop"
    body = "".join(f"\t\t{line}\n" for line in lines)
    head = f"\t\ttype filter hook input priority filter; policy {policy};\n"
    return f"{_EMPTY}table inet toque {{\n\tchain input {{\n{head}{body}\t}}\n}}\n"


def _expression(rule: Rule) -> str:
    words = []
    if rule.source:
        words.append(f"{'ip' if rule.family == 4 else 'ip6'} saddr {rule.source}")
    if rule.ports:
        words.append(f"{rule.proto} dport {{ {', '.join(rule.ports)} }}")
    elif rule.proto:
        words.append(f"meta l4proto {rule.proto}")
    return " ".join([*words, rule.action])


def _comment(rule: Rule) -> str:
    """The rule in words, by which it is known again; the kernel takes 128 bytes."""
    text = str(rule)
    if len(text) <= _LONGEST_COMMENT:
        return text
    from hashlib import sha256

    return f"{text[: _LONGEST_COMMENT - 12]}… {sha256(text.encode()).hexdigest()[:8]}"
