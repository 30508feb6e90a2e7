from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agent.stackfile.documents import documents, taken
from toque.stackfile.differences import differences
from toque.stackfile.model import (
    App,
    Instance,
    Layer,
    Permission,
    RdsDbInstance,
    SecretRef,
    Source,
    Stack,
    StackFile,
)
from toque.stackfile.plan import Plan
from toque.stackfile.rendering import lines, summary

few = settings(max_examples=40)
"""Each of them is a whole stack."""

GIVEN = {"ONE": "1", "TWO": "2"}


def shop(**sections: object) -> StackFile:
    return StackFile(stack=Stack(name="shop"), **sections)  # type: ignore[arg-type]


def after(found: StackFile | None, plan: Plan) -> StackFile:
    document = found or StackFile(stack=Stack(name="shop"))
    for step in plan.steps:
        document = taken(document, step)
    return document


@few
@given(documents(), st.none() | documents())
def test_after_its_steps_nothing_differs_any_more(wanted: StackFile, found: StackFile | None) -> None:
    plan = differences(wanted, found, secrets=GIVEN, prune=True)

    made = after(found, plan)

    assert differences(wanted, made, secrets=GIVEN, prune=True).steps == ()
    assert plan.impossible == plan.missing == ()


@few
@given(documents(), documents())
def test_without_prune_nothing_is_deleted_and_what_stays_is_told(wanted: StackFile, found: StackFile) -> None:
    plan = differences(wanted, found, secrets=GIVEN)

    told = {(each.kind, each.name) for each in plan.left}
    gone = {(each.kind, each.name) for each in plan.steps if each.verb == "delete"}
    pruned = {
        (each.kind, each.name)
        for each in differences(wanted, found, secrets=GIVEN, prune=True).steps
        if each.verb == "delete"
    }
    # A balancer is taken from one layer to be given to another: that is no deletion.
    assert {kind for kind, _ in gone} <= {"load balancer"}
    assert pruned - gone <= told


@few
@given(documents())
def test_a_stack_does_not_differ_from_itself(document: StackFile) -> None:
    for prune in (False, True):
        plan = differences(document, document, secrets=GIVEN, prune=prune)
        assert (plan.steps, plan.left, plan.missing) == ((), (), ())


@few
@given(documents(), st.none() | documents())
def test_no_plan_shows_a_secret(wanted: StackFile, found: StackFile | None) -> None:
    plan = differences(wanted, found, secrets={"ONE": "hunter2", "TWO": "hunter2"}, renew=True)

    assert "hunter2" not in "\n".join(lines(plan))


def test_a_new_stack_is_made_in_an_order_in_which_everything_finds_what_it_needs() -> None:
    wanted = shop(
        permissions={"ann": Permission(level="show")},
        apps={"blog": App()},
        instances={"web1": Instance(layers=("web",))},
        layers={"web": Layer(load_balancer="b")},
        rds_db_instances={"arn": RdsDbInstance(db_user="u", db_password=SecretRef("ONE"))},
        ecs_clusters=("c",),
    )

    plan = differences(wanted, None, secrets=GIVEN)

    assert [each.kind for each in plan.steps] == [
        *("stack", "ECS cluster", "database", "layer", "instance", "app", "load balancer", "permission"),
    ]
    assert summary(plan.steps) == "8 to create"


def test_what_the_file_does_not_manage_is_left_alone() -> None:
    found = StackFile(
        stack=Stack(name="shop", default_os="Debian 12", custom_cookbooks_source=Source(type="git")),
        layers={"web": Layer()},
    )

    plan = differences(shop(), found, prune=True)

    assert (plan.steps, plan.left) == ((), ())


def test_what_has_a_default_has_it_where_the_file_is_silent() -> None:
    found = shop(layers={"web": Layer(packages=("curl",), enable_auto_healing=False, tags={"a": "b"})})

    plan = differences(shop(layers={"web": Layer()}), found)

    assert lines(plan) == [
        "~ layer web",
        '    packages: ["curl"] → []',
        "    enable_auto_healing: false → true",
        "~ layer web: tags",
        '    tags: {"a": "b"} → {}',
    ]


def test_a_secret_that_would_have_to_be_sent_and_was_not_given_is_missing() -> None:
    wanted = shop(apps={"blog": App(environment={"A": SecretRef("ONE"), "B": SecretRef("TWO")})})
    found = shop(apps={"blog": App(environment={"A": SecretRef("X"), "B": "shown"})})

    assert differences(wanted, found).missing == ("TWO",)
    assert differences(wanted, found, secrets=GIVEN).missing == ()
    assert differences(found, wanted).missing == ()


def test_true_is_not_one() -> None:
    wanted = StackFile(stack=Stack(name="shop", custom_json={"a": True}))
    found = StackFile(stack=Stack(name="shop", custom_json={"a": 1}))

    assert len(differences(wanted, found).steps) == 1


def test_a_day_that_is_all_off_is_a_day_that_is_not_there() -> None:
    def timed(**schedule: dict[str, str]) -> StackFile:
        return shop(instances={"a": Instance(layers=("w",), auto_scaling_type="timer", schedule=schedule)})  # type: ignore[arg-type]

    assert differences(timed(monday={"8": "off"}), timed()).steps == ()
    assert len(differences(timed(monday={"8": "on"}), timed(monday={"8": "off"})).steps) == 1


def test_a_layers_type_never_changes() -> None:
    plan = differences(shop(layers={"lb": Layer(type="lb")}), shop(layers={"lb": Layer()}))

    assert plan.impossible == ("layer lb: type cannot change from custom to lb",)


def test_what_the_file_calls_a_secret_is_not_shown_as_it_was_either() -> None:
    def bag(password: object) -> StackFile:
        value = {"user": "a", "password": password, "more": [password]}
        return StackFile(stack=Stack(name="shop", data_bags={"b": {"i": value}}, custom_json={"p": password}))

    plan = differences(bag(SecretRef("ONE")), bag("hunter2"), secrets=GIVEN)

    assert {each.kind for each in plan.steps} == {"stack", "data bag item"}
    assert "hunter2" not in "\n".join(lines(plan))


def test_colours_are_for_terminals() -> None:
    plan = differences(shop(layers={"web": Layer()}), shop())

    assert lines(plan) == ["+ layer web"]
    assert lines(plan, colour=True) == ["\x1b[32m+ layer web\x1b[0m"]


def test_a_terminal_obeys_no_value() -> None:
    wanted = shop(layers={"web": Layer(name="a\x1b[31mb")})

    assert all(line.isprintable() for line in lines(differences(wanted, shop())))
