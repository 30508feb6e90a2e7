from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, ToqueError, converge
from toque.resources.firewall import Firewall, LockedOut
from toque.testing.machine import FakeHost
from toque.testing.programs.apt import Apt
from toque.testing.programs.firewalls import Nft, with_firewall

RULES: list[dict[str, Any]] = [
    {"port": [80, 443]},
    {"port": 22, "source": ["10.0.0.0/8", "fd00::/8"], "order": 10},
    {"source": "10.9.9.9", "action": "drop", "order": 5},
    {"port": "8000-8010", "proto": "udp"},
]
KINDS = ("nftables", "ufw", "firewalld")


def example_machine() -> FakeHost:
    host = with_firewall()
    host.programs = [*host.programs, Apt()]
    host.paths = [*host.paths, "/usr/bin/apt-get"]
    return host


def table(host: FakeHost) -> str:
    nft = host.programs[0]
    assert isinstance(nft, Nft)
    return nft.tables.get("toque", "")


def test_rules_are_one_table_in_their_order() -> None:
    host = with_firewall()

    converge(Firewall(RULES), host)

    assert [
        line.strip() for line in table(host).splitlines() if 'comment "accept' in line or 'comment "drop' in line
    ] == [
        'ip saddr 10.9.9.9 drop comment "drop from 10.9.9.9"',
        'ip saddr 10.0.0.0/8 tcp dport { 22 } accept comment "accept tcp 22 from 10.0.0.0/8"',
        'ip6 saddr fd00::/8 tcp dport { 22 } accept comment "accept tcp 22 from fd00::/8"',
        'tcp dport { 80, 443 } accept comment "accept tcp 80,443"',
        'udp dport { 8000-8010 } accept comment "accept udp 8000-8010"',
    ]
    assert "policy drop" in table(host)
    assert b'include "/etc/nftables.d/toque.nft"' in (host.read("/etc/nftables.conf") or b"")


def test_a_rule_that_somebody_added_by_hand_is_taken_out() -> None:
    host = with_firewall()
    converge(Firewall(RULES), host)
    nft = host.programs[0]
    assert isinstance(nft, Nft)
    nft.tables["toque"] = nft.tables["toque"].replace("\t}\n", "\t\ttcp dport 23 accept\n\t}\n")

    change = converge(Firewall(RULES), host)

    assert change is not None
    assert change.fields == {"rules"}
    assert "dport 23" not in table(host)


def test_what_others_wrote_to_the_file_of_the_system_stays() -> None:
    host = with_firewall(files={"/etc/nftables.conf": "flush ruleset\ntable inet mine {\n}\n"})

    converge(Firewall(RULES), host)
    converge(Firewall(present=False), host)

    assert host.read("/etc/nftables.conf") == b"flush ruleset\ntable inet mine {\n}\n"
    assert host.read("/etc/nftables.d/toque.nft") is None
    assert table(host) == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("before", [(), RULES[:1]], ids=["none", "one"])
def test_rules_under_which_the_probe_fails_are_taken_back(kind: str, before: Sequence[dict[str, Any]]) -> None:
    host = with_firewall(kind)
    if before:
        converge(Firewall(before), host)
    want = Firewall(RULES, probe=["false"], probe_within=0)
    was, kept = want.current(host), host.read("/etc/nftables.d/toque.nft")

    with pytest.raises(LockedOut, match="the probe false did not succeed within 0 s: the old rules are back"):
        converge(want, host)

    assert want.current(host) == was
    assert host.read("/etc/nftables.d/toque.nft") == kept


def test_a_probe_that_raises_takes_them_back_as_well() -> None:
    host = with_firewall()

    def broken() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converge(Firewall(RULES, probe=broken), host)
    assert table(host) == ""


def test_rules_under_which_it_succeeds_are_kept() -> None:
    host = with_firewall()

    converge(Firewall(RULES, probe=lambda: "dport { 80, 443 }" in table(host)), host)

    assert "dport { 80, 443 }" in table(host)


