from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toque.cli.importing import shapes
from toque.importer.dump import Dump
from toque.importer.problems import BadDump, Verdict
from toque.importer.reading import read

STACK: dict[str, Any] = {"StackId": "s-1", "Name": "shop", "Region": "eu-west-1"}
LAYER: dict[str, Any] = {"LayerId": "l-1", "StackId": "s-1", "Type": "custom", "Name": "Front", "Shortname": "front"}


def dump_of(folder: Path, **files: Any) -> Dump:
    """A folder with these files (`_` for a dot) in it, read."""
    for name, value in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value))
    return read([folder], shapes())


def problems(folder: Path, **files: Any) -> list[str]:
    with pytest.raises(BadDump) as error:
        dump_of(folder, **files)
    return [each.removeprefix(f"{folder}/") for each in error.value.problems]


def said(dump: Dump) -> str:
    return "\n".join(f"{each.verdict}: {each}" for each in dump.remarks)


def test_files_are_recognised_by_what_is_in_them(tmp_path: Path) -> None:
    found = dump_of(tmp_path, what_ever_json={"Stacks": [STACK]}, deeper__x_json={"Layers": [LAYER]})

    assert list(found.every("Stacks")) == [STACK]
    assert list(found.every("Layers")) == [LAYER]
    assert found.remarks == []


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"Stacks": [STACK], "Layers": [LAYER]}, id="kinds-as-keys"),
        pytest.param([{"Stacks": [STACK]}, {"Layers": [LAYER]}], id="list-of-answers"),
        pytest.param({"describe-stacks": {"Stacks": [STACK]}, "layers": [{"Layers": [LAYER]}]}, id="calls-as-keys"),
        pytest.param(f"{json.dumps({'Stacks': [STACK]})}\n{json.dumps({'Layers': [LAYER]})}", id="lines"),
    ],
)
def test_one_file_may_hold_many_answers(tmp_path: Path, value: Any) -> None:
    found = dump_of(tmp_path, all_json=value)

    assert (list(found.every("Stacks")), list(found.every("Layers"))) == ([STACK], [LAYER])


def test_answers_of_one_kind_are_put_together_and_repeated_ones_are_one(tmp_path: Path) -> None:
    other = {**LAYER, "LayerId": "l-2"}

    found = dump_of(tmp_path, s_json={"Stacks": [STACK]}, a_json={"Layers": [LAYER]}, b_json={"Layers": [LAYER, other]})

    assert [each["LayerId"] for each in found.every("Layers")] == ["l-1", "l-2"]
    assert found.remarks == []


def test_of_two_records_with_one_id_the_later_counts_and_that_is_told(tmp_path: Path) -> None:
    found = dump_of(tmp_path, a_json={"Stacks": [STACK]}, b_json={"Stacks": [{**STACK, "Name": "new"}]})

    assert [each["Name"] for each in found.every("Stacks")] == ["new"]
    assert "Stacks s-1: it stands in" in said(found)


def test_what_boto3_adds_and_paging_leaves_is_no_mistake(tmp_path: Path) -> None:
    last = {"Stacks": [STACK], "NextToken": None, "ResponseMetadata": {"HTTPStatusCode": 200}}

    assert dump_of(tmp_path, a_json=last).remarks == []


def test_a_page_that_is_not_the_last_is_told(tmp_path: Path) -> None:
    found = dump_of(tmp_path, a_json={"Stacks": [STACK], "NextToken": "abc"})

    assert [each.verdict for each in found.remarks] == [Verdict.TO_DO]
    assert "this is not the last page of Stacks" in said(found)


def test_members_that_nobody_knows_are_told_and_not_fatal(tmp_path: Path) -> None:
    strange = {**LAYER, "Colour": "red", "LifecycleEventConfiguration": {"Shutdown": {"Grace": 3}}}

    found = dump_of(
        tmp_path, a_json={"Stacks": [{**STACK, "Colour": 1}, STACK | {"StackId": "s-2"}], "Layers": [strange]}
    )

    text = said(found)
    assert "Stacks: Colour: no such member is known; one record has it" in text
    assert "Layers: Colour: no such member is known" in text
    assert "Layers: LifecycleEventConfiguration.Shutdown.Grace: no such member is known" in text


def test_what_is_no_answer_is_told_and_not_fatal(tmp_path: Path) -> None:
    found = dump_of(
        tmp_path,
        a_json={"Stacks": [STACK]},
        b_json={"Reservations": [{"OwnerId": "1"}]},
        c_json=[LAYER],
        d_json={"Deployments": [{"DeploymentId": "d"}]},
        e_json="",
        README_md="read me",
    )

    text = said(found).replace(f"{tmp_path}/", "")
    assert "left out: b.json: no answer of OpsWorks has the members Reservations" in text
    assert "left out: c.json: it is a list of records that does not say of what" in text
    assert "left out: Deployments in d.json: what was deployed is history" in text
    assert "left out: e.json: it is empty: did the call that made it fail?" in text
    assert "left out: README.md: not looked at" in text


