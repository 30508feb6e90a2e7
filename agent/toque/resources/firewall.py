"""firewall: what may come in over the network; new rules are tried before they are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.platforms.firewall import Firewalls, Probe, firewall_of, missing, passes, reaches, rules_of, server_of


@dataclass(frozen=True)
class FirewallState:
    default: str | None
    rules: tuple[str, ...] | None = None
    saved: bool | None = None
    """Whether the machine will have them after a boot."""


class LockedOut(ToqueError):
    """Under the new rules the probe did not succeed; the old rules are back."""


@resource("firewall")
@dataclass(frozen=True)
class Firewall(Resource[FirewallState]):
    """Keep the rules for what comes in to this machine. New rules are tried; if they lock it out, the old come back.

    rules         mappings, all that there is: give them once per machine (collect them in a list). In each, "port" is
                  1 to 65535, a range such as "8000-8010", or a list of these (without it: all); "proto" is "tcp" (the
                  default with a port) or "udp"; "source" is an address or network such as "10.0.0.0/8", or a list of
                  these (without it: everybody); "action" is "accept" (the default), "drop" or "reject"; "order" is a
                  number (100): lower ones are looked at first, equal ones as they are written
    default       what happens to the rest: "drop", "reject" or "accept"
    backend       "nftables", "ufw" or "firewalld"; None: the one that is in use on the machine, else nftables
    probe         what must succeed under the new rules: a program as a list of arguments, or a function that answers
                  True. Without it: a connection to the Toque server, where the machine has an agent
    probe_within  seconds within which the probe must succeed once (10)
    present       False takes the rules away; ufw is switched off when no others are left

    What belongs to a connection that stands, what the machine says to itself, ICMP and the machine's own addresses by
    DHCP always come in. When the probe does not succeed, the former rules are in force again and the resource fails;
    with nftables, rules of a run that was killed meanwhile go with the next boot. Each backend has a place of its
    own (a table `toque`, rules with the comment `toque`, a zone `toque`); rules of others are left alone, and may
    still block. With ufw, `default` is also that of its other rules; with firewalld the zone becomes the default one.

        package("nftables")
        firewall([{"port": 22, "source": ["10.0.0.0/8", "fd00::/8"], "order": 10}, {"port": [80, 443]}])
    """

    rules: Sequence[Mapping[str, Any]] = ()
    _: KW_ONLY
    default: Literal["drop", "reject", "accept"] = "drop"
    backend: Literal["nftables", "ufw", "firewalld"] | None = None
    probe: Sequence[str] | Callable[[], bool] | None = None
    probe_within: float = 10.0
    present: bool = True

    def __post_init__(self) -> None:
        rules_of(self.rules)
        if not callable(self.probe) and self.probe is not None and not self.probe:
            raise BadProperty('firewall probe needs a program, e.g. ["nc", "-z", "10.0.0.1", "22"]')
        if not 0 <= self.probe_within <= 600:
            raise BadProperty(f"firewall probe_within must be 0 to 600 seconds, got {self.probe_within:g}")

    def identity(self) -> str:
        """A machine has one."""
        return "input"

    def desired(self) -> FirewallState | None:
        if not self.present:
            return None
        return FirewallState(self.default, tuple(map(str, rules_of(self.rules))), True)

    def current(self, host: Host) -> FirewallState | None:
        firewall = firewall_of(host, self.backend)
        if firewall is not None and not self.present:
            return FirewallState(None) if firewall.has_ours() else None
        found = firewall.state() if firewall is not None else None
        if firewall is None or found is None:
            return None
        rules = rules_of(self.rules)
        same = found[1] == firewall.listed(rules)
        return FirewallState(
            found[0], tuple(map(str, rules)) if same else found[1], firewall.saved(self.default, rules)
        )

    def apply(self, host: Host, change: Change[FirewallState]) -> None:
        firewall = firewall_of(host, self.backend)
        if firewall is None:
            raise missing(self.backend)
        if change.want is None:
            firewall.remove()
            return
        rules = rules_of(self.rules)
        if change.fields != {"saved"}:
            undo = firewall.put(self.default, rules)
            self._try_out(host, undo)
        self._save(firewall)

    def _save(self, firewall: Firewalls) -> None:
        firewall.save(self.default, rules_of(self.rules))

    def _try_out(self, host: Host, undo: Callable[[], None]) -> None:
        """Keep the new rules only if the probe succeeds; whatever else happens meanwhile brings back the old."""
        probe, what = self._probe(host)
        if probe is None:
            return
        good = False
        try:
            good = passes(host, probe, self.probe_within)
        finally:
            if not good:
                undo()
        if not good:
            raise LockedOut(
                f"under the new rules {what} did not succeed within {self.probe_within:g} s: the old rules are back"
            )

    def _probe(self, host: Host) -> tuple[Probe | None, str]:
        if self.probe is not None:
            name = getattr(self.probe, "__name__", "probe") if callable(self.probe) else " ".join(self.probe)
            return self.probe, f"the probe {name}"
        server = server_of(host)
        if server is None:
            return None, ""
        return (lambda: reaches(server)), f"a connection to the Toque server at {server[0]}:{server[1]}"


firewall = recipe_word(Firewall)