def test_where_there_is_an_agent_its_server_is_what_must_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        agent = {"/etc/toque/agent.toml": f'server_url = "http://127.0.0.1:{port}"\n'}
        converge(Firewall(RULES), with_firewall(files=agent))
    with pytest.raises(LockedOut, match=f"a connection to the Toque server at 127.0.0.1:{port} did not succeed"):
        converge(Firewall(RULES, probe_within=0), with_firewall(files=agent))


def test_the_firewall_that_is_in_use_is_taken() -> None:
    host = with_firewall("ufw")
    host.paths = ["/usr/sbin/nft", "/usr/sbin/ufw"]

    converge(Firewall(RULES), host)

    assert "ufw allow proto tcp from any to any port 80,443 comment toque: accept tcp 80,443" in host.ran


def test_rules_of_others_in_ufw_stay() -> None:
    host = with_firewall("ufw", files={"/etc/ufw/user.rules": "### tuple ### allow tcp 25 comment=6d61696c\n"})

    converge(Firewall(RULES), host)
    converge(Firewall(RULES[:1]), host)

    text = (host.read("/etc/ufw/user.rules") or b"").decode()
    assert text.count("### tuple ###") == 2
    assert text.startswith("### tuple ### allow tcp 25 comment=6d61696c\n")

    converge(Firewall(present=False), host)
    assert host.read("/etc/ufw/user.rules") == b"### tuple ### allow tcp 25 comment=6d61696c\n"
    assert host.read("/etc/ufw/ufw.conf") == b"ENABLED=yes\n"


def test_the_rules_of_firewalld_are_a_zone() -> None:
    host = with_firewall("firewalld")

    converge(Firewall(RULES, default="reject"), host)

    zone = (host.read("/etc/firewalld/zones/toque.xml") or b"").decode()
    assert '<zone target="%%REJECT%%">' in zone
    assert '<rule priority="4" family="ipv4">\n    <source address="10.0.0.0/8" />\n' in zone
    assert "firewall-cmd --set-default-zone=toque" in host.ran


def test_a_machine_without_the_program_is_told_which_one() -> None:
    with pytest.raises(ToqueError, match="this machine has no program nft: install it first"):
        converge(Firewall(RULES), FakeHost())
    assert converge(Firewall(present=False), FakeHost()) is None


def test_a_rule_that_is_too_long_for_its_comment_is_still_known() -> None:
    host = with_firewall()
    many = [{"port": [f"{number}-{number + 3}" for number in range(10000, 10150, 10)], "source": "fd00::/8"}]

    converge(Firewall(many), host)

    assert converge(Firewall(many), host) is None
    assert max(len(line) for line in table(host).split('"')[1::2]) <= 120


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({}, "needs a port, a source or both"),
        ({"port": 0}, "port must be 1 to 65535"),
        ({"port": "80; drop"}, "port must be 1 to 65535"),
        ({"port": "90-80"}, "port must be 1 to 65535"),
        ({"port": True}, "port must be 1 to 65535"),
        ({"port": 80, "proto": "sctp"}, "proto must be tcp or udp"),
        ({"port": 80, "source": "10.0.0.1/8"}, "source must be an address or a network"),
        ({"port": 80, "source": "any; drop"}, "source must be an address or a network"),
        ({"port": 80, "action": "allow"}, "action must be accept, drop or reject"),
        ({"ports": 80}, "there is no 'ports' in a rule .did you mean port"),
        ({"port": 80, "order": "first"}, "order must be a number"),
        ({"port": list(range(1, 18))}, "15 is the most"),
    ],
    ids=["empty", "zero", "text", "backwards", "bool", "proto", "host-bits", "word", "action", "key", "order", "many"],
)
def test_S22_a_rule_that_is_none_is_refused_by_its_number(rule: dict[str, Any], says: str) -> None:
    with pytest.raises(BadProperty, match=f"firewall rule 2: .*{says}"):
        Firewall([{"port": 22}, rule])


def _with_rules(kind: str) -> FakeHost:
    host = with_firewall(kind)
    converge(Firewall(RULES[:2], default="accept"), host)
    host.ran.clear()
    return host


CASES = [
    Case(want, partial(make, kind))
    for want in (
        Firewall(RULES),
        Firewall(RULES, default="reject"),
        Firewall([], default="accept"),
        Firewall(present=False),
    )
    for kind in KINDS
    for make in (with_firewall, _with_rules)
]
