"""The agent's pieces that decide or transform, each on its own."""

from __future__ import annotations

import random
import socket
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.core.world import World
from toque.daemon.backoff import LONGEST, SHORTEST, Rhythm
from toque.daemon.capture import Log
from toque.daemon.client import Client, Signer, Unreachable
from toque.daemon.config import AgentConfig, BadConfig, load_config
from toque.daemon.identity import is_copy
from toque.daemon.machine import facts_of
from toque.daemon.marks import Ledger, Lock, Status, conclude, look, prepare_lock
from toque.daemon.metrics import Sampler
from toque.daemon.snapshot import build_snapshot
from toque.daemon.state import RESERVE_BYTES, BadState, State
from toque.protocol.keys import new_signing_key
from toque.protocol.messages import POLL_PATH, CommandData, Fingerprint, PollAnswer, PollRequest


@given(st.lists(st.binary(min_size=1, max_size=30)), st.integers(0, 40), st.integers(0, 40))
def test_R11_a_log_keeps_its_beginning_and_its_end(pieces: list[bytes], head: int, tail: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path, whole = Path(folder, "log"), b"".join(pieces)
        log = Log(path, head=head, tail=tail)
        for piece in pieces:
            log.write(piece)
        log.close()
        found = path.read_bytes()

    if len(whole) <= head + tail:
        assert found == whole
    else:
        missing = len(whole) - head - tail
        assert found.startswith(whole[:head])
        assert found.endswith(whole[len(whole) - tail :])
        assert f"{missing} bytes of output are not kept here".encode() in found


@given(st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_R13_whatever_the_server_says_the_rhythm_stays_within_its_bounds(interval: float, cap: float) -> None:
    rhythm = Rhythm(random.Random(1))

    rhythm.told(interval, cap)

    assert SHORTEST <= rhythm.interval <= LONGEST
    assert 0.9 * SHORTEST <= rhythm.after_success(0.0) <= 1.1 * LONGEST
    assert all(0 <= rhythm.after_failure() <= LONGEST for _ in range(40))


def test_R20_back_off_grows_to_the_cap_has_full_jitter_and_respects_retry_after() -> None:
    rhythm = Rhythm(random.Random(7))
    first = [Rhythm(random.Random(seed)).after_failure() for seed in range(200)]
    for _ in range(10):
        rhythm.after_failure()
    later = [rhythm.after_failure() for _ in range(500)]

    assert max(first) <= 2
    assert min(first) < 0.1
    assert max(later) <= 60
    assert max(later) > 55
    assert min(later) < 5
    assert rhythm.after_failure(retry_after=30.0) >= 30
    assert rhythm.after_failure(retry_after=1e9) <= LONGEST + 60


def test_R20_failures_are_forgotten_after_a_calm_minute() -> None:
    rhythm = Rhythm(random.Random(7))
    for _ in range(5):
        rhythm.after_failure()

    rhythm.after_success(100.0)
    assert rhythm.failures == 5
    rhythm.after_success(160.0)

    assert rhythm.failures == 0


@pytest.mark.parametrize(
    ("ledger", "held", "expected"),
    [
        (Ledger(), True, "running"),
        (Ledger(), False, "never began"),
        (Ledger(abandoned=1), False, "never began"),
        (Ledger(begun_at=1.0), True, "running"),
        (Ledger(begun_at=1.0), False, "interrupted"),
        (Ledger(begun_at=1.0, status=Status(0)), False, "ended"),
        (Ledger(begun_at=1.0, status=Status(0)), True, "ended"),
    ],
)
def test_R5_R7_what_the_marks_of_a_run_mean(ledger: Ledger, held: bool, expected: str) -> None:
    assert conclude(ledger, held=held) == expected


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def test_R5_an_attempt_that_never_began_is_abandoned_before_another(state: State) -> None:
    state.run("c-1").mkdir()
    prepare_lock(state, "c-1")

    assert look(state, "c-1", 1)[0] == "never began"

    lock = Lock(state.run("c-1") / "lock")
    assert lock.read().abandoned == 1
    lock.close()
    assert (state.run("c-1") / "abandoned").read_text() == "1"


def test_R7_a_run_without_its_lock_counts_as_interrupted(state: State) -> None:
    assert look(state, "c-gone", 1)[0] == "interrupted"


def test_a_torn_line_in_a_ledger_hides_nothing_before_it(state: State) -> None:
    state.run("c-1").mkdir()
    prepare_lock(state, "c-1")
    lock = Lock(state.lock("c-1"))
    lock.write(Ledger(begun_at=5.0))
    with (state.run("c-1") / "lock").open("r+b") as file:
        file.seek(len(file.read().rstrip(b"\0")))
        file.write(b'\n{"begun_at": 5.0, "status": {"exit_')

    assert lock.read() == Ledger(begun_at=5.0)
    lock.close()


def test_two_agents_never_share_a_state_directory(state: State) -> None:
    state.hold(wait=False)

    with pytest.raises(BadState, match="another agent"):
        State(state.root).hold(wait=False)


def test_S3_every_start_has_a_higher_epoch(state: State) -> None:
    assert [state.next_epoch(), State(state.root).next_epoch(), state.next_epoch()] == [1, 2, 3]


def test_R12_the_reserve_takes_real_space_and_gives_it_back(state: State) -> None:
    state.keep_reserve()
    assert state.reserve.stat().st_blocks * 512 >= RESERVE_BYTES

    state.spend_reserve()

    assert not state.reserve.exists()


@pytest.mark.parametrize(
    ("here", "copied"),
    [
        (Fingerprint("m", "u", "i"), False),
        (Fingerprint("m", "u", "i-2"), True),
        (Fingerprint("m-2", "u", "i"), False),
        (Fingerprint("m-2", "u-2", "i"), True),
    ],
)
def test_S11_which_machine_is_a_copy(here: Fingerprint, copied: bool) -> None:
    assert is_copy(Fingerprint("m", "u", "i"), here) is copied


def test_the_snapshot_completes_public_parts_with_what_was_sealed() -> None:
    parts = {
        "instance/i-1": {"id": "web-1", "instance_id": "i-1", "self": False},
        "instance/i-2": {"id": "web-2", "instance_id": "i-2", "self": False},
        "app/a-1": {"id": "shop", "app_id": "a-1", "deploy": False, "app_source": {"url": "x", "password": None}},
        "app/a-2": {"id": "blog", "app_id": "a-2", "deploy": False},
    }
    data = CommandData(
        command={"command_id": "c-1", "type": "deploy"},
        levels=(("stack", {"a": 1}),),
        secrets={"aws_opsworks_app": {"shop": {"app_source": {"password": "secret"}}}},
        bags={"mine": {"one": {"id": "one"}}},
        deploy_apps=("a-1",),
        self_instance={"ssh_host_rsa_key_private": "key"},
        masked=("secret",),
        app_snapshot={"id": "gone", "app_id": "a-9"},
    )

    snapshot = build_snapshot(parts, data, "i-1")

    bags = snapshot["bags"]
    assert bags["aws_opsworks_app"]["shop"]["app_source"] == {"url": "x", "password": "secret"}
    assert {name: app["deploy"] for name, app in bags["aws_opsworks_app"].items()} == {
        "shop": True,
        "blog": False,
        "gone": False,
    }
    assert bags["aws_opsworks_instance"]["web-1"]["ssh_host_rsa_key_private"] == "key"
    assert [each["self"] for each in bags["aws_opsworks_instance"].values()] == [True, False]
    assert snapshot["self"] == bags["aws_opsworks_instance"]["web-1"]
    assert bags["aws_opsworks_command"] == {"c-1": {"id": "c-1", "command_id": "c-1", "type": "deploy"}}
    assert bags["mine"] == {"one": {"id": "one"}}
    assert parts["app/a-1"]["deploy"] is False, "the cached part itself is not changed"


def _snapshot(parts: dict[str, dict[str, Any]], *levels: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return build_snapshot(parts, CommandData(command={"command_id": "c"}, levels=levels, secrets={}, bags={}), "i-1")


def test_08_11_tags_are_inherited_from_the_stack_and_from_layers_in_their_order() -> None:
    parts: dict[str, dict[str, Any]] = {
        "stack": {"id": "s-1", "tags": {"Stage": "P", "Org": "M"}},
        "layer/l-1": {"id": "web", "layer_id": "l-1", "tags": {"Stage": "test", "Tier": "front"}},
        "layer/l-2": {"id": "db", "layer_id": "l-2", "tags": {"Tier": "back"}},
        "layer/l-3": {"id": "lb", "layer_id": "l-3"},
        "instance/i-1": {"id": "one", "instance_id": "i-1", "layer_ids": ["l-1", "l-2", "l-3"]},
        "instance/i-2": {"id": "two", "instance_id": "i-2", "layer_ids": ["l-2", "l-1"]},
    }

    snapshot = _snapshot(parts, ("stack", {"tags": {"Org": "mine"}}))

    bags, mine = snapshot["bags"], {"Stage": "test", "Org": "M", "Tier": "back"}
    assert bags["aws_opsworks_instance"]["one"]["tags"] == snapshot["self"]["tags"] == mine
    assert bags["aws_opsworks_instance"]["two"]["tags"]["Tier"] == "front"
    assert bags["aws_opsworks_layer"]["lb"]["tags"] == {"Stage": "P", "Org": "M"}
    assert World(bags=bags, levels=snapshot["levels"]).node["tags"] == mine | {"Org": "mine"}
    assert "tags" not in parts["instance/i-1"], "the cached part itself is not changed"


def test_08_11_a_node_without_tags_has_an_empty_map_of_them() -> None:
    parts: dict[str, dict[str, Any]] = {
        "stack": {"id": "s-1"},
        "instance/i-1": {"id": "one", "instance_id": "i-1", "layer_ids": []},
    }

    snapshot = _snapshot(parts)

    assert World(bags=snapshot["bags"], levels=snapshot["levels"]).node["tags"] == {}
    assert snapshot["self"]["tags"] == snapshot["bags"]["aws_opsworks_stack"]["s-1"]["tags"] == {}


def test_every_key_of_the_settings_can_come_from_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text('server_url = "https://toque.example"\nlog_dir = "/logs"\n')

    config = load_config(path, {"TOQUE_AGENT_LOG_DIR": "/elsewhere", "TOQUE_AGENT_MINIMUM_FREE_MB": "7"})

    assert config == AgentConfig("https://toque.example", log_dir="/elsewhere", minimum_free_mb=7)


@pytest.mark.parametrize(
    "text", ["server = 1", "server_url = 1", "server_url = 'ftp://x'", "server_url = 'https://x/y'", "not toml"]
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "agent.toml").write_text(text)

    with pytest.raises(BadConfig):
        load_config(tmp_path / "agent.toml", {})


def test_08_7_one_sample_a_minute_with_the_sixteen_metrics() -> None:
    sampler = Sampler()
    sampler.look(600.0)
    sampler.look(630.0)
    assert sampler.waiting() == ()
    # Something must have been spent for shares to be known.
    while sum(psutil.cpu_times()[:4]) <= sum(sampler._cpu[:4]):
        pass

    sampler.look(661.0)

    [sample] = sampler.waiting()
    assert sample.minute == 10
    shares = [getattr(sample, name) for name in sample.__struct_fields__ if name.startswith("cpu_")]
    assert sum(shares) == pytest.approx(100, abs=1)
    assert sample.memory_total >= sample.memory_used > 0
    assert sample.procs > 0
    sampler.delivered((sample,))
    assert sampler.waiting() == ()


def test_facts_name_this_machine() -> None:
    facts = facts_of(AgentConfig(server_url="http://127.0.0.1:1"))

    assert facts.hostname == socket.gethostname()
    assert facts.private_ip == "127.0.0.1"
    assert facts.cpu_count >= 1
    assert facts.memory_kb > 0
    assert facts_of(AgentConfig(address="10.0.0.7")).private_ip == "10.0.0.7"


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        client = Client(f"http://127.0.0.1:{free.getsockname()[1]}", epoch=1)

        with pytest.raises(Unreachable):
            client.send(POLL_PATH, PollRequest("1", "b", 0), Signer("i", "n-1", new_signing_key()), PollAnswer)
