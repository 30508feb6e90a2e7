from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from toque_server import settings
from toque_server.settings import BadSettings, Region, for_profile, from_document, load, write


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    wanted = {
        "listen": "127.0.0.1:9000",
        "profile": "demo",
        "allow_insecure_sources": True,
        "regions": {"eu-*": {"provider": "docker", "options": {"image": 'a "quoted" one'}}},
        "heal": {"spacing": 7.5},
    }
    write(tmp_path, wanted)

    found = load(tmp_path)

    assert found.listen == "127.0.0.1:9000"
    assert found.public_url == "http://127.0.0.1:9000"
    assert found.database == f"sqlite:///{tmp_path}/toque.db"
    assert found.regions["eu-*"] == Region("docker", {"image": 'a "quoted" one'})
    assert found.heal.spacing == timedelta(seconds=7.5)
    assert stat.S_IMODE((tmp_path / settings.FILE).stat().st_mode) == 0o600


def test_the_demo_is_as_fast_as_the_design_says() -> None:
    demo = for_profile("demo", database="sqlite:////x", data_dir=Path("/x")).heal

    times = [demo.silent_after, demo.hard_gap, demo.hard_wait, demo.grace, demo.spacing, demo.check_every]
    assert [time.total_seconds() for time in times] == [6, 1, 2, 3, 5, 1]


def test_limits_and_caps_are_the_installations_to_choose() -> None:
    found = from_document({"limits": {"boot": 120}, "heal": {"per_day": 9, "in_flight_share": 0.5}}, Path("/x"))

    assert (found.limits.boot, found.limits.start) == (timedelta(minutes=2), timedelta(minutes=15))
    assert (found.heal.per_day, found.heal.in_flight_share, found.heal.per_hour) == (9, 0.5, 3)


def test_a_time_that_is_given_goes_before_its_profile_and_the_others_stay() -> None:
    found = from_document({"profile": "demo", "heal": {"grace": 1}}, Path("/x"))

    assert (found.heal.grace, found.heal.silent_after) == (timedelta(seconds=1), timedelta(seconds=6))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("heel = 1", "contains unknown field `heel`"),
        ("[heal]\nsilent = 1", "contains unknown field `silent`"),
        ("[limits]\nboot = 0", "limits.boot is 0 seconds, and must be more than 0"),
        ("[limits]\nstacks = 0", "$.limits.stacks"),
        ("[limits]\nstart = 'soon'", "$.limits.start"),
        ("[limits]\nwait = 1", "contains unknown field `wait`"),
        ("[command]\ndeadline = -1", "command.deadline is -1 seconds, and must be more than 0"),
        ("[heal]\ngrace = -0.5", "heal.grace is -0.5 seconds, and must be at least 0"),
        ("[heal]\nin_flight_share = 10", "$.heal.in_flight_share"),
        ("[heal]\nper_hour = 0", "$.heal.per_hour"),
        ("[heal]\nbreaker = 20000", "heal.breaker is more than heal.breaker_longest"),
        ("profile = 'fast'", "there is no profile 'fast': choose from default, demo"),
        ("listen = 7", "Expected `str`, got `int`"),
        ("listen = 'here'", "must be HOST:PORT"),
        ("= 1", "Invalid"),
        ("listen = '0.0.0.0:80'", "plain http would show them every password"),
    ],
)
def test_what_is_wrong_is_said_with_the_file(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / settings.FILE).write_text(text)

    with pytest.raises(BadSettings) as wrong:
        load(tmp_path)
    assert said in str(wrong.value)


def test_no_installation_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="toque server init"):
        load(tmp_path)


@pytest.mark.parametrize("option", [{"behind_proxy": True}, {"tls_cert": "c", "tls_key": "k"}])
def test_others_may_be_served_with_tls(option: dict[str, object]) -> None:
    settings.check_listen(from_document({"listen": "0.0.0.0:443", **option}, Path("/x")))


@pytest.mark.parametrize("listen", ["127.0.0.1:1", "[::1]:1", "localhost:1", "127.8.9.1:1"])
def test_loopback_needs_no_tls(listen: str) -> None:
    settings.check_listen(from_document({"listen": listen}, Path("/x")))


@pytest.mark.parametrize(
    ("region", "provider"),
    [("eu-west-1", "exact"), ("eu-west-2", "longer"), ("eu-north-1", "shorter"), ("us-east-1", "sandbox")],
)
def test_the_region_picks_the_provider(region: str, provider: str) -> None:
    regions = {
        "eu-*": Region("shorter"),
        "eu-west-*": Region("longer"),
        "eu-west-1": Region("exact"),
    }
    found = for_profile(database="sqlite:////x", data_dir=Path("/x"), regions=regions)

    assert found.region(region).provider == provider
