from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Run, converge
from toque.core.diffs import describe
from toque.core.world import World, search
from toque.resources.hosts_entry import HostsEntry, hosts_entry
from toque.testing.machine import FakeHost

HOSTS = """\
127.0.0.1 localhost
# the databases
10.0.0.7\tdb.internal  db # moved in May
10.0.0.8 cache

::1 localhost ip6-localhost
"""


def machine(text: str | None = HOSTS) -> FakeHost:
    return FakeHost(files={} if text is None else {"/etc/hosts": text})


def hosts(host: FakeHost) -> str:
    return (host.read("/etc/hosts") or b"").decode()


def test_a_new_address_is_a_line_of_its_own_and_every_other_byte_stays() -> None:
    host = machine()

    converge(HostsEntry("10.0.0.9", names=["mail.internal", "mail"], comment="by hand"), host)

    assert hosts(host) == f"{HOSTS}10.0.0.9 mail.internal mail # by hand\n"


def test_the_names_of_an_address_are_all_its_names_unless_they_are_to_be_added() -> None:
    host, other = machine(), machine()

    converge(HostsEntry("10.0.0.7", names=["db"]), host)
    converge(HostsEntry("10.0.0.7", names=["sql"], append=True), other)

    assert "10.0.0.7 db # moved in May\n" in hosts(host)
    assert "10.0.0.7 db.internal db sql # moved in May\n" in hosts(other)


def test_a_name_that_moves_is_taken_from_its_old_address_so_that_the_new_one_is_found() -> None:
    host = machine()

    converge(HostsEntry("10.0.0.70", names=["db"]), host)

    assert "10.0.0.7 db.internal # moved in May\n" in hosts(host)
    assert hosts(host).endswith("10.0.0.70 db\n")


def test_a_name_may_keep_several_addresses() -> None:
    host = machine()

    converge(HostsEntry("10.0.0.70", names=["db"], exclusive=False), host)

    assert hosts(host) == f"{HOSTS}10.0.0.70 db\n"


def test_an_address_of_the_other_family_keeps_the_name() -> None:
    host = machine()

    converge(HostsEntry("127.0.0.2", names=["ip6-localhost"]), host)

    assert "::1 localhost ip6-localhost\n" in hosts(host)


def test_one_address_in_two_spellings_is_one_line() -> None:
    host = machine("fd00:0:0::7 db\nfd00::7 sql\n")

    converge(HostsEntry("fd00::7", names=["db"]), host)

    assert hosts(host) == "fd00::7 db\n"


def test_an_address_goes_with_all_its_lines_or_loses_the_names_that_are_given() -> None:
    host, other = machine(), machine()

    converge(HostsEntry("10.0.0.7", present=False), host)
    converge(HostsEntry("10.0.0.7", names=["db"], present=False), other)

    assert hosts(host) == HOSTS.replace("10.0.0.7\tdb.internal  db # moved in May\n", "")
    assert "10.0.0.7 db.internal # moved in May\n" in hosts(other)
    assert converge(HostsEntry("10.0.0.7", names=["sql"], present=False), other) is None


def test_a_section_is_kept_whole_and_the_rest_left_alone() -> None:
    host = machine()
    section: Mapping[str, list[str]] = {"10.0.1.1": ["web1"], "10.0.1.2": ["web2", "web2.internal"]}

    converge(HostsEntry("web", section=section), host)
    after = hosts(host)
    change = converge(HostsEntry("web", section={"10.0.1.1": ["web1"]}), host)

    begin, end = "# begin of the block that Toque keeps: web", "# end of the block that Toque keeps"
    assert after == f"{HOSTS}{begin}\n10.0.1.1 web1\n10.0.1.2 web2 web2.internal\n{end}\n"
    assert hosts(host) == f"{HOSTS}{begin}\n10.0.1.1 web1\n{end}\n"
    assert change is not None
    assert "-10.0.1.2 web2 web2.internal" in describe(HostsEntry("web", section={}), change)[1]

    converge(HostsEntry("web", present=False), host)
    assert hosts(host) == HOSTS


def test_two_sections_and_a_line_do_not_disturb_each_other() -> None:
    host = machine()

    converge(HostsEntry("web", section={"10.0.1.1": ["web1"]}), host)
    converge(HostsEntry("sql", section={"10.0.2.1": ["sql1"]}), host)
    converge(HostsEntry("10.0.1.1", names=["hand"]), host)
    converge(HostsEntry("web", section={}), host)
    converge(HostsEntry("web", present=False), host)

    begin, end = "# begin of the block that Toque keeps: sql", "# end of the block that Toque keeps"
    assert hosts(host) == f"{HOSTS}10.0.1.1 hand\n{begin}\n10.0.2.1 sql1\n{end}\n"


