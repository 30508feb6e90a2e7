"""The node as a recipe sees it: its attributes, what it is made of, and its place in the stack."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from toque.core.attributes import Attributes, Item, frozen, items_of
from toque.core.errors import BadData, NotFound
from toque.core.run import current_run
from toque.protocol import custom_facts


@dataclass(frozen=True)
class Cpu:
    """`count` processors that this node may use (as its cgroup allows), of `model`; `architecture` as in `uname -m`."""

    count: int
    model: str
    architecture: str


@dataclass(frozen=True)
class Memory:
    """In megabytes of 1,048,576 bytes. `total_mb` is what this node may use: of its cgroup, where that is less."""

    total_mb: int
    available_mb: int
    swap_mb: int


@dataclass(frozen=True)
class Platform:
    """`family`: debian, rhel, suse, arch, alpine or the name; `name`: as the ID in os-release; `version`: "22.04"."""

    family: str
    name: str
    version: str
    codename: str
    kernel: str
    init: str
    """systemd, openrc, sysv, or supervisor where the node has no init of its own."""
    package_manager: str
    """apt, dnf, yum, zypper, apk or pacman; empty when there is none we know."""


@dataclass(frozen=True)
class Interface:
    name: str
    mac: str
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]


@dataclass(frozen=True)
class Network:
    """`ip` is the address that the default route uses, else the first that is not loopback, else 127.0.0.1."""

    hostname: str
    fqdn: str
    ip: str
    gateway: str
    interfaces: tuple[Interface, ...]


Collect = Callable[[str], Any]
"""Collects a fact by name; `toque.facts.collect` is the real one."""


def no_facts(name: str) -> Any:
    raise AttributeError(f"this run collects no facts, so node.{name} is not known")


class Node(Mapping[str, Any]):
    """What a recipe imports as `node`. Read-only.

    node["nginx"]["port"] is an attribute of the merged chain: stack, layers, app, instance, deployment, the later going
    before the earlier; maps merge, lists replace. node.nginx.port is the same, node.get("nginx.port", 80) has a
    default. (The defaults of cookbooks are not in it: they stand in `settings`.)

    hostname, fqdn, ip, public_ip  as the server knows them, else as the machine does
    layers         short names of its layers, in their order
    apps           the apps of its stack, each with attribute access: node.apps[0].app_source.url
    command        the command that this run carries out: type, args, deployment_id, …
    tags           node["tags"]: those of its stack, and over them those of its layers; an empty map without any
    cpu            facts: count, model, architecture
    memory         total_mb, available_mb, swap_mb
    platform       family, name, version, codename, kernel, init, package_manager
    network        hostname, fqdn, ip, gateway, interfaces

    node.fact("rack", default)   what the word `fact`, or a file of /etc/toque/facts.d, says of this node
    node.reload("network")       forgets what was collected of a fact: the next look collects it anew

    node.request_reboot(reason) restarts the machine after the run. Facts are collected when they are first asked for,
    once per run.

        log(f"{node.hostname} has {node.cpu.count} processors and port {node.get('nginx.port', 80)}")
    """

    cpu: Cpu
    memory: Memory
    platform: Platform
    network: Network

    def __init__(
        self,
        attributes: Mapping[str, Any] | None = None,
        *,
        me: Mapping[str, Any] | None = None,
        bags: Mapping[str, Mapping[str, Any]] | None = None,
        collect: Collect = no_facts,
    ) -> None:
        self._attributes: Attributes = frozen(attributes or {})
        self._me, self._bags, self._collect = me or {}, bags or {}, collect
        self._facts: dict[str, Any] = {}

    @property
    def hostname(self) -> str:
        return str(self._me.get("hostname") or self._fact("network").hostname)

    @property
    def fqdn(self) -> str:
        return str(self._me.get("private_dns") or self._fact("network").fqdn)

    @property
    def ip(self) -> str:
        """The address by which the rest of the stack reaches this node."""
        return str(self._me.get("private_ip") or self._fact("network").ip)

    @property
    def public_ip(self) -> str:
        """The public address, else the private one."""
        return str(self._me.get("public_ip") or self._me.get("elastic_ip") or self.ip)

    @property
    def layers(self) -> list[str]:
        """Short names, in the order of the instance's layers."""
        by_id = {layer.get("layer_id"): name for name, layer in self._bags.get("aws_opsworks_layer", {}).items()}
        return [by_id[each] for each in self._me.get("layer_ids", ()) if each in by_id]

    @property
    def apps(self) -> list[Any]:
        found: list[Item] = [items_of(item) for _, item in sorted(self._bags.get("aws_opsworks_app", {}).items())]
        return found

    @property
    def command(self) -> Item:
        """The command of this run, as in the bag `aws_opsworks_command`; `toque apply` has none: its `args` are empty.

        node.command.args.get("allow_reboot", False)
        """
        given = list(self._bags.get("aws_opsworks_command", {}).values())
        found: Item = items_of({"type": "", "args": {}, **(given[0] if given else {})})
        return found

    def request_reboot(self, reason: str) -> None:
        """Restart this machine after the run: when it succeeded, and after its result is with the server.

        `reason` is shown in the log. Asking twice restarts once. A failed run restarts nothing, and says so; nor does
        a dry run, or `toque apply`. The word `reboot` also restarts in the middle of a run, and takes this back.

            if Path("/run/reboot-required").exists():
                node.request_reboot("updates were installed that need it")
        """
        current_run("node.request_reboot").request_reboot(reason)

    def fact(self, name: str, default: Any = None) -> Any:
        """A fact that a recipe gave this node, or that lies in /etc/toque/facts.d; `default` where there is none."""
        if not custom_facts.NAME.fullmatch(name):
            raise NotFound("fact", name)
        content = current_run("node.fact").host.read(custom_facts.path_of(name))
        if content is None:
            return default
        try:
            return frozen(json.loads(content))
        except ValueError as error:
            raise BadData(f"the fact {name} in {custom_facts.path_of(name)} is no JSON: {error}") from None

    def reload(self, name: str) -> None:
        """Forget what was collected of cpu, memory, network or platform, after a line that changed it.

        network_set_up = execute(["netplan", "apply"])
        node.reload("network")
        """
        if name not in Node.__annotations__:
            raise NotFound("collected fact", name, Node.__annotations__)
        self._facts.pop(name, None)

    def get(self, path: str, default: Any = None) -> Any:
        return self._attributes.get(path, default)

    def _fact(self, name: str) -> Any:
        if name not in self._facts:
            self._facts[name] = self._collect(name)
        return self._facts[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in Node.__annotations__:
            return self._fact(name)
        return getattr(self._attributes, name)

    def __getitem__(self, name: str) -> Any:
        return self._attributes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)

    def __repr__(self) -> str:
        return f"node({', '.join(self._attributes)})"
