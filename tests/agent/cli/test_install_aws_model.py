from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from toque.cli.group import toque

FILES = {
    "endpoint-rule-set-1.json",
    "examples-1.json",
    "paginators-1.json",
    "service-2.json",
    "toque.json",
    "waiters-2.json",
}


def run(*words: str, home: Path) -> Result:
    return CliRunner().invoke(toque, ["opsworks", "install-aws-model", *words], env={"HOME": str(home)})


def test_the_files_go_where_clients_look_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    first = run(home=tmp_path)
    place = tmp_path / ".aws/models/opsworks/2013-02-18"
    times = {each: each.stat().st_mtime_ns for each in place.iterdir()}
    second = run(home=tmp_path)

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert {each.name for each in place.iterdir()} == FILES
    assert "AWS_DATA_PATH" not in first.output
    assert f"{place} is up to date" in second.output
    assert {each: each.stat().st_mtime_ns for each in place.iterdir()} == times


def test_an_older_model_of_ours_is_brought_up_to_date(tmp_path: Path) -> None:
    run("--directory", str(tmp_path / "m"), home=tmp_path)
    service = tmp_path / "m/opsworks/2013-02-18/service-2.json"
    good = service.read_text()
    service.write_text("{}")

    again = run("--directory", str(tmp_path / "m"), home=tmp_path)

    assert service.read_text() == good
    assert "wrote service-2.json" in again.output
    assert f"AWS_DATA_PATH={tmp_path / 'm'}" in again.output


def test_it_removes_what_it_put_there_and_nothing_else(tmp_path: Path) -> None:
    run("--directory", str(tmp_path / "m"), home=tmp_path)
    kept = tmp_path / "m/toque/2026-11-22/notes.txt"
    kept.write_text("mine")

    removed = run("--directory", str(tmp_path / "m"), "--remove", home=tmp_path)

    assert removed.exit_code == 0
    assert [each for each in (tmp_path / "m").rglob("*") if each.is_file()] == [kept]
    assert run("--directory", str(tmp_path / "m"), "--remove", home=tmp_path).exit_code == 0


def test_a_model_that_is_not_ours_stays(tmp_path: Path) -> None:
    place = tmp_path / "m/opsworks/2013-02-18"
    place.mkdir(parents=True)
    (place / "service-2.json").write_text("{}")

    put, removed = (run("--directory", str(tmp_path / "m"), *more, home=tmp_path) for more in ((), ("--remove",)))

    assert (put.exit_code, removed.exit_code) == (1, 1)
    assert "did not put there" in put.output
    assert (place / "service-2.json").read_text() == "{}"
