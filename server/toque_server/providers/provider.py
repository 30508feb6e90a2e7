"""What a provider is: the few things Toque asks of an infrastructure, and which provider serves a region."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol


class MachineState(StrEnum):
    """What a machine is doing, in the words every provider shares."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    TERMINATED = "terminated"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class LaunchOrder:
    """A machine to be made, or to be started again.

    `request_id` is one per attempt: the same id never makes two machines. `join_token` is the text the agent enrols
    with. `ca_file` is the path of the server's CA on the server's disk, None for a public CA or plain http.
    `options` are the provider's, from the region's settings and the instance.
    """

    request_id: str
    instance_id: str
    stack_id: str
    hostname: str
    os: str
    instance_type: str
    persistent: bool
    server_url: str
    join_token: str
    ca_file: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine as its provider sees it now. `detail` is for people: why it failed, or what it waits for."""

    machine_id: str
    state: MachineState
    private_ip: str | None = None
    public_ip: str | None = None
    private_dns: str | None = None
    public_dns: str | None = None
    detail: str = ""


class ProviderError(Exception):
    """The infrastructure refused or failed. `retriable`: the same call may succeed later without anyone acting."""

    def __init__(self, message: str, *, retriable: bool) -> None:
        super().__init__(message)
        self.retriable = retriable


class Provider(Protocol):
    """An infrastructure that machines can be had from. Every call may raise ProviderError, and may be repeated."""

    name: str

    makes_volumes: bool
    """Whether it gives machines the block devices that stand in the records of their instance (08 § 3)."""

    def launch(self, order: LaunchOrder) -> str:
        """Make a machine and return its id; the same request id gives the same machine."""

    def start(self, machine_id: str, order: LaunchOrder) -> None:
        """Start a stopped persistent machine with the disk it had. A running one is left alone."""

    def stop(self, machine_id: str) -> None:
        """Stop it and keep its disk where it is persistent. A stopped one is left alone."""

    def terminate(self, machine_id: str) -> None:
        """Remove the machine and its disk. One that is gone already is no error."""

    def reboot(self, machine_id: str) -> None:
        """Restart what runs on it, with its disk, whatever kind of disk that is."""

    def describe(self, machine_ids: Sequence[str]) -> dict[str, Machine]:
        """The machines that exist, by id. What is not in the answer is gone."""

    def console_text(self, machine_id: str) -> str:
        """The last of what the machine said on its console; empty when it said nothing."""


class Region(Protocol):
    """A provider's name and its options, as the settings have them for a region."""

    @property
    def provider(self) -> str: ...

    @property
    def options(self) -> Mapping[str, str]: ...


class RegionSettings(Protocol):
    """What is needed of the server's settings (`toque_server.settings.Settings`)."""

    @property
    def data_dir(self) -> Path: ...

    def region(self, name: str) -> Region: ...


def provider_for(region: str, settings: RegionSettings) -> Provider:
    """The provider of a region, with its options (D17).

    The same provider, options and data directory give the same object within one process. Raises ProviderError, not
    retriable, where no provider has the name that the settings give.
    """
    found = settings.region(region)
    return _provider(found.provider, tuple(sorted(found.options.items())), settings.data_dir)


# Ours are known without an installed distribution, so that a source tree works as it stands.
_OURS = {
    "sandbox": "toque_server.providers.sandbox:SandboxProvider",
    "registered": "toque_server.providers.registered:RegisteredProvider",
}


@cache
def _provider(name: str, options: tuple[tuple[str, str], ...], data_dir: Path) -> Provider:
    found = list(entry_points(group="toque.providers", name=name))
    if name in _OURS:
        found = [EntryPoint(name=name, group="toque.providers", value=_OURS[name])]
    if not found:
        raise ProviderError(
            f"there is no provider {name!r} here: correct `regions` in the settings, or install the package it comes "
            f"from (pip install 'toque[{name}]' for one of ours)",
            retriable=False,
        )
    make: Callable[[Mapping[str, str], Path], Provider] = found[0].load()
    return make(dict(options), data_dir)
