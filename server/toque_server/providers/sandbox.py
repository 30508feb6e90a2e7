"""Instances that are sandboxes: copy-on-write clones of the server's own machine.

Nothing is kept in this process. A machine is a directory under <data dir>/sandboxes, named after the request that
ordered it, so an order that is given twice finds its machine, and a new server process finds all of them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toque import sandbox
from toque.sandbox import SandboxError, Spec
from toque.sandbox.spec import Network
from toque_server.providers.addresses import AddressBook, NoAddressLeft
from toque_server.providers.provider import LaunchOrder, Machine, MachineState, ProviderError

_AGENT = ("/opt/toque/bin/toque", "agent", "run")
_CA_FILE = "/etc/toque/ca.pem"
_TOKEN_FILE = "/etc/toque/join-token"
_GRACE = 10.0
_STATES = {
    "running": MachineState.RUNNING,
    "stopped": MachineState.STOPPED,
    "failed": MachineState.FAILED,
}


class SandboxProvider:
    """Sandboxes on this host.

    Options (of the region, or of one order, which wins): `network` "shared" (default: a 127.x.y.z address on the host's
    loopback) or "own" (root only: a bridge and a network namespace); `size_limit_mb` for disks that have to be kept in
    memory; `orphan_after` seconds (60) until a sandbox ends that no server process looks after any more; `binds`:
    directories of the host that every sandbox sees, read-only, at the same path, separated by ":".
    """

    name = "sandbox"
    makes_volumes = False

    def __init__(self, options: Mapping[str, str], data_dir: Path) -> None:
        """Nothing is touched before the first machine is launched or started."""
        self._options = options
        self._data_dir = data_dir.absolute()
        self._folder = self._data_dir / "sandboxes"
        self._lifeline: int | None = None

    def launch(self, order: LaunchOrder) -> str:
        machine_id = f"sb-{hashlib.sha256(order.request_id.encode()).hexdigest()[:17]}"
        self._start(machine_id, order)
        return machine_id

    def start(self, machine_id: str, order: LaunchOrder) -> None:
        self._directory(machine_id)
        self._start(machine_id, order)

    def stop(self, machine_id: str) -> None:
        try:
            sandbox.stop(self._directory(machine_id), grace=_GRACE)
        except SandboxError as error:
            raise ProviderError(str(error), retriable=True) from error

    def terminate(self, machine_id: str) -> None:
        directory = self._folder / _checked(machine_id)
        if not directory.exists():
            return
        try:
            about = _read_about(directory)
            sandbox.remove(directory)
            if about:
                self._addresses(about["network"]).forget(about["instance_id"])
        except (SandboxError, OSError) as error:
            raise ProviderError(f"cannot remove sandbox {machine_id}: {error}", retriable=True) from error

    def reboot(self, machine_id: str) -> None:
        try:
            sandbox.reboot(self._directory(machine_id))
        except SandboxError as error:
            raise ProviderError(str(error), retriable=True) from error

    def describe(self, machine_ids: Sequence[str]) -> dict[str, Machine]:
        if self._folder.exists():
            # A new server process takes over from the one that launched them.
            self._hold_lifeline()
        found = {}
        for machine_id in machine_ids:
            directory = self._folder / _checked(machine_id)
            state = sandbox.state(directory)
            about = _read_about(directory)
            if not about:
                continue
            found[machine_id] = Machine(
                machine_id=machine_id,
                # Between two processes of one machine there is none for a moment: it is on its way, not gone.
                state=MachineState.PENDING if state == "gone" else _STATES[state],
                private_ip=about.get("address"),
                public_ip=about.get("address"),
                private_dns=about.get("hostname"),
                public_dns=None,
                detail=_last_line(sandbox.console_text(directory)) if state == "failed" else "",
            )
        return found

    def console_text(self, machine_id: str) -> str:
        return sandbox.console_text(self._folder / _checked(machine_id))

    def _start(self, machine_id: str, order: LaunchOrder) -> None:
        if (refusal := sandbox.ready()) is not None:
            raise ProviderError(str(refusal), retriable=False)
        self._hold_lifeline()
        try:
            spec = self._spec(machine_id, order)
            spec.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = {
                "address": spec.address,
                "hostname": spec.hostname,
                "instance_id": order.instance_id,
                "network": spec.network,
            }
            (spec.directory / "machine.json").write_text(json.dumps(about))
            sandbox.start(spec)
        except (SandboxError, NoAddressLeft, OSError) as error:
            raise ProviderError(f"cannot start sandbox {machine_id}: {error}", retriable=True) from error

    def _spec(self, machine_id: str, order: LaunchOrder) -> Spec:
        options = {**self._options, **order.options}
        network: Network = "own" if options.get("network") == "own" else "shared"
        address = self._addresses(network).address_of(order.instance_id)
        limit = options.get("size_limit_mb")
        return Spec(
            name=machine_id,
            directory=self._folder / machine_id,
            hostname=order.hostname,
            address=address,
            persistent=order.persistent,
            agent_argv=_AGENT,
            files=_agent_files(machine_id, address, order),
            hide=(self._data_dir,),
            lifeline=self._folder / "lifeline",
            size_limit_mb=int(limit) if limit else None,
            network=network,
            orphan_after=float(options.get("orphan_after", "60")),
            binds={path: Path(path) for path in options.get("binds", "").split(os.pathsep) if path},
        )

    def _addresses(self, network: Network) -> AddressBook:
        path = self._folder / f"addresses-{network}.json"
        return AddressBook(path, str(self._data_dir), begin=127 if network == "shared" else 10)

    def _hold_lifeline(self) -> None:
        if self._lifeline is None:
            self._lifeline = sandbox.hold_lifeline(self._folder / "lifeline")

    def _directory(self, machine_id: str) -> Path:
        directory = self._folder / _checked(machine_id)
        if not directory.is_dir():
            raise ProviderError(f"there is no sandbox {machine_id} in {self._folder}", retriable=False)
        return directory


def _checked(machine_id: str) -> str:
    """Ids come back from the database; none may lead out of the folder."""
    if not machine_id.startswith("sb-") or not machine_id[3:].isalnum():
        raise ProviderError(f"{machine_id!r} is not the id of a sandbox", retriable=False)
    return machine_id


def _agent_files(machine_id: str, address: str, order: LaunchOrder) -> dict[str, tuple[bytes, int]]:
    """What the agent finds on its node: where the server is, who it is itself, and the token it may enrol with."""
    settings = {
        "server_url": order.server_url,
        "state_dir": "/var/lib/toque",
        "log_dir": "/var/log/toque",
        "join_token_file": _TOKEN_FILE,
        "provider_instance_id": machine_id,
        "address": address,
    }
    files = {_TOKEN_FILE: (f"{order.join_token}\n".encode(), 0o600)}
    if order.ca_file is not None:
        settings["ca_file"] = _CA_FILE
        files[_CA_FILE] = (Path(order.ca_file).read_bytes(), 0o644)
    # A JSON string is a TOML string too.
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
    return files | {"/etc/toque/agent.toml": (text.encode(), 0o644)}


def _read_about(directory: Path) -> dict[str, Any]:
    """What was written at launch; empty when the server was killed before it got to write it."""
    try:
        about: dict[str, Any] = json.loads((directory / "machine.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return about


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return f"its console ends with: {lines[-1]}" if lines else "it ended without a word"
