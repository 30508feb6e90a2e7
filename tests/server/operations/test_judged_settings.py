"""What a cookbook's settings do not take is refused where it is saved, and where the cookbook is published."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server.operations.calls import Caller
from tests.server.operations.test_explain_attributes import SETTINGS, book
from toque_server.operations.errors import ValidationException

NEWER = SETTINGS.replace("port: int = 80", "port: str = ''")


def values(**of_nginx: object) -> str:
    return json.dumps({"nginx": of_nginx})


WRONG = values(port="81")
SAID = r"CustomJson: nginx\.port: must be a whole number; got text '81'\. Please correct the value"


@pytest.fixture
def stack(root: Caller, tmp_path: Path) -> str:
    stack = root.stack()
    root("PublishCookbooks", StackId=stack, Archive=book(tmp_path))
    return stack


def of_stack(root: Caller, stack: str, text: str) -> None:
    root("UpdateStack", StackId=stack, CustomJson=text)


def of_new_layer(root: Caller, stack: str, text: str) -> None:
    root.layer(stack, "new", CustomJson=text)


def of_layer(root: Caller, stack: str, text: str) -> None:
    root("UpdateLayer", LayerId=root.layer(stack, "front"), CustomJson=text)


def of_attributes(root: Caller, stack: str, text: str) -> None:
    root("SetAttributes", Level="layer", OwnerId=root.layer(stack, "front"), CustomJson=text)


def of_deployment(root: Caller, stack: str, text: str) -> None:
    instance = root.instance(stack, root.layer(stack, "front"))
    root.bring_online(instance)
    root("CreateDeployment", StackId=stack, Command={"Name": "configure"}, CustomJson=text)


def of_clone(root: Caller, stack: str, text: str) -> None:
    root("CloneStack", SourceStackId=stack, ServiceRoleArn=ROLE, CustomJson=text, UseCustomCookbooks=True)


ROLE = "arn:aws:iam::123456789012:role/aws-opsworks-service-role"
PLACES = (of_stack, of_new_layer, of_layer, of_attributes, of_deployment, of_clone)


@pytest.mark.parametrize("save", PLACES, ids=lambda each: each.__name__)
def test_a_wrong_type_is_refused_wherever_it_is_saved(
    root: Caller, stack: str, save: Callable[[Caller, str, str], None]
) -> None:
    with pytest.raises(ValidationException, match=SAID) as refused:
        save(root, stack, WRONG)

    assert refused.value.field == "CustomJson"


@pytest.mark.parametrize("save", PLACES, ids=lambda each: each.__name__)
def test_what_fits_and_what_is_no_cookbook_s_is_saved(
    root: Caller, stack: str, save: Callable[[Caller, str, str], None]
) -> None:
    save(root, stack, '{"nginx": {"port": 81, "hosts": {"$append": ["a"]}}, "apache": {"port": "81"}, "port": "x"}')


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (values(prot=81), r"nginx\.prot: there is no such setting \(did you mean port\?\)"),
        (values(hosts="a"), r"nginx\.hosts: must be a list; got text 'a'"),
        (values(hosts=["a", 1]), r"nginx\.hosts\[1\]: must be text; got number 1"),
        ('{"nginx": 80}', r"nginx: must be a map of the cookbook's settings, such as \{\"port\": …\}"),
        ('{"nginx": null}', r"nginx: must be a map"),
        (values(port={"$append": [1]}), r"nginx\.port: \$append goes after a list"),
        (values(password=["correct horse"]), r"nginx\.password: is not of the type"),
        (values(**{f"k{n}": n for n in range(30)}), r"nginx\.k0.*nginx\.k4.*; and more"),
    ],
    ids=["unknown", "type", "element", "no map", "null", "append", "secret", "many"],
)
def test_each_misfit_is_named_with_the_fix(root: Caller, stack: str, text: str, said: str) -> None:
    with pytest.raises(ValidationException, match=said) as refused:
        of_stack(root, stack, text)

    assert "correct horse" not in refused.value.message
    assert len(refused.value.message) < 1000


def test_a_level_need_not_set_everything(root: Caller, tmp_path: Path) -> None:
    stack = root.stack()
    root("PublishCookbooks", StackId=stack, Archive=book(tmp_path, SETTINGS.replace("port: int = 80", "port: int")))

    of_stack(root, stack, values(hosts=["a"]))


def test_values_that_were_there_before_the_cookbook_stay_editable(root: Caller, tmp_path: Path) -> None:
    stack = root.stack(CustomJson=WRONG)
    archive = book(tmp_path)
    with pytest.raises(ValidationException, match=r"the stack's CustomJson: nginx\.port: must be a whole number"):
        root("PublishCookbooks", StackId=stack, Archive=archive)
    root("PublishCookbooks", StackId=stack, Archive=archive, Force=True)

    root("UpdateStack", StackId=stack, Name="other", CustomJson=WRONG)
    of_stack(root, stack, values(port=81))


def test_publishing_what_makes_values_wrong_is_refused_with_the_list(root: Caller, stack: str, tmp_path: Path) -> None:
    of_stack(root, stack, values(port=81))
    layer = root.layer(stack, "front", CustomJson=values(port=82))
    one = root.instance(stack, layer, Hostname="one")
    root("SetAttributes", Level="instance", OwnerId=one, CustomJson=values(port=83))
    archive = book(tmp_path, NEWER, version="2.0.0")

    with pytest.raises(ValidationException) as refused:
        root("PublishCookbooks", StackId=stack, Archive=archive)

    for said in (
        "the stack's CustomJson: nginx.port: must be text; got number 81",
        "CustomJson of layer front: nginx.port: must be text; got number 82",
        "attributes of instance one: nginx.port: must be text; got number 83",
        "change those values first, or say Force",
    ):
        assert said in refused.value.message
    assert [each["Cookbooks"][0]["Version"] for each in root("DescribeCookbooks", StackId=stack)["Bundles"]] == [
        "1.0.0"
    ]
    root("PublishCookbooks", StackId=stack, Archive=archive, Force=True)
    root("PublishCookbooks", StackId=stack, Archive=archive)  # what did not fit before is no news


def test_going_back_to_cookbooks_is_judged_too(root: Caller, stack: str, tmp_path: Path) -> None:
    first = root("DescribeCookbooks", StackId=stack)["CurrentDigest"]
    root("PublishCookbooks", StackId=stack, Archive=book(tmp_path, NEWER, version="2.0.0"))
    of_stack(root, stack, values(port="http"))

    with pytest.raises(ValidationException, match=r"nginx\.port: must be a whole number; got text 'http'"):
        root("UseCookbooks", StackId=stack, Digest=first)
    root("UseCookbooks", StackId=stack, Digest=first, Force=True)


def test_S21_settings_that_cannot_be_read_judge_nothing(root: Caller, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    stack = root.stack()
    text = f"open({str(ran)!r}, 'w')\nfrom x import Settings\n"
    root("PublishCookbooks", StackId=stack, Archive=book(tmp_path, text, "open"))
    root("PublishCookbooks", StackId=stack, Archive=book(tmp_path, "def (", "broken"))

    of_stack(root, stack, '{"open": {"a": 1}, "broken": {"a": 1}}')

    assert not ran.exists()