def test_a_section_that_lost_its_last_line_takes_nothing_with_it() -> None:
    host = machine("# begin of the block that Toque keeps: web\n10.0.1.1 web1\n10.0.0.9 mail\n")

    converge(HostsEntry("web", present=False), host)

    assert hosts(host) == "10.0.1.1 web1\n10.0.0.9 mail\n"


def test_a_machine_without_the_file_gets_one_that_knows_localhost() -> None:
    host = machine(None)

    converge(HostsEntry("10.0.0.9", names=["mail"]), host)

    assert hosts(host) == "127.0.0.1 localhost\n10.0.0.9 mail\n"


@pytest.mark.parametrize(
    ("ip", "options", "says"),
    [
        ("10.0.0", {"names": ["db"]}, "hosts_entry ip must be an address"),
        ("10.0.0.7", {}, "at least one name"),
        ("10.0.0.7", {"names": ["a b"]}, "letters, digits, dots"),
        ("10.0.0.7", {"names": ["a#b"]}, "letters, digits, dots"),
        ("10.0.0.7", {"names": ["db"], "comment": "a\n10.0.0.1 evil"}, "one line"),
        ("web", {"section": {"ten": ["web1"]}}, "must be an address"),
        ("web", {"section": {"10.0.0.1": "web1"}}, "list of names"),
        ("web\n10.0.0.1 evil", {"section": {}}, "one line"),
        ("web", {"section": {}, "names": ["db"]}, "not both"),
    ],
    ids=["ip", "no-name", "two-fields", "comment-in-name", "two-lines", "section-ip", "text", "section-name", "both"],
)
def test_S22_what_could_be_a_second_field_or_line_is_refused(ip: str, options: dict[str, object], says: str) -> None:
    with pytest.raises(BadProperty, match=says):
        HostsEntry(ip, **options)  # type: ignore[arg-type]


def test_a_section_is_made_of_the_instances_that_a_search_finds() -> None:
    host = machine("")
    found = {
        name: {"hostname": name, "private_ip": f"10.0.1.{number}", "status": status}
        for number, (name, status) in enumerate({"web1": "online", "web2": "stopped", "web3": "online"}.items(), 1)
    }
    with Run(host) as run:
        run.world = World(bags={"aws_opsworks_instance": found})
        online = search("aws_opsworks_instance", "status:online")
        hosts_entry("web", section={each["private_ip"]: [each["hostname"]] for each in online})

    assert hosts(host).splitlines()[1:-1] == ["10.0.1.1 web1", "10.0.1.3 web3"]


def test_a_name_given_twice_and_a_comment_with_blanks_around_it_are_right_after_one_run() -> None:
    host = FakeHost(files={"/etc/hosts": "127.0.0.1 localhost\n"})
    want = HostsEntry("10.0.0.7", names=["db", "db"], comment=" the old one ")

    converge(want, host)

    assert host.read("/etc/hosts") == b"127.0.0.1 localhost\n10.0.0.7 db # the old one\n"
    assert converge(want, host) is None


def test_half_of_a_comment_never_becomes_a_line() -> None:
    host = machine("127.0.0.1 localhost\n# gone:\f10.0.0.9 old\u2028caf\u00e9\n")

    converge(HostsEntry("10.0.0.7", names=["db"]), host)

    assert hosts(host) == "127.0.0.1 localhost\n# gone:\f10.0.0.9 old\u2028caf\u00e9\n10.0.0.7 db\n"


CASES = [
    Case(want, partial(machine, text))
    for want in (
        HostsEntry("10.0.0.7", names=["db"]),
        HostsEntry("10.0.0.7", names=["sql", "db"], append=True, comment=""),
        HostsEntry("10.0.0.9", names=["cache"]),
        HostsEntry("10.0.0.7", present=False),
        HostsEntry("10.0.0.7", names=["db"], present=False),
        HostsEntry("web", section={"10.0.1.1": ["web1"]}),
        HostsEntry("web", present=False),
    )
    for text in (
        HOSTS,
        "",
        "# begin of the block that Toque keeps: web\n10.0.1.9 old\n# end of the block that Toque keeps\n",
    )
]
