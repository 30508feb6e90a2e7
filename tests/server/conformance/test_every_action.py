"""Every action of API 2013-02-18, driven by the last boto3 through its own model of it (chapter 09)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import nullcontext

import msgspec
import pytest

from tests.needs import needs_that
from tests.server.conformance.case import CASES, Case, Members, given
from tests.server.conformance.cases import ACTIONS
from tests.server.conformance.world import Boto3, Refused, World
from toque.client import structures
from toque_server.operations import registry
from toque_server.operations.registry import OPSWORKS

pytestmark = [
    pytest.mark.aws,
    needs_that("the last OpsWorks clients: run 'make setup', or set TOQUE_AWS", lambda: "TOQUE_AWS" in os.environ),
]
every_action = pytest.mark.parametrize("action", ACTIONS)


def test_09_3_the_actions_are_those_of_the_client_and_all_are_driven(boto: Boto3) -> None:
    declared = {name for name, op in registry.load().items() if op.target == OPSWORKS}

    assert boto.model["boto3"] == "1.40.18"
    assert len(boto.model["actions"]) == 74
    assert declared == set(boto.model["actions"]) == set(CASES)


@every_action
def test_valid_inputs_are_accepted_and_answers_are_as_the_model_says(action: str, world: World) -> None:
    known = world.boto.model["actions"][action]
    case = CASES[action](world)
    world.shown.clear()

    for members in (case.minimal, *case.fuller):
        with pytest.raises(Refused, match=case.never) if case.never else nullcontext():
            _read_by_our_own_client(action, world(action, **members))

    shown = {path.removeprefix(f"{action}.") for path in world.shown}
    tried = given([case.minimal, *case.fuller]) & set(known["input"])
    assert set(known["required"]) <= set(case.minimal)
    assert _differing(set(known["input"]) - tried, case.untried) == []
    assert _differing(set(known["output"]) - shown, case.absent) == []


def _differing(found: set[str], expected: Iterable[str]) -> list[str]:
    return sorted(found ^ set(expected))


def _read_by_our_own_client(action: str, answer: Members) -> None:
    """`toque.client` has a structure for what is answered, and the answer is of its shape."""
    kind = getattr(structures, f"{action}Result", None)
    assert (kind is None) == (not answer), f"the answer of {action} has no structure in toque.client"
    if kind is not None:
        msgspec.convert(answer, kind)


@every_action
def test_each_documented_error_has_its_cause(action: str, world: World) -> None:
    case = CASES[action](world)
    causes = {"ValidationException": [*case.invalid, *_lacking(world, action, case)],
              "ResourceNotFoundException": list(case.missing)}  # fmt: skip

    for error, calls in causes.items():
        for members, words in calls:
            with pytest.raises(Refused) as refused:
                world(action, checked=False, **members)
            assert (refused.value.code, refused.value.typed) == (error, error), f"{members}: {refused.value}"
            assert refused.value.status == 400
            assert words in refused.value.message, f"{members}: {refused.value}"
    # DetachElasticLoadBalancer and others that document one error only may still be asked what makes no sense.
    documented = set(world.boto.model["actions"][action]["errors"])
    assert documented <= {error for error, calls in causes.items() if calls}


def _lacking(world: World, action: str, case: Case) -> Iterator[tuple[Members, str]]:
    """The minimal call without each of its required members: the message names what is missing (09-14)."""
    for name in world.boto.model["actions"][action]["required"]:
        yield {key: value for key, value in case.minimal.items() if key != name}, name
        if isinstance(case.minimal[name], str):
            yield {**case.minimal, name: ""}, name


def test_09_4_an_unknown_action_is_refused(world: World) -> None:
    with pytest.raises(Refused) as refused:
        world("DescribeStacks", target="OpsWorks_20130218.DescribeKitchens")

    assert (refused.value.code, refused.value.status) == ("UnknownOperationException", 400)


def test_09_2_a_bad_signature_is_refused(world: World) -> None:
    stranger = world.with_keys(world.secrets["access_key_id"], "not the secret")

    with pytest.raises(Refused) as refused:
        stranger("DescribeStacks")

    assert refused.value.code == "InvalidSignatureException"
    assert "Stacks" not in refused.value.message


def test_a_key_that_nobody_has_is_refused(world: World) -> None:
    stranger = world.with_keys("AKIAAAAAAAAAAAAAAAAA", "secret")

    with pytest.raises(Refused) as refused:
        stranger("DescribeStacks")

    assert refused.value.code == "UnrecognizedClientException"
