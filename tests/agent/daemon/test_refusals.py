"""What an agent must not do, whoever asks: the checks of S6, S7, S8, S11 and S24 on a real agent."""

from __future__ import annotations

import base64
import io
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.agent.daemon.conftest import Node, wait_for
from tests.fakes.control import Control, Order
from toque.daemon.policy import FARTHEST_JUMP, Seen, accept, is_expired, vouched
from toque.daemon.trust import NotBelieved
from toque.protocol.canonical import canonical, digest
from toque.protocol.keys import new_signing_key, public_bytes
from toque.protocol.messages import BundleRef, Manifest, SignedObject
from toque.protocol.signed import sign

RECIPES = {"default": "print('hello')"}


@pytest.fixture
def enrolled(node: Node, control: Control, tmp_path: Path) -> Node:
    control.publish(RECIPES, tmp_path)
    node.start()
    wait_for("the first poll", lambda: control.polls)
    return node


def problems(control: Control) -> str:
    return " ".join(problem for poll in control.polls for problem in poll.problems)


def nothing_ran(node: Node, order: Order) -> bool:
    return order.result is None and not (node.run(order.envelope.command_id) / "begun").exists()


WRONG: dict[str, dict[str, Any]] = {
    "installation": {"installation_id": "installation-2"},
    "instance": {"instance_id": "i-2"},
    "expired": {"expires_at": time.time() - 1},
    "dispatch": {"dispatch": 1},
    "data_digest": {"data_digest": "0" * 64},
    "manifest_digest": {"manifest_digest": "0" * 64},
}


@pytest.mark.parametrize("reason", WRONG)
def test_S6_a_wrong_command_is_refused_with_its_reason_and_nothing_runs(
    enrolled: Node, control: Control, reason: str
) -> None:
    first = control.order("test::default")
    wait_for("the first command", lambda: first.result is not None)

    wrong = control.order("test::default", **WRONG[reason])
    wait_for("the refusal", lambda: wrong.refused)
    right = control.order("test::default")
    wait_for("the next command", lambda: right.result is not None)

    assert wrong.refused == reason
    assert nothing_ran(enrolled, wrong)
    wait_for("the reason in a poll", lambda: f"command_refused: {reason}" in problems(control))


def test_S6_data_sealed_for_another_key_is_refused(enrolled: Node, control: Control) -> None:
    good = control.order("test::default", command_id="c-model")
    wait_for("the model", lambda: good.result is not None)

    # A box that is right in itself, but for another command.
    wrong = control.order("test::default", sealed=good.envelope.sealed, data_digest=good.envelope.data_digest)
    wait_for("the refusal", lambda: wrong.refused)

    assert wrong.refused == "sealed"
    assert nothing_ran(enrolled, wrong)


@pytest.mark.parametrize("spoil", ["signature", "payload", "key", "kind"])
def test_S6_a_command_that_was_altered_on_the_way_is_reported_and_comes_again(
    enrolled: Node, control: Control, spoil: str
) -> None:
    order = control.order("test::default")
    good = order.signed
    changes: dict[str, str] = {
        "signature": base64.b64encode(bytes(64)).decode(),
        "payload": base64.b64encode(canonical({"command_id": order.envelope.command_id})).decode(),
        "key": "online-2",
        "kind": "policy",
    }
    order.signed = msgspec.structs.replace(good, **{spoil: changes[spoil]})
    wait_for("the report", lambda: "command_refused: signature" in problems(control))
    assert nothing_ran(enrolled, order)
    assert not order.refused

    order.signed = good

    wait_for("the result", lambda: order.result is not None)


def test_S6_a_command_signed_with_a_key_that_the_root_does_not_name_is_refused(
    enrolled: Node, control: Control
) -> None:
    order = control.order("test::default")
    order.signed = sign("command", canonical(order.envelope), new_signing_key(), "online-1")

    wait_for("the report", lambda: "command_refused: signature" in problems(control))

    assert nothing_ran(enrolled, order)


def test_R5_a_repeated_command_is_acknowledged_again_and_runs_once(enrolled: Node, control: Control) -> None:
    order = control.order("test::default")
    wait_for("the result", lambda: order.result is not None)

    order.acknowledged = False
    wait_for("another acknowledgement", lambda: order.acknowledged)
    next_one = control.order("test::default")
    wait_for("the next command", lambda: next_one.result is not None)

    assert order.results_received == 1
    assert bytes(order.log).count(b"hello") == 1


def test_S7_an_older_policy_is_refused_also_after_a_restart(enrolled: Node, control: Control) -> None:
    old = max(control.manifests)
    control.new_policy()
    order = control.order("test::default")
    wait_for("the result", lambda: order.result is not None)
    enrolled.stop()
    enrolled.start()

    stale = control.order("test::default", version=old)
    wait_for("the refusal", lambda: stale.refused)

    assert stale.refused == "policy_rollback"
    assert nothing_ran(enrolled, stale)


