"""The console in a real browser, over a real server and a real agent: what is on the page moves, and nothing else does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.needs import needs
from tests.together import house as houses
from tests.together.house import House

pytestmark = [pytest.mark.slow, needs("chromium", "git")]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE = 40_000
HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"

RECIPES = {
    "default": "from toque import log\n\nlog('work is set up')\n",
    "slow": """
        import time
        from pathlib import Path
        from toque import log, node
        log(f"begun {node['console']['text']}")
        while not Path(node["console"]["gate"]).exists():
            time.sleep(0.05)
        log("the gate is open")
    """,
    "fails": "from toque import execute\n\n\nexecute('make tea', command=['/bin/sh', '-c', 'echo no kettle >&2; exit 3'])\n",
}


@dataclass
class Seen:
    """What the browser complained of, and whom it asked."""

    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with houses.opened(tmp_path_factory.mktemp("console"), RECIPES) as opened:
        yield opened


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def page(chromium: Browser, house: House, seen: Seen) -> Iterator[Page]:
    """Signed in, on the stacks. At the end: no complaint, no request to anybody else."""
    context = chromium.new_context()
    context.set_default_timeout(PATIENCE)
    context.add_init_script("addEventListener('securitypolicyviolation', e => console.error('policy', e.blockedURI))")
    page = context.new_page()
    page.on("console", lambda said: seen.complaints.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.goto(f"{house.server.url}/console/")
    page.fill("#username", house.server.secrets["console_user"])
    page.fill("#password", house.server.secrets["console_password"])
    page.click("button:has-text('Sign in')")
    page.wait_for_url(f"{house.server.url}/console/")
    yield page
    context.close()
    assert seen.complaints == []
    assert all(url.startswith((house.server.url, "data:")) for url in seen.requests)


def test_a_stack_page_follows_an_instance_without_being_loaded_again(page: Page, house: House) -> None:
    page.click(".cover")
    expect(page.locator("#live-word")).to_have_text("live", timeout=PATIENCE)
    page.evaluate("window.sameDocument = true")

    instance = house.join("app1")
    badge = page.locator(f'[data-badge="instance:{instance}"]')

    expect(badge).to_contain_text("online", timeout=PATIENCE)
    house.nodes["app1"].stop()
    expect(badge).to_contain_text("connection lost", timeout=PATIENCE)
    house.nodes["app1"].start()
    expect(badge).to_contain_text("online", timeout=PATIENCE)
    assert page.locator("[data-feed] li").count() > 2
    assert page.evaluate("window.sameDocument") is True


def test_S15_a_command_is_ordered_and_its_log_grows_on_the_page(page: Page, house: House, tmp_path: Path) -> None:
    _ensure_one_online(house)
    house.api("UpdateStack", StackId=house.stack_id, Name=HOSTILE[:60])
    gate = tmp_path / "gate"
    page.goto(f"{house.server.url}/console/stacks/{house.stack_id}/run-command")
    page.fill("#recipes", "work::slow")
    page.fill("#comment", HOSTILE)
    page.click("summary")
    page.fill("[name=custom_json]", json.dumps({"console": {"gate": str(gate), "text": HOSTILE}}))
    page.click("form.panel button.btn-main")

    command = page.locator('[data-badge^="command:"]').first
    expect(command).to_contain_text("running", timeout=PATIENCE)
    page.click("a:has-text('Log')")
    page.evaluate("window.sameDocument = true")
    log = page.locator("#log")
    expect(log).to_contain_text(f"begun {HOSTILE}", timeout=PATIENCE)
    assert "the gate is open" not in log.inner_text()

    gate.touch()

    expect(log).to_contain_text("the gate is open", timeout=PATIENCE)
    expect(page.locator('[data-badge^="command:"]')).to_contain_text("ok", timeout=PATIENCE)
    assert page.evaluate("window.sameDocument") is True
    assert page.locator("img[src=x], #log script").count() == 0
    assert "taken" not in page.title().replace(HOSTILE, "")


def test_a_failed_command_opens_at_its_first_error(page: Page, house: House) -> None:
    _ensure_one_online(house)
    command = house.run("work::fails", on=None)

    page.goto(f"{house.server.url}/console/commands/{command['CommandId']}")

    expect(page.locator("#first-failure")).to_be_in_viewport()
    expect(page.locator("#first-failure")).to_contain_text("failed")
    expect(page.locator("#log")).to_contain_text("no kettle")


def test_past_the_cap_of_streams_the_page_asks_says_so_and_still_moves(page: Page, house: House) -> None:
    _ensure_one_online(house)
    with contextlib.ExitStack() as kept:
        session = kept.enter_context(requests.Session())
        session.trust_env = False
        for cookie in page.context.cookies():
            session.cookies.set(cookie["name"], cookie["value"])
        page.goto("about:blank")
        answers = [session.get(f"{house.server.url}/console/events", stream=True, timeout=30) for _ in range(16)]
        kept.callback(lambda: [answer.close() for answer in answers])
        assert {answer.status_code for answer in answers} == {200, 204}

        page.goto(f"{house.server.url}/console/stacks/{house.stack_id}")

        expect(page.locator("#live-word")).to_contain_text("asking every", timeout=PATIENCE)
        lines = page.locator("[data-feed] li").count()
        house.run("work::default", on=None)
        expect(page.locator("[data-feed] li")).not_to_have_count(lines, timeout=PATIENCE)


def test_every_page_can_be_walked_with_the_keyboard_and_read_without_scripts(chromium: Browser, house: House) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{house.server.url}/console/stacks/{house.stack_id}")
    page.keyboard.type(house.server.secrets["console_user"])
    page.keyboard.press("Tab")
    page.keyboard.type(house.server.secrets["console_password"])
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/console/stacks/{house.stack_id}")

    expect(page.locator("h1")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.goto(f"{house.server.url}/console/stacks/{house.stack_id}/stop")
    expect(page.locator("h1")).to_contain_text("?")
    context.close()


def _ensure_one_online(house: House) -> None:
    if "app1" not in house.nodes:
        house.join("app1")
    [instance] = house.instances()
    house.wait_for(instance["InstanceId"], "online")
