from __future__ import annotations

from pathlib import Path

import pytest

from toque.client import BadProfile, from_environment


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".config" / "toque").mkdir(parents=True)
    return tmp_path


def test_a_script_of_aws_works_with_its_environment(home: Path) -> None:
    found = from_environment(
        {
            "HOME": str(home),
            "AWS_ENDPOINT_URL_OPSWORKS": "https://toque.example.org",
            "AWS_ENDPOINT_URL": "https://elsewhere",
            "AWS_ACCESS_KEY_ID": "AKIA",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
    )

    assert (found.server_url, found.access_key_id, found.secret_access_key) == (
        "https://toque.example.org",
        "AKIA",
        "s",
    )
    assert found.region == "eu-west-1"


def test_our_own_names_go_first_and_the_profile_file_before_aws(home: Path) -> None:
    (home / ".config/toque/profile.toml").write_text('api_token = "mine"\nserver_url = "https://file"\n')
    aws = {"HOME": str(home), "AWS_ENDPOINT_URL": "https://aws", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"}

    from_file = from_environment(aws)
    ours = from_environment({**aws, "TOQUE_SERVER_URL": "https://ours", "TOQUE_API_TOKEN": "t"})

    assert (from_file.server_url, from_file.api_token, from_file.access_key_id) == ("https://file", "mine", None)
    assert (ours.server_url, ours.api_token) == ("https://ours", "t")


def test_a_profile_of_aws_brings_keys_and_the_endpoint_of_its_services_section(home: Path) -> None:
    (home / ".aws/credentials").write_text("[work]\naws_access_key_id = AKIA\naws_secret_access_key = s\n")
    (home / ".aws/config").write_text(
        "[profile work]\nregion = eu-west-1\nservices = mine\n"
        "[services mine]\nopsworks =\n  endpoint_url = https://toque.example.org\n"
    )

    by_name = from_environment({"HOME": str(home)}, profile="work")
    by_environment = from_environment({"HOME": str(home), "AWS_PROFILE": "work"})

    assert by_name == by_environment
    assert (by_name.server_url, by_name.access_key_id, by_name.region) == (
        "https://toque.example.org",
        "AKIA",
        "eu-west-1",
    )


def test_a_profile_of_ours_goes_before_the_environment_when_it_is_named(home: Path) -> None:
    (home / ".config/toque/profile.toml").write_text('[profiles.work]\nserver_url = "https://w"\napi_token = "w"\n')

    found = from_environment({"HOME": str(home), "TOQUE_API_TOKEN": "t"}, profile="work")

    assert (found.server_url, found.api_token) == ("https://w", "w")


def test_a_profile_that_does_not_exist_is_named_with_the_places_that_were_read(home: Path) -> None:
    with pytest.raises(BadProfile, match=r"no profile play.*profile\.toml.*\.aws/config"):
        from_environment({"HOME": str(home)}, profile="play")


def test_a_file_that_cannot_be_read_is_named(home: Path) -> None:
    (home / ".config/toque/profile.toml").write_text("no toml")

    with pytest.raises(BadProfile, match=r"profile\.toml"):
        from_environment({"HOME": str(home)})