def test_every_mistake_is_named_with_its_file_and_place(tmp_path: Path) -> None:
    wrong = {**LAYER, "Packages": "git", "EnableAutoHealing": "yes", "CustomRecipes": {"Setup": [1]}}
    scaling = {"LayerId": "l-1", "UpScaling": {"CpuThreshold": "80", "InstanceCount": 1.5}}

    found = problems(
        tmp_path,
        a_json={"Stacks": [STACK, {"StackId": "s-2", "Name": ""}], "Layers": [wrong]},
        b_json={"Apps": {"AppId": "a"}},
        c_json={"Instances": ["i-1"], "LoadBasedAutoScalingConfigurations": [scaling]},
        d_json={"Tags": {"a": 1}},
        e_json="{",
    )

    assert found == [
        "a.json: Stacks[1].Name is missing",
        "a.json: Stacks[1].Region is missing",
        "a.json: Layers[0].Packages must be a list, not a text",
        "a.json: Layers[0].EnableAutoHealing must be true or false, not a text",
        "a.json: Layers[0].CustomRecipes.Setup[0] must be a text, not a number",
        "b.json: Apps must be a list of records",
        "c.json: Instances[0] must be an object",
        "c.json: LoadBasedAutoScalingConfigurations[0].UpScaling.InstanceCount must be a whole number, not a number",
        "c.json: LoadBasedAutoScalingConfigurations[0].UpScaling.CpuThreshold must be a number, not a text",
        "d.json: Tags must be an object of texts",
        "e.json:1:2: this is not JSON: Expecting property name enclosed in double quotes (it ends too early: was the"
        " call interrupted?)",
    ]


def test_a_dump_without_stacks_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, a_json={"Layers": [LAYER]})[0].endswith(
        ": there is no answer of describe-stacks in it, and every other record belongs to a stack"
    )
    (tmp_path / "a.json").unlink()
    assert "there is no file .json, .jsonl, .ndjson, .yaml, .yml in it" in problems(tmp_path, README_md="x")[0]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadDump, match=r"nowhere\.json: No such file or directory"):
        read([tmp_path / "nowhere.json"], shapes())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("tags-l-1_json", {"Tags": {"tier": "front"}}, id="file-name"),
        pytest.param("l-1__tags_json", {"Tags": {"tier": "front"}}, id="folder-name"),
        pytest.param(
            "t_json", {"ResourceArn": "arn:aws:opsworks:x:1:layer/l-1/", "Tags": {"tier": "front"}}, id="beside"
        ),
        pytest.param("t_json", {"arn:aws:opsworks:x:1:layer/l-1/": {"Tags": {"tier": "front"}}}, id="key"),
        pytest.param("tags-l-1_json", {"Tags": [{"Key": "tier", "Value": "front"}]}, id="pairs"),
        pytest.param("s-1__tags-l-1_json", {"Tags": {"tier": "front"}}, id="the-last-name-counts"),
    ],
)
def test_tags_belong_to_whom_their_surroundings_name(tmp_path: Path, name: str, value: Any) -> None:
    found = dump_of(tmp_path, a_json={"Stacks": [STACK], "Layers": [LAYER]}, **{name: value})

    assert found.tags_of() == {"l-1": {"tier": "front"}}


def test_tags_of_nobody_are_told(tmp_path: Path) -> None:
    found = dump_of(tmp_path, a_json={"Stacks": [STACK]}, tags_json={"Tags": {"tier": "front"}})

    assert found.tags_of() == {}
    assert "nothing says whose they are: please put the id of the stack or layer into the file's name" in said(found)


def test_a_record_without_a_stack_is_that_of_its_instance_or_of_its_folder_or_of_the_only_one(tmp_path: Path) -> None:
    two = [STACK, STACK | {"StackId": "s-2"}]
    instance = {"InstanceId": "i-1", "StackId": "s-2", "Hostname": "a", "LayerIds": []}

    found = dump_of(
        tmp_path,
        a_json={"Stacks": two, "Instances": [instance]},
        b_json={"ElasticIps": [{"Ip": "192.0.2.1", "InstanceId": "i-1"}, {"Ip": "192.0.2.2"}]},
        **{"s-1__c_json": {"ElasticIps": [{"Ip": "192.0.2.3"}]}},
    )

    assert [(each["Ip"], home) for each, home in found.homeless("ElasticIps")] == [
        ("192.0.2.1", "s-2"),
        ("192.0.2.2", None),
        ("192.0.2.3", "s-1"),
    ]
    one = dump_of(tmp_path / "one", a_json={"Stacks": [STACK], "ElasticIps": [{"Ip": "192.0.2.4"}]})
    assert [home for _, home in one.homeless("ElasticIps")] == ["s-1"]
