from __future__ import annotations

from msgspec.structs import replace

from tests.server.console.browser import PASSWORD, Browser
from tests.server.console.conftest import House
from toque_server.operations.context import Services
from toque_server.wsgi import create_app

PAGES = ("", "stacks/x", "instances/x", "deployments/x", "commands/x", "stacks/x/deploy", "stacks/x/stop", "nowhere")


def test_without_a_session_every_page_is_the_sign_in_page(house: House) -> None:
    stranger = house.another()

    for page in PAGES:
        seen = stranger.get(f"/console/{page}")
        assert (seen.path, seen.status) == ("/console/sign-in", 200)
    for background in ("events", "facts", "commands/x/log"):
        assert stranger.client.get(f"/console/{background}").status_code == 401


def test_after_signing_in_the_stacks_are_there(house: House) -> None:
    stranger = house.another()

    assert stranger.sign_in("olga").path == "/console/"

    assert "shop" in stranger.get("/console/").text


def test_after_signing_in_one_is_where_one_wanted_to_be(house: House) -> None:
    stranger = house.another()
    wanted = f"/console/stacks/{house.stack}"
    page = stranger.get(wanted)

    form = {field["name"]: field.get("value", "") for field in page.all("input")}
    seen = stranger.raw_post(page.path, form | {"username": "olga", "password": PASSWORD})

    assert seen.headers["Location"] == wanted


def test_nobody_is_sent_to_another_site_by_signing_in(house: House) -> None:
    for elsewhere in ("https://evil.example/", "//evil.example/console/", "/console/\\evil.example", "/console//evil"):
        stranger = house.another()
        token = stranger.get("/console/").csrf_token
        form = {"csrf_token": token, "username": "olga", "password": PASSWORD, "next": elsewhere}
        assert stranger.raw_post("/console/sign-in", form).headers["Location"] == "/console/"


def test_S16_the_session_id_changes_at_sign_in_and_ends_at_sign_out(house: House) -> None:
    browser = house.another()
    browser.get("/console/")
    before = browser.cookie()
    browser.sign_in("olga")
    during = browser.cookie()
    assert before and during and before != during

    browser.post("/console/sign-out")
    browser.client.set_cookie("toque_session", during)

    assert browser.get("/console/").path == "/console/sign-in"


def test_S16_the_cookie_given_to_a_victim_opens_nothing_after_he_signs_in(house: House) -> None:
    thief = house.another()
    thief.get("/console/")
    planted = thief.cookie()
    victim = house.another()
    victim.client.set_cookie("toque_session", planted)

    victim.sign_in("olga")

    assert victim.cookie() != planted
    assert thief.get("/console/").path == "/console/sign-in"


def test_S16_a_change_of_rights_signs_out(house: House) -> None:
    ann = house.another("ann", level="show")
    assert ann.get("/console/").path == "/console/"

    house.root("UpdateUser", UserArn="arn:aws:iam::123456789012:user/ann", Administrator=True)

    assert ann.get("/console/").path == "/console/sign-in"


def test_S16_cookies_are_out_of_reach_and_pages_are_not_kept(house: House) -> None:
    browser = house.another()
    given = browser.client.get("/console/sign-in")

    [cookie] = given.headers.getlist("Set-Cookie")
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert given.headers["Cache-Control"] == "no-store"
    policy = given.headers["Content-Security-Policy"]
    for part in ("default-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "object-src 'none'", "base-uri"):
        assert part in policy
    assert "unsafe" not in policy and given.headers["X-Content-Type-Options"] == "nosniff"


def test_S16_on_https_the_cookie_is_secure_and_of_this_host_alone(services: Services) -> None:
    from dataclasses import replace as changed

    secure = changed(services, settings=replace(services.settings, public_url="https://toque.example.org"))
    browser = Browser(create_app(secure).flask.test_client())

    [cookie] = browser.client.get("/console/sign-in").headers.getlist("Set-Cookie")

    assert cookie.startswith("__Host-toque_session=") and "Secure" in cookie


def test_S16_a_form_without_the_token_or_from_elsewhere_is_refused(house: House) -> None:
    browser = house.browser
    target = f"/console/instances/{house.down}/start"
    token = browser.get("/console/").csrf_token

    for form, headers in (
        ({}, {}),
        ({"csrf_token": "x" * len(token)}, {}),
        ({"csrf_token": token}, {"Origin": "https://evil.example", "Sec_Fetch_Site": ""}),
        ({"csrf_token": token}, {"Sec_Fetch_Site": "cross-site"}),
        ({"csrf_token": token}, {"Sec_Fetch_Site": "same-site"}),
        ({"csrf_token": token}, {"Origin": "null", "Sec_Fetch_Site": ""}),
        ({"csrf_token": token}, {"Origin": "", "Sec_Fetch_Site": ""}),
    ):
        assert browser.raw_post(target, form, **headers).status_code == 403
    assert house.root.status(house.down) == "stopped"

    assert browser.raw_post(target, {"csrf_token": token}).status_code == 303
    assert house.root.status(house.down) == "requested"


def test_S16_another_session_s_token_is_no_token(house: House) -> None:
    ann = house.another("ann", level="manage")

    form = {"csrf_token": ann.get("/console/").csrf_token}

    assert house.browser.raw_post(f"/console/instances/{house.down}/start", form).status_code == 403


def test_S23_the_answer_does_not_tell_an_unknown_name_from_a_wrong_password(house: House) -> None:
    seen = {name: house.another().sign_in(name, "not the password") for name in ("olga", "nobody")}

    assert {page.status for page in seen.values()} == {401}
    assert len({page.text for page in seen.values()}) == 1


def test_S23_after_some_failures_one_has_to_wait(house: House) -> None:
    stranger = house.another()
    statuses = [stranger.sign_in("olga", "not the password").status for _ in range(6)]

    assert statuses[-1] == 429

    assert "wait" in stranger.sign_in("olga").text


def test_a_page_that_only_listens_does_not_keep_a_session_alive(house: House) -> None:
    from datetime import timedelta

    from toque_server.security.tokens import digest_of
    from toque_server.store import sessions

    database, digest = house.root.services.database, digest_of(house.browser.cookie())
    with database.write() as conn:
        long_ago = database.now(conn) - timedelta(minutes=10)
        sessions.seen(conn, digest, long_ago)

    assert house.browser.client.get("/console/facts").status_code == 200
    assert house.browser.get("/console/", Toque_Refresh="1").status == 200

    times = house.root.services.settings.session
    with database.read() as conn:
        found = sessions.find(conn, digest, database.now(conn), idle=times.idle, absolute=times.absolute)
    assert found is not None and found.seen_at == long_ago
