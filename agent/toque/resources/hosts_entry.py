"""hosts_entry: an address in /etc/hosts with its names, or a whole section of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.hosts_file import (
    Line,
    check_address,
    check_host_name,
    entry_of,
    hosts_text,
    others_with,
    section,
    section_in,
    with_entry,
    with_section,
    without_entry,
    write_hosts,
)


@dataclass(frozen=True)
class HostsEntryState:
    names: tuple[str, ...] | None = None
    comment: str | None = None
    elsewhere: tuple[str, ...] | None = None
    """Other addresses that bear one of the names; wanted is none of them."""
    content: bytes | None = None
    """A whole section."""


@resource("hosts_entry")
@dataclass(frozen=True)
class HostsEntry(Resource[HostsEntryState]):
    """Keep the names of an address in /etc/hosts, or a whole section of addresses; every other line is left alone.

    ip         an IPv4 or IPv6 address; with `section`, what the section is called
    names      its names, the canonical one first
    append     True: the address keeps the other names that it has
    comment    one line, written behind the names
    exclusive  other addresses of the same family lose these names, so that the new one is found; False leaves them
    section    instead of names: addresses with their names, which are all that is in a section of the file. What is
               not named any more goes
    present    False takes these names away (without names: every line of the address), or the whole section

    A section of the instances of the stack is what the built-in cookbook keeps. One of your own:

        hosts_entry("10.0.0.7", names=["db.internal", "db"], comment="the old database")
        hosts_entry("caches", section={each["private_ip"]: [each["hostname"]]
                                       for each in search("aws_opsworks_instance", "status:online")})
    """

    ip: str
    _: KW_ONLY
    names: Sequence[str] = ()
    append: bool = False
    comment: str | None = None
    exclusive: bool = True
    section: Mapping[str, Sequence[str]] | None = None
    present: bool = True

    def __post_init__(self) -> None:
        if self.section is not None or self._is_section_to_remove():
            self._check_section()
            return
        check_address("hosts_entry ip", self.ip)
        for name in self.names:
            check_host_name(f"hosts_entry names of {self.ip}", name)
        if self.present and not self.names:
            raise BadProperty(f'hosts_entry names must hold at least one name for {self.ip}, e.g. names=["db"]')
        if self.comment is not None and not self.comment.isprintable():
            raise BadProperty(f"hosts_entry comment must be one line of printable characters, got {self.comment!r}")

    def desired(self) -> HostsEntryState | None:
        if not self.present:
            return None
        if self.section is not None:
            return HostsEntryState(content=self._section().encode())
        return HostsEntryState(self._unique, self._comment, () if self.exclusive else None)

    def current(self, host: Host) -> HostsEntryState | None:
        text = hosts_text(host)
        if self.section is not None or self._is_section_to_remove():
            there = section_in(text, self.ip)
            return None if there is None else HostsEntryState(content=there.encode(errors="surrogateescape"))
        found = entry_of(text, self.ip)
        if found is None:
            return None
        names = found.names
        if self.append:
            names = tuple(name for name in self._unique if name in names)
        elif not self.present and self.names and not set(self.names) & set(names):
            return None
        return HostsEntryState(names, found.comment, others_with(text, self.ip, self.names))

    def apply(self, host: Host, change: Change[HostsEntryState]) -> None:
        text = hosts_text(host)
        if self.section is not None or self._is_section_to_remove():
            new = with_section(text, self.ip, self._section() if change.want is not None else "")
        elif change.want is None:
            new = without_entry(text, self.ip, self.names)
        else:
            found = entry_of(text, self.ip)
            kept = found.names if found is not None and self.append else ()
            comment = self._comment if self._comment is not None else found.comment if found is not None else ""
            names = tuple(dict.fromkeys([*kept, *self.names]))
            new = with_entry(text, Line(self.ip, names, comment), exclusive=self.exclusive)
        write_hosts(host, new)

    @property
    def _unique(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.names))

    @property
    def _comment(self) -> str | None:
        """As it is read back: without blanks around it."""
        return None if self.comment is None else self.comment.strip()

    def _section(self) -> str:
        lines = [Line(ip, tuple(names)) for ip, names in (self.section or {}).items()]
        return section(self.ip, lines)

    def _is_section_to_remove(self) -> bool:
        """What is called like no address can only be a section."""
        if self.present or self.names:
            return False
        try:
            check_address("", self.ip)
        except BadProperty:
            return True
        return False

    def _check_section(self) -> None:
        if not self.ip.strip() or not self.ip.isprintable():
            raise BadProperty(f"hosts_entry needs a name of one line for its section, got {self.ip!r}")
        if self.names or self.comment is not None:
            raise BadProperty("hosts_entry takes names or section, not both")
        for ip, names in (self.section or {}).items():
            check_address(f"hosts_entry section {self.ip!r}: each key", ip)
            if isinstance(names, str) or not names:
                raise BadProperty(f"hosts_entry section must map {ip} to a list of names, got {names!r}")
            for name in names:
                check_host_name(f"hosts_entry section: names of {ip}", name)


hosts_entry = recipe_word(HostsEntry)
