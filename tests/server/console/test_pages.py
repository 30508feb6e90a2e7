from __future__ import annotations

from typing import Any

from sqlalchemy import event

from tests.server.console.conftest import House
from toque_server.console import states
from toque_server.domain.instance import Status

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</pre><iframe src=//evil.example>",
    "{{ 7 * 7 }}",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "\x1b]0;title\x07\x1b[31mred\x1b[0m",
)


def pages_of(house: House, deployment: str, command: str) -> list[str]:
    return [
        "/console/",
        f"/console/stacks/{house.stack}",
        f"/console/stacks/{house.stack}/deployments",
        f"/console/stacks/{house.stack}/deploy?app={house.app_id}&command=rollback",
        f"/console/stacks/{house.stack}/run-command",
        f"/console/stacks/{house.stack}/start",
        f"/console/stacks/{house.stack}/stop",
        f"/console/instances/{house.up}",
        f"/console/instances/{house.down}",
        f"/console/instances/{house.up}/stop",
        f"/console/deployments/{deployment}",
        f"/console/commands/{command}",
    ]


def test_the_stack_page_shows_each_instance_with_its_state_in_its_layer(house: House) -> None:
    page = house.browser.get(f"/console/stacks/{house.stack}")

    assert page.badges() | {f"instance:{house.up}": "good", f"instance:{house.down}": "off"} == page.badges()
    for word in ("app1", "online", "app2", "stopped", "Guestbook", "custom"):
        assert word in page.text


def test_every_status_has_an_icon_and_a_word_of_its_own() -> None:
    looks = [states.look("instance", status) for status in Status]

    assert len({look.word for look in looks}) == len(Status)
    assert all(look.icon in states.ICONS and look.tone in states.TONES for look in looks)


def test_the_instance_page_says_why_and_since_when(house: House) -> None:
    _, command = house.order()
    house.end(command, "failed", 1, "execute[make tea] failed")
    house.root.bring(house.up, Status.CONNECTION_LOST)

    page = house.browser.get(f"/console/instances/{house.up}")

    for words in (
        "connection lost",
        "its agent was never heard",
        "execute[make tea] failed",
        "web::tune",
        "lost since",
    ):
        assert words in page.text


def test_the_deployment_page_shows_each_instance_s_progress(house: House) -> None:
    deployment, command = house.order()
    path = f"/console/deployments/{deployment}"
    assert house.browser.get(path).badges()[f"command:{command}"] == "off"

    house.end(command, "successful", 0)

    page = house.browser.get(path)
    assert page.badges()[f"command:{command}"] == "good" and "1 ok" in page.text
    assert page.all("a", href=f"/console/commands/{command}")


def test_the_command_page_shows_the_log_and_leads_to_the_first_error(house: House) -> None:
    _, command = house.order()
    house.log(command, "recipe web::tune\n\x1b[32mgreen\x1b[0m\nexecute[make tea] failed\nafter\n")
    house.end(command, "failed", 1)

    page = house.browser.get(f"/console/commands/{command}")

    assert page.all("span", id="first-failure", class_="failure") and page.all("span", class_="ansi-green")
    assert page.all("a", href="#first-failure") and "\x1b" not in page.html
    assert "recipe web::tune green execute[make tea] failed after" in page.text


def test_a_long_log_is_shown_from_its_end_and_says_what_is_missing(house: House) -> None:
    _, command = house.order()
    house.log(command, "".join(f"line {n:06}\n" for n in range(20_000)))

    page = house.browser.get(f"/console/commands/{command}")
    first = house.browser.get(f"/console/commands/{command}?from=0")

    assert "line 019999" in page.text and "line 000000" not in page.text and "before this are not shown" in page.text
    assert "line 000000" in first.text and "line 019999" not in first.text


def test_every_page_holds_together_and_has_no_inline_script_or_style(house: House) -> None:
    deployment, command = house.order()

    for path in pages_of(house, deployment, command):
        page = house.browser.get(path)
        assert page.status == 200, path
        assert all("src" in script for script in page.all("script"))
        assert not page.all("style") and not any("style" in given for _, given in page.elements)
        assert not any(name.startswith("on") for _, given in page.elements for name in given)
        assert page.all("main") and page.all("h1")


def test_S15_hostile_text_is_shown_as_text(house: House) -> None:
    for text in HOSTILE:
        plain = "".join(letter for letter in text if letter.isprintable())
        made, command = order_under_hostile_names(house, text, plain)

        for path in pages_of(house, made, command):
            page = house.browser.get(path)
            assert page.status == 200, path
            assert not page.all("iframe") and not page.all("img", src="x")
            assert all("src" in script for script in page.all("script"))
            assert not any(name.startswith("on") for _, given in page.elements for name in given)
            assert not any(given.get("href", "").startswith("javascript") for _, given in page.elements)
        shown = house.browser.get(f"/console/commands/{command}").text
        assert " ".join(plain.split()) in shown


def order_under_hostile_names(house: House, text: str, plain: str) -> tuple[str, str]:
    """A deployment of an app, with the text wherever somebody could write it; ids of it and of its command."""
    house.root("UpdateStack", StackId=house.stack, Name=plain[:60])
    house.root("UpdateLayer", LayerId=house.layer, Name=plain[:32])
    address = "https://a/" + plain.replace(" ", "+")
    app = house.root.app(house.stack, Name=plain, Type="other", AppSource={"Type": "git", "Url": address})
    made = house.root(
        "CreateDeployment",
        StackId=house.stack,
        AppId=app,
        InstanceIds=[house.up],
        Command={"Name": "deploy"},
        Comment=text,
    )["DeploymentId"]
    [command] = house.root("DescribeCommands", DeploymentId=made)["Commands"]
    house.log(command["CommandId"], f"{plain}\n" * 3)
    house.end(command["CommandId"], "failed", 1, text)
    return made, command["CommandId"]


def test_what_does_not_exist_is_a_page_that_says_so(house: House) -> None:
    for path in ("stacks/no", "instances/no", "deployments/no", "commands/no", "nowhere/at/all"):
        page = house.browser.get(f"/console/{path}")
        assert page.status == 404 and page.all("a", href="/console/"), path


def test_whoever_may_not_see_a_stack_is_told_and_sees_none(house: House) -> None:
    stranger = house.another("stranger")

    assert "No stacks yet" in stranger.get("/console/").text
    page = stranger.get(f"/console/stacks/{house.stack}")
    assert page.status == 403 and "level" in page.text


def test_an_empty_installation_leads_on(house: House) -> None:
    house.root.stack(Name="empty")
    empty = next(each["StackId"] for each in house.root("DescribeStacks")["Stacks"] if each["Name"] == "empty")

    page = house.browser.get(f"/console/stacks/{empty}")

    assert "toque layer create" in page.text and "toque app create" in page.text


def test_a_page_of_many_instances_asks_no_more_questions_than_one_of_two(house: House) -> None:
    asked: list[str] = []

    def note(*given: Any) -> None:
        asked.append(given[2])

    with house.root.services.database.read() as conn:
        event.listen(conn.engine, "before_cursor_execute", note)
    path = f"/console/stacks/{house.stack}"
    house.browser.get(path)
    few = len(asked)
    for _ in range(20):
        house.root.instance(house.stack, house.layer)
    asked.clear()

    house.browser.get(path)

    assert 0 < len(asked) <= few
