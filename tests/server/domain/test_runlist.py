"""Order of recipes (chapter 02 L-8, chapter 04 section 5)."""

from __future__ import annotations

import pytest

from toque_server.domain.layer_types import BUILT_IN, Event, default_recipes
from toque_server.domain.runlist import LayerRecipes, steps

APP = LayerRecipes(
    "python-app", {"Setup": ["shop::base"], "Deploy": ["shop::warm_up"], "Configure": ["shop", "shop::b"]}
)
LB = LayerRecipes("lb", {"Setup": ["edge", "shop::base"], "Configure": ["shop::default"]})


def said(type: str, *layers: LayerRecipes, **args: object) -> list[tuple[str, list[str]]]:
    return [(step.phase, list(step.recipes)) for step in steps(type, layers, args)]


def test_02_11_and_02_19_and_04_4_and_05_34_setup_is_all_setup_recipes_and_then_all_deploy_recipes() -> None:
    assert said("setup", APP, LB) == [
        ("system", ["toque::setup", "toque::users", "python-app::default", "haproxy::default"]),
        ("custom", ["shop::base", "edge::default"]),
        ("system", ["toque::deploy", "python-app::deploy", "haproxy::configure"]),
        ("custom", ["shop::warm_up"]),
        ("system", ["toque::cleanup"]),
    ]


def test_02_11_and_02_12_and_04_12_custom_recipes_come_after_built_in_ones_and_once() -> None:
    assert said("configure", APP, LB) == [
        ("system", ["toque::configure", "toque::users", "python-app::configure", "haproxy::configure"]),
        ("custom", ["shop::default", "shop::b"]),
        ("system", ["toque::cleanup"]),
    ]


def test_04_19_and_05_13_execute_recipes_runs_what_it_names_in_that_order() -> None:
    assert said("execute_recipes", LB, recipes=["a::x", "a::y"])[0] == ("custom", ["a::x", "a::y"])


@pytest.mark.parametrize(("how", "phase"), [("dry_run", "plan"), ("clone", "plan_on_clone")])
def test_a_plan_has_the_named_recipes_alone_in_a_phase_of_its_own(how: str, phase: str) -> None:
    assert said("execute_recipes", LB, recipes=["a::x"], plan=how) == [(phase, ["a::x"])]


def test_01_20_commands_that_run_no_recipes_only_clean_up() -> None:
    assert said("update_custom_cookbooks", APP) == [("system", ["toque::cleanup"])]


@pytest.mark.parametrize(
    "type", ["rollback", "start", "stop", "restart", "install_dependencies", "update_dependencies"]
)
def test_the_rest_are_tasks_of_the_agent(type: str) -> None:
    assert said(type, APP)[0] == ("system", [f"toque::{type}"])


def test_every_layer_type_names_all_five_events() -> None:
    assert all(set(default_recipes(type)) == {event.value for event in Event} for type in BUILT_IN)
    assert default_recipes("lb")["Shutdown"] == ["haproxy::stop"]


@pytest.mark.parametrize("event", ["setup", "configure"])
def test_07_26_accounts_that_changed_meanwhile_are_brought_up_to_date(event: str) -> None:
    assert any("toque::users" in step.recipes for step in steps(event, [LayerRecipes("custom")]))
