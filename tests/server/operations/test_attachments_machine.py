"""Whatever people do, in whatever order: addresses and volumes keep to their rules (chapter 08 § 1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import delete

from tests.conftest import services_on
from tests.server.operations.calls import Caller
from toque_server.domain.instance import Status
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.security.keys import ServerKeys
from toque_server.settings import for_profile
from toque_server.store import elastic_ips, instances, stacks, tables, volumes
from toque_server.store.database import Database

IPS = ("203.0.113.1", "203.0.113.2", "203.0.113.3")
VOLUMES = ("vol-1", "vol-2", "vol-3")

ip = st.sampled_from(IPS)
volume = st.sampled_from(VOLUMES)
side = st.sampled_from((0, 1))
"""Which of the two stacks."""
which = st.integers(0, 3)
"""One of the instances, as far as there are any."""


@pytest.fixture(scope="module", autouse=True)
def one_database(tmp_path_factory: pytest.TempPathFactory, server_keys: ServerKeys) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("attachments")
    database = Database(f"sqlite:///{folder}/toque.db")
    database.migrate()
    # This test is about rules; the disk has its own.
    raw = database.engine.raw_connection()
    raw.cursor().execute("PRAGMA synchronous = OFF")
    raw.close()
    settings = for_profile("demo", database=f"sqlite:///{folder}/toque.db", data_dir=folder)
    Attachments.root = Caller(services_on(database, settings, server_keys))
    yield
    database.close()


class Attachments(RuleBasedStateMachine):
    """Two stacks, few addresses, volumes and mount points, so that requests get in each other's way.

    What an operation refuses, it refuses with an error that it declares; what must hold afterwards does not depend on
    whether it did.
    """

    root: Caller
    """Of one database for all examples: to make one takes longer than an example."""

    def __init__(self) -> None:
        super().__init__()
        self.database = self.root.services.database
        self.homes: list[tuple[str, str]] = []
        self.online: dict[str, frozenset[str]] = {}

    def teardown(self) -> None:
        with self.database.write() as conn:
            for table in (tables.instances, tables.layers, tables.stacks):
                conn.execute(delete(table))

    @initialize()
    def begin(self) -> None:
        for side in (0, 1):
            self.homes.append(self._home())
            for _ in range(2):
                self.create_instance(side)
            self.register_elastic_ip(side, IPS[side])
            self.register_volume(side, VOLUMES[side], "/vol/a")

    # -- what people do

    @rule(side=side)
    def create_instance(self, side: int) -> None:
        with self.database.read() as conn:
            crowded = len(instances.every(conn)) > 3
        if not crowded:
            self.root.instance(*self.homes[side])

    @rule(which=which)
    def start(self, which: int) -> None:
        if (id := self._instance(which)) is not None and id not in self.online:
            self.root.bring_online(id)
            self.online[id] = self._volumes_of(id)

    @rule(which=which)
    def stop(self, which: int) -> None:
        if (id := self._instance(which)) in self.online:
            self.root.bring(id, Status.SHUTTING_DOWN, Status.STOPPING, Status.STOPPED)
            del self.online[id]

    @rule(which=which, address=st.booleans(), disks=st.booleans())
    def delete_instance(self, which: int, address: bool, disks: bool) -> None:
        self._ask("DeleteInstance", InstanceId=self._instance(which), DeleteElasticIp=address, DeleteVolumes=disks)

    @rule(side=side)
    def delete_stack_and_make_another(self, side: int) -> None:
        stack, layer = self.homes[side]
        with self.database.read() as conn:
            members = [each.id for each in instances.of_stack(conn, stack)]
        if not self.online.keys().isdisjoint(members):
            return
        for id in members:
            self.root("DeleteInstance", InstanceId=id, DeleteElasticIp=False, DeleteVolumes=False)
        self.root("DeleteLayer", LayerId=layer)
        self.root("DeleteStack", StackId=stack)
        self.homes[side] = self._home()

    @rule(side=side, ip=ip)
    def register_elastic_ip(self, side: int, ip: str) -> None:
        self._ask("RegisterElasticIp", StackId=self.homes[side][0], ElasticIp=ip)

    @rule(ip=ip, which=which, side=side)
    def associate_elastic_ip(self, ip: str, which: int, side: int) -> None:
        self.register_elastic_ip(side, ip)
        self._ask("AssociateElasticIp", ElasticIp=ip, InstanceId=self._instance(which))

    @rule(ip=ip, operation=st.sampled_from(("DisassociateElasticIp", "DeregisterElasticIp")))
    def take_elastic_ip_away(self, ip: str, operation: str) -> None:
        self._ask(operation, ElasticIp=ip)

    @rule(side=side, volume=volume, mount_point=st.sampled_from(("/vol/a", "/vol/b", None)))
    def register_volume(self, side: int, volume: str, mount_point: str | None) -> None:
        self._ask("RegisterVolume", StackId=self.homes[side][0], Ec2VolumeId=volume)
        self._ask("UpdateVolume", VolumeId=self._volume(volume), MountPoint=mount_point)

    @rule(volume=volume, which=which, side=side)
    def assign_volume(self, volume: str, which: int, side: int) -> None:
        if self._volume(volume) == "none":
            self.register_volume(side, volume, "/vol/a")
        self._ask("AssignVolume", VolumeId=self._volume(volume), InstanceId=self._instance(which))

    @rule(volume=volume, operation=st.sampled_from(("UnassignVolume", "DeregisterVolume")))
    def take_volume_away(self, volume: str, operation: str) -> None:
        self._ask(operation, VolumeId=self._volume(volume))

    # -- what must hold

    @invariant()
    def an_address_is_on_one_instance_of_its_own_stack(self) -> None:
        with self.database.read() as conn:
            known = {each.id: each.stack_id for each in instances.every(conn)}
            placed = [each for each in elastic_ips.by_ips(conn, IPS).values() if each.instance_id is not None]
            shown = {each.instance.id: each.elastic_ip for each in instances.described(conn) if each.elastic_ip}
        assert all(known.get(each.instance_id or "") == each.stack_id for each in placed)
        assert shown == {each.instance_id: each.ip for each in placed}
        assert len(shown) == len(placed)

    @invariant()
    def a_volume_is_on_one_instance_of_its_own_stack_under_its_own_names(self) -> None:
        with self.database.read() as conn:
            known = {each.id: each.stack_id for each in instances.every(conn)}
            every = [each for each in (volumes.by_provider_id(conn, id) for id in VOLUMES) if each is not None]
        placed = [each for each in every if each.instance_id is not None]
        assert all(known.get(each.instance_id or "") == each.stack_id for each in placed)
        assert all((each.status == "in-use") == (each.instance_id is not None) for each in every)
        assert len({(each.instance_id, each.device) for each in placed}) == len(placed)
        assert len({(each.instance_id, each.mount_point) for each in placed}) == len(placed)

    @invariant()
    def no_volume_comes_to_or_leaves_an_instance_that_is_online(self) -> None:
        assert {id: self._volumes_of(id) for id in self.online} == self.online

    @invariant()
    def nothing_survives_its_stack(self) -> None:
        with self.database.read() as conn:
            known = {each.id for each in stacks.every(conn)}
            homes = {each.stack_id for each in elastic_ips.by_ips(conn, IPS).values()}
            homes |= {each.stack_id for id in VOLUMES if (each := volumes.by_provider_id(conn, id)) is not None}
        assert homes <= known

    # -- short words

    def _home(self) -> tuple[str, str]:
        stack = self.root.stack()
        return stack, self.root.layer(stack)

    def _ask(self, operation: str, **members: object) -> None:
        with suppress(ValidationException, ResourceNotFoundException):
            self.root(operation, **{name: value for name, value in members.items() if value is not None})

    def _instance(self, which: int) -> str | None:
        with self.database.read() as conn:
            ids = [each.id for each in instances.every(conn)]
        return ids[which % len(ids)] if ids else None

    def _volume(self, ec2_volume_id: str) -> str:
        with self.database.read() as conn:
            found = volumes.by_provider_id(conn, ec2_volume_id)
        return "none" if found is None else found.id

    def _volumes_of(self, instance_id: str) -> frozenset[str]:
        with self.database.read() as conn:
            return frozenset(each.id for each in volumes.of_instance(conn, instance_id))


TestAttachments = Attachments.TestCase
TestAttachments.settings = hypothesis_settings(max_examples=20, stateful_step_count=40)
