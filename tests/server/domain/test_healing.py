"""Who is healed and who is not: every guard in a table, and what must never happen as properties (10, R14 to R18)."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.made import NOW, instance
from toque_server.domain.actions import AddServiceError, EndHeal, Evidence, Heal, Move, Outcome, Report
from toque_server.domain.guards import (
    Clock,
    Guards,
    after_gap,
    breaker_open_until,
    grace,
    late_after,
    silent_after,
    spaced_until,
)
from toque_server.domain.healing import Decision, Fleet, Node, Trouble, decide, is_hard, noted
from toque_server.domain.instance import Status
from toque_server.domain.lifecycle import Machine, Sighting
from toque_server.settings import HealTimes

TIMES = HealTimes()
INTERVAL = timedelta(seconds=2)
CALM = Guards(listening_since=NOW - timedelta(days=2), grace_until=NOW - timedelta(days=1))


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def node(
    id: str = "web-1", status: Status = Status.ONLINE, *, silent: float = 1, down: float | None = None, **rest: Any
) -> Node:
    about = {key: rest.pop(key) for key in list(rest) if key in ("heals", "can_cycle", "conflict", "history")}
    trouble = None if down is None else Trouble(since=ago(down), last=ago(0))
    return Node(instance=instance(id, status, **rest), last_contact=ago(silent), trouble=trouble, **about)


def heal(id: str = "h", *, ended: float | None = 60, began: float | None = None, **rest: Any) -> Heal:
    facts: dict[str, Any] = {
        "instance_id": "web-1",
        "stack_id": "s-1",
        "evidence": Evidence.SOFT,
        "started_at": ago(began if began is not None else (ended or 0) + 120),
        "ended_at": None if ended is None else ago(ended),
        "outcome": None if ended is None else Outcome.HEALED,
    }
    return Heal(id=id, **facts | rest)


def heals_begun(*seconds_ago: float) -> tuple[Heal, ...]:
    """Heals of one instance that took a minute and a half each."""
    return tuple(
        heal(f"h-{n}", began=at, ended=at - 100, machine_started_at=ago(at - 10)) for n, at in enumerate(seconds_ago)
    )


def look(*nodes: Node, guards: Guards = CALM, times: HealTimes = TIMES, among: int = 60) -> Decision:
    """Decide about these nodes in a fleet that is healthy otherwise."""
    healthy = [node(f"healthy-{n}", stack_id="calm") for n in range(among)]
    fleet = Fleet(nodes=(*nodes, *healthy), interval=INTERVAL)
    return decide(fleet, guards, times, NOW, draw=Random(1))


def healed(decision: Decision) -> list[str]:
    return [each.seen.id for each in decision.heals]


def lost(decision: Decision) -> dict[str, str]:
    moves = [action for change in decision.changes for action in change if isinstance(action, Move)]
    return {m.new.id: m.new.reason for m in moves if m.new.status is Status.CONNECTION_LOST}


@pytest.mark.parametrize(
    ("silent", "down", "expected"),
    [
        (299, None, []),
        (300, None, []),
        (301, None, ["web-1"]),
        (90, 59, []),
        (90, 60, ["web-1"]),
        (30, 60, []),
        (1, 600, []),
    ],
)
def test_what_silence_and_the_provider_lead_to(silent: float, down: float | None, expected: list[str]) -> None:
    assert healed(look(node(silent=silent, down=down))) == expected


@pytest.mark.parametrize(
    ("why", "about"),
    [
        ("healing switched off", {"heals": False}),
        ("no provider can restart", {"can_cycle": False}),
        ("two machines use its key", {"conflict": True}),
    ],
)
def test_what_is_not_eligible_is_lost_and_says_why(why: str, about: dict[str, bool]) -> None:
    decision = look(node(silent=400, **about))

    assert healed(decision) == []
    assert why in lost(decision)["web-1"]


@pytest.mark.parametrize(
    "status", [Status.RUNNING_SETUP, Status.SETUP_FAILED, Status.REGISTERED, Status.REGISTERING, Status.UNASSIGNING]
)
def test_outside_online_silence_is_a_loss_and_no_heal(status: Status) -> None:
    decision = look(node(status=status, silent=400))

    assert healed(decision) == []
    assert list(lost(decision)) == ["web-1"]


@pytest.mark.parametrize("status", [Status.STOPPED, Status.START_FAILED, Status.BOOTING, Status.REBOOTING])
def test_who_is_not_expected_to_call_is_left_alone(status: Status) -> None:
    decision = look(node(status=status, silent=86400))

    assert (decision.heals, decision.changes) == ((), ())


@pytest.mark.parametrize(
    ("was", "back"),
    [
        (Status.ONLINE, Status.ONLINE),
        (Status.REGISTERED, Status.REGISTERED),
        (Status.SETUP_FAILED, Status.SETUP_FAILED),
        (Status.RUNNING_SETUP, Status.RUNNING_SETUP),
        (Status.ASSIGNING, Status.RUNNING_SETUP),
    ],
)
def test_a_lost_instance_that_calls_is_what_it_was(was: Status, back: Status) -> None:
    decision = look(node(status=Status.CONNECTION_LOST, previous=was, since=ago(100), silent=1))

    [(move, *_)] = decision.changes
    assert isinstance(move, Move)
    assert move.new.status is back


# -- H1 to H3: doubts


@pytest.mark.parametrize("down", [None, 120])
def test_H1_in_grace_only_the_providers_word_heals(down: float | None) -> None:
    waiting = Guards(listening_since=ago(3600), grace_until=NOW + timedelta(seconds=1))

    decision = look(node(silent=4000, down=down), guards=waiting)

    assert healed(decision) == ([] if down is None else ["web-1"])
    assert lost(decision) == {}


def test_H1_silence_is_counted_from_when_we_began_to_listen() -> None:
    listening = Guards(listening_since=ago(100), grace_until=ago(1))

    assert healed(look(node(silent=4000), guards=listening)) == []


@pytest.mark.parametrize(
    ("wall", "steady", "graced"),
    [(5, 5, False), (20, 20, False), (21, 21, True), (5 + 31, 5, True), (5 - 31, 5, True), (5 + 29, 5, False)],
)
def test_H1_a_gap_or_a_jump_of_the_clock_begins_a_grace(wall: float, steady: float, graced: bool) -> None:
    before = after_gap(CALM, Clock(NOW, 100), period=timedelta(seconds=5), grace=timedelta(seconds=300))

    turn = Clock(NOW + timedelta(seconds=wall), 100 + steady)
    after = after_gap(before, turn, period=timedelta(seconds=5), grace=timedelta(seconds=300))

    assert (after.grace_until > turn.wall) is graced


@pytest.mark.parametrize(
    ("late", "nodes", "frozen"), [(4, 10, False), (5, 10, True), (19, 100, False), (20, 100, True)]
)
def test_H2_many_late_in_the_fleet_freeze_it(late: int, nodes: int, frozen: bool) -> None:
    cut_off = [node(f"n-{n}", silent=400, stack_id=f"s-{n}") for n in range(late)]

    decision = look(*cut_off, among=nodes - late)

    assert decision.guards.frozen is frozen
    assert (healed(decision) == []) is frozen
    assert lost(decision) == {} if frozen else True


def test_H2_those_whom_the_provider_calls_down_do_not_count_as_late() -> None:
    dead = [node(f"n-{n}", silent=400, down=120, stack_id=f"s-{n}") for n in range(40)]

    decision = look(*dead, among=60)

    assert not decision.guards.frozen
    assert len(decision.heals) == 1


@pytest.mark.parametrize(
    ("late", "members", "frozen"), [(1, 2, False), (2, 6, False), (2, 5, True), (2, 2, True), (3, 8, False)]
)
def test_H3_many_late_in_one_stack_freeze_that_stack(late: int, members: int, frozen: bool) -> None:
    stack = [node(f"n-{n}", silent=400 if n < late else 1) for n in range(members)]

    decision = look(*stack)

    assert decision.guards.frozen_stacks == ({"s-1"} if frozen else frozenset())
    assert (healed(decision) == []) is frozen


def test_H3_a_freeze_is_one_event_when_it_begins_and_one_when_it_ends_and_then_a_grace() -> None:
    stack = [node(f"n-{n}", silent=400) for n in range(3)]
    first = look(*stack)
    second = look(*stack, guards=first.guards)
    over = look(*(node(f"n-{n}") for n in range(3)), guards=second.guards)

    kinds = [
        [a.kind for change in each.changes for a in change if isinstance(a, Report)] for each in (first, second, over)
    ]
    assert kinds == [["healing.frozen"], [], ["healing.thawed"]]
    assert over.guards.stack_grace == {"s-1": NOW + grace(TIMES, INTERVAL)}
    assert healed(look(node("n-0", silent=400), node("n-1"), node("n-2"), guards=over.guards)) == []


# -- H4 to H9: rations


def test_H4_three_silent_ones_are_healed_one_at_a_time_until_one_comes_back() -> None:
    silent = [node(f"n-{n}", silent=400, stack_id=f"t-{n}") for n in range(3)]
    many = HealTimes(rate_share=1.0)

    alone = look(*silent, times=many)
    busy = look(*silent[1:], node("n-9", Status.BOOTING, history=(heal(ended=None, began=90),)), times=many)
    proven = look(*silent, node("n-9", history=(heal(ended=600),)), times=many)

    assert len(alone.heals) == 1
    assert healed(busy) == []
    assert len(proven.heals) == 3
    assert ["one at a time" in why for why in lost(busy).values()] == [True, True]


@pytest.mark.parametrize(
    ("outcomes", "minutes"),
    [
        ("no_contact", 30),
        ("no_contact no_contact", 60),
        ("no_contact no_contact no_contact no_contact no_contact", 240),
        ("no_contact healed no_contact", 30),
        ("no_contact setup_failed", None),
        ("healed", None),
        ("start_failed", None),
    ],
)
def test_H5_each_heal_without_contact_doubles_the_pause_and_a_success_ends_it(
    outcomes: str, minutes: int | None
) -> None:
    history = [
        heal(f"h-{n}", ended=1000 - n, outcome=Outcome(outcome)) for n, outcome in enumerate(outcomes.split(), 0)
    ]

    until = breaker_open_until(history, TIMES)

    last = history[-1].ended_at
    assert last is not None
    assert until == (None if minutes is None else last + timedelta(minutes=minutes))


def test_H5_a_closed_breaker_leaves_the_providers_word_alone() -> None:
    failed = node("other", Status.BOOTING, history=(heal(ended=60, outcome=Outcome.NO_CONTACT),))

    assert healed(look(node(silent=400), failed)) == []
    assert healed(look(node(silent=400, down=120), failed)) == ["web-1"]


def test_H5_a_heal_without_contact_for_15_minutes_has_failed() -> None:
    waiting = heal("h", ended=None, began=1000, machine_started_at=ago(901))
    booting = node(status=Status.BOOTING, heal_id="h", history=(waiting,))

    [(move, end)] = look(booting).changes

    assert isinstance(move, Move) and move.new.heal_id is None
    assert end == EndHeal("h", Outcome.NO_CONTACT)


@pytest.mark.parametrize(("members", "begun"), [(9, 1), (19, 1), (20, 2), (50, 5)])
def test_H6_a_stack_has_a_tenth_of_its_instances_in_flight(members: int, begun: int) -> None:
    dead = [node(f"n-{n}", silent=400, down=120) for n in range(members)]

    decision = look(*dead, times=HealTimes(rate_share=1.0))

    assert len(decision.heals) == begun
    assert len(lost(decision)) == members - begun


@pytest.mark.parametrize(("nodes", "begun"), [(50, 1), (100, 1), (101, 2), (500, 5)])
def test_H7_a_hundredth_of_the_fleet_begins_in_a_minute(nodes: int, begun: int) -> None:
    dead = [node(f"n-{n}", silent=400, down=120, stack_id=f"s-{n}") for n in range(10)]

    assert len(look(*dead, among=nodes - 10).heals) == begun
    just_now = node("before", Status.BOOTING, history=tuple(heal(f"h-{n}", ended=None, began=30) for n in range(begun)))
    assert look(*dead, just_now, among=nodes - 10 - begun).heals == ()


@pytest.mark.parametrize(("heals", "minutes"), [(0, None), (1, 10), (2, 20), (3, 40), (4, 80)])
def test_H8_the_pause_between_two_heals_of_one_instance_doubles(heals: int, minutes: int | None) -> None:
    history = [heal(f"h-{n}", began=3600 * (n + 1)) for n in range(heals)]

    assert spaced_until(history, NOW, TIMES) == (None if minutes is None else ago(3600) + timedelta(minutes=minutes))


def test_H8_an_instance_that_was_just_healed_waits_and_says_so() -> None:
    decision = look(node(silent=400, down=120, history=(heal(ended=100, began=200),), booted_at=ago(180)))

    assert healed(decision) == []
    assert lost(decision) == {"web-1": "healing waits: it was healed a short while ago"}


@pytest.mark.parametrize(
    ("began", "exhausted"),
    [
        ([600, 1800, 3000], True),
        ([600, 1800, 5000], False),
        ([4000, 5000, 6000], True),
        ([4000, 20000, 30000, 40000, 50000], True),
        ([4000, 20000, 30000, 40000], False),
    ],
)
def test_H8_three_heals_in_an_hour_or_five_in_a_day_are_the_end(began: list[float], exhausted: bool) -> None:
    history = heals_begun(*began)
    dead = node(silent=400, down=120, history=history, booted_at=ago(began[0] - 10))

    decision = look(dead)

    errors = [a.type for change in decision.changes for a in change if isinstance(a, AddServiceError)]
    assert errors == (["auto_healing"] if exhausted else [])
    assert ("too often" in lost(decision).get("web-1", "")) is exhausted


def test_H8_an_hour_of_contact_or_a_start_by_hand_forgives() -> None:
    history = heals_begun(9000, 10000, 11000)
    by_heal, by_hand = ago(9000 - 10), ago(8000)

    assert healed(look(node(silent=6000, down=4000, history=history, booted_at=by_heal))) == []
    assert healed(look(node(silent=400, down=120, history=history, booted_at=by_heal))) == ["web-1"]
    assert healed(look(node(silent=6000, down=4000, history=history, booted_at=by_hand))) == ["web-1"]


def test_H9_hard_evidence_goes_first() -> None:
    decision = look(node("soft", silent=400, stack_id="a"), node("hard", silent=90, down=60, stack_id="b"))

    assert healed(decision) == ["hard"]


def test_a_waiting_instance_is_healed_from_connection_lost_when_its_turn_comes() -> None:
    waiting = node(status=Status.CONNECTION_LOST, previous=Status.ONLINE, since=ago(50), silent=400)

    assert healed(look(waiting)) == ["web-1"]


# -- evidence


def test_the_provider_must_say_it_twice_and_nobody_may_be_heard_between() -> None:
    once = noted({}, {"web-1": Sighting(state=Machine.GONE, at=ago(100))})
    assert not is_hard(Node(instance=instance(), last_contact=ago(120), trouble=once["web-1"]), TIMES, NOW)

    twice = noted(once, {"web-1": Sighting(state=Machine.STOPPED, at=ago(10))})
    assert is_hard(Node(instance=instance(), last_contact=ago(120), trouble=twice["web-1"]), TIMES, NOW)
    assert not is_hard(Node(instance=instance(), last_contact=ago(50), trouble=twice["web-1"]), TIMES, NOW)

    assert noted(twice, {"web-1": Sighting(state=Machine.RUNNING, at=ago(1))}) == {}


@pytest.mark.parametrize(
    ("silent", "interval", "expected"),
    [(300, 2, 300), (300, 60, 360), (600, 60, 600), (6, 1, 6), (6, 4, 12)],
)
def test_the_silence_limit_follows_the_interval_unless_an_operator_set_a_short_one(
    silent: float, interval: float, expected: float
) -> None:
    times, rhythm = HealTimes(silent_after=timedelta(seconds=silent)), timedelta(seconds=interval)

    assert silent_after(times, rhythm) == timedelta(seconds=expected)
    assert late_after(times, rhythm) < silent_after(times, rhythm)


# -- what must never happen

nodes = st.builds(
    node,
    id=st.uuids().map(str),
    status=st.sampled_from(Status),
    silent=st.floats(0, 4000),
    down=st.none() | st.floats(0, 4000),
    stack_id=st.sampled_from(["s-1", "s-2", "s-3"]),
    previous=st.sampled_from(Status),
    since=st.floats(0, 4000).map(ago),
    heals=st.booleans(),
    can_cycle=st.booleans(),
    conflict=st.booleans(),
)
fleets = st.lists(nodes, max_size=40, unique_by=lambda each: each.instance.id)
memories = st.builds(
    Guards,
    listening_since=st.floats(0, 4000).map(ago),
    grace_until=st.floats(-400, 400).map(ago),
    frozen=st.booleans(),
    frozen_stacks=st.frozensets(st.sampled_from(["s-1", "s-2", "s-3"])),
)


def decided(fleet: list[Node], guards: Guards, seed: int = 1) -> Decision:
    return decide(Fleet(nodes=tuple(fleet), interval=INTERVAL), guards, TIMES, NOW, draw=Random(seed))


@given(fleets, memories)
def test_nobody_who_was_heard_within_a_minute_is_ever_healed_or_lost(fleet: list[Node], guards: Guards) -> None:
    heard = {each.instance.id for each in fleet if each.last_contact and NOW - each.last_contact < TIMES.hard_wait}
    was_lost = {each.instance.id for each in fleet if each.instance.status is Status.CONNECTION_LOST}

    decision = decided(fleet, guards)

    assert not heard & set(healed(decision))
    assert not heard & set(lost(decision)) - was_lost


@given(fleets, memories)
def test_the_caps_hold_whatever_the_fleet_looks_like(fleet: list[Node], guards: Guards) -> None:
    decision = decided(fleet, guards)

    assert len(decision.heals) <= 1
    assert all(each.seen.status in (Status.ONLINE, Status.CONNECTION_LOST) for each in decision.heals)


@given(fleets, memories)
def test_while_frozen_or_in_grace_silence_changes_nothing(fleet: list[Node], guards: Guards) -> None:
    decision = decided(fleet, guards)
    doubt = decision.guards.frozen or decision.guards.grace_until > NOW

    if doubt:
        assert all(each.evidence is Evidence.HARD for each in decision.heals)


@given(fleets, memories)
def test_only_the_eligible_are_healed(fleet: list[Node], guards: Guards) -> None:
    eligible = {each.instance.id for each in fleet if each.heals and each.can_cycle and not each.conflict}

    assert set(healed(decided(fleet, guards))) <= eligible


@given(fleets, memories, st.integers())
def test_one_instance_is_decided_about_once_and_every_move_is_legal(
    fleet: list[Node], guards: Guards, seed: int
) -> None:
    decision = decided(fleet, guards, seed)

    touched = [change[0].seen.id for change in decision.changes if isinstance(change[0], Move)] + healed(decision)
    assert len(touched) == len(set(touched))