def test_S7_with_an_expired_policy_no_command_starts_and_contact_goes_on(enrolled: Node, control: Control) -> None:
    control.policy_life = -1.0
    control.new_policy()
    order = control.order("test::default")
    wait_for("the report", lambda: "policy_expired" in problems(control))
    polls = len(control.polls)
    wait_for("contact", lambda: len(control.polls) > polls + 1)
    assert nothing_ran(enrolled, order)
    assert not order.acknowledged

    # The server vouches for the same policy over the agent's own nonce: it is fresh, whatever its own date says.
    control.policy_life = 3600.0

    wait_for("the result", lambda: order.result is not None)


def manifest(version: int, *, epoch: int = 0, expires_at: float = 1000.0) -> Manifest:
    return Manifest("x", "s", epoch, version, 0.0, expires_at, {}, {})


@pytest.mark.parametrize(
    ("seen", "new", "reason"),
    [
        (Seen(0, 5), manifest(4), "policy_rollback"),
        (Seen(1, 5), manifest(9, epoch=0), "policy_rollback"),
        (Seen(0, 5), manifest(6 + FARTHEST_JUMP), "policy_jump"),
        (Seen(0, 5), manifest(5), ""),
        (Seen(0, 5), manifest(6), ""),
        (Seen(0, 5), manifest(1, epoch=1), ""),
        (Seen(), manifest(FARTHEST_JUMP * 2), ""),
    ],
)
def test_S7_which_policy_versions_are_accepted(seen: Seen, new: Manifest, reason: str) -> None:
    if not reason:
        after = accept(seen, new)
        assert (after.recovery_epoch, after.version) == (new.recovery_epoch, new.version)
        return
    with pytest.raises(NotBelieved) as refusal:
        accept(seen, new)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("seen", "now", "expired"),
    [
        (Seen(), 999.0, False),
        (Seen(), 1000.0, True),
        (Seen(signed_now=1000.0), 10.0, True),
        (Seen(version=3, fresh_version=3, fresh_until=2000.0), 1500.0, False),
        (Seen(version=3, fresh_version=2, fresh_until=2000.0), 1500.0, True),
        (Seen(version=3, fresh_version=3, fresh_until=2000.0), 2000.0, True),
    ],
)
def test_S7_expiry_goes_by_the_best_clock_and_by_vouching(seen: Seen, now: float, expired: bool) -> None:
    assert is_expired(seen, manifest(3), now) is expired


def test_S7_vouching_remembers_the_signed_time() -> None:
    seen = vouched(Seen(), manifest(3))

    assert (seen.fresh_version, seen.fresh_until) == (3, 1000.0)


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "longer": lambda body: body + b"x",
    "shorter": lambda body: body[:-1],
    "other": lambda body: bytes([body[0] ^ 1]) + body[1:],
}


@pytest.mark.parametrize("how", SPOILT)
def test_S8_a_bundle_that_is_not_the_signed_one_is_not_unpacked(
    node: Node, control: Control, tmp_path: Path, how: str
) -> None:
    control.publish(RECIPES, tmp_path)
    control.before_answer = lambda path, body: SPOILT[how](body) if path.endswith("bundle") else body
    node.start()
    wait_for("the first poll", lambda: control.polls)

    order = control.order("test::default")
    wait_for("the result", lambda: order.result is not None)

    assert order.result is not None
    assert (order.result.exit_code, order.result.reason) == (3, "download")
    assert b"bundle" in order.log
    assert not list((node.state / "cache" / "cookbooks").iterdir())
    assert not list((node.state / "cache" / "bundles").iterdir())


def test_S21_a_bundle_that_reaches_outside_is_not_unpacked_though_its_server_signed_it(
    node: Node, control: Control, tmp_path: Path
) -> None:
    control.publish(RECIPES, tmp_path)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        entry = tarfile.TarInfo("../evil.py")
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"\n"))
    evil = out.getvalue()
    control.bundles[digest(evil)] = evil
    control.bundle_refs = {"custom": BundleRef(digest(evil), len(evil))}
    control.new_policy()
    node.start()
    wait_for("the first poll", lambda: control.polls)

    order = control.order("test::default")
    wait_for("the result", lambda: order.result is not None)

    assert order.result is not None
    assert (order.result.exit_code, order.result.reason) == (3, "download")
    assert b"evil.py" in order.log
    assert not list(node.state.rglob("evil.py"))


def test_S8_a_cookbook_changed_after_unpacking_stops_the_run(enrolled: Node, control: Control) -> None:
    first = control.order("test::default")
    wait_for("the first command", lambda: first.result is not None)
    [recipe] = (enrolled.state / "cache" / "cookbooks").glob("*/test/recipes/default.py")
    recipe.write_text("print('evil')")

    order = control.order("test::default")
    wait_for("the result", lambda: order.result is not None)

    assert order.result is not None
    assert (order.result.exit_code, order.result.reason) == (3, "bundle_changed")
    assert b"evil" not in order.log
    assert b"default.py was changed" in order.log


def test_S1_nothing_is_believed_before_the_chain_from_the_token_checks_out(node: Node, control: Control) -> None:
    stranger = new_signing_key()
    real = control.root()
    payload = base64.b64decode(real.payload)
    control.root = lambda: sign("root", payload, stranger, "root-1")  # type: ignore[method-assign]

    node.start()
    assert node.agent is not None
    status = node.agent.wait(timeout=20)

    assert status == 78
    assert not (node.state / "identity.json").exists()
    assert "signature" in node.said()


def test_S1_a_server_with_another_root_key_is_not_believed(node: Node, control: Control) -> None:
    control.root_key = new_signing_key()

    node.start()
    assert node.agent is not None

    assert node.agent.wait(timeout=20) == 78
    assert "not the one that the join token names" in node.said()


def test_S1_an_enrolment_whose_answer_was_lost_is_the_same_enrolment(node: Node, control: Control) -> None:
    control.fail_next = ["/agent/v1/enrol"]

    node.start()
    wait_for("the first poll", lambda: control.polls)

    assert len(control.keys) == 1


def test_S11_an_agent_from_a_copied_disk_refuses_to_use_the_key(enrolled: Node, control: Control) -> None:
    enrolled.stop()
    enrolled.settings["TOQUE_AGENT_PROVIDER_INSTANCE_ID"] = "i-original"
    identity = enrolled.state / "identity.json"
    document = msgspec.json.decode(identity.read_bytes())
    document["fingerprint"]["provider_instance_id"] = "i-original"
    identity.write_bytes(msgspec.json.encode(document))
    enrolled.start()
    polls = len(control.polls)
    wait_for("contact of the original", lambda: len(control.polls) > polls)
    enrolled.stop()

    enrolled.settings["TOQUE_AGENT_PROVIDER_INSTANCE_ID"] = "i-copy"
    enrolled.start()
    assert enrolled.agent is not None

    assert enrolled.agent.wait(timeout=20) == 78
    assert "copied from another machine" in enrolled.said()


@pytest.mark.parametrize(("path", "mode"), [("", 0o755), ("keys", 0o640)])
def test_S24_an_agent_whose_state_others_can_read_refuses_to_start(enrolled: Node, path: str, mode: int) -> None:
    enrolled.stop()
    target = enrolled.state if not path else next((enrolled.state / "keys").iterdir())
    target.chmod(mode)

    enrolled.start()
    assert enrolled.agent is not None

    assert enrolled.agent.wait(timeout=20) == 78
    assert "chmod" in enrolled.said()
    target.chmod(0o700 if not path else 0o600)


def test_R12_a_command_is_refused_before_start_when_the_disk_is_full(
    node: Node, control: Control, tmp_path: Path
) -> None:
    node.settings["TOQUE_AGENT_MINIMUM_FREE_MB"] = str(1 << 40)
    control.publish(RECIPES, tmp_path)
    node.start()
    wait_for("the first poll", lambda: control.polls)

    order = control.order("test::default")
    wait_for("the refusal", lambda: order.refused)

    assert order.refused == "disk_full"
    assert nothing_ran(node, order)
    polls = len(control.polls)
    wait_for("contact", lambda: len(control.polls) > polls)

    # With room again, the refused command that somebody repeats still does not start; a new one does.
    node.stop()
    del node.settings["TOQUE_AGENT_MINIMUM_FREE_MB"]
    order.refused = ""
    node.start()
    wait_for("the refusal again", lambda: order.refused == "disk_full")
    after = control.order("test::default")
    wait_for("the result", lambda: after.result is not None)
    assert nothing_ran(node, order)


def test_D21_the_resident_process_carries_nothing_of_the_recipes() -> None:
    banned = ("toque.resources", "toque.core", "toque.cookbook", "jinja2", "yaml", "requests", "click", "tarfile")
    script = "import sys, toque.daemon.main; print(*[name for name in sys.argv[1:] if name in sys.modules])"

    shown = subprocess.run(
        [sys.executable, "-c", script, *banned], capture_output=True, text=True, check=True, env={"PYTHONPATH": PATH}
    )

    assert shown.stdout.strip() == ""


PATH = str(Path(__file__).resolve().parents[3] / "agent")


def test_a_root_manifest_of_the_right_key_is_taken_over_when_it_is_newer(enrolled: Node, control: Control) -> None:
    new_online = new_signing_key()
    old_root = control.root

    def newer_root() -> SignedObject:
        document = msgspec.json.decode(base64.b64decode(old_root().payload))
        document["version"] = 2
        document["online_keys"] = [
            {"key_id": "online-2", "public": base64.b64encode(public_bytes(new_online)).decode()}
        ]
        return sign("root", canonical(document), control.root_key, "root-1")

    control.offered_root = newer_root()
    wait_for("the agent to know the new root", lambda: control.polls[-1].root_version == 2)
    order = control.order("test::default")
    order.signed = sign("command", canonical(order.envelope), new_online, "online-2")
    version = order.envelope.manifest_version
    payload = base64.b64decode(control.manifests[version][0].payload)
    control.manifests[version] = (sign("policy", payload, new_online, "online-2"), control.manifests[version][1])

    wait_for("the result", lambda: order.result is not None)
