from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    ValidationException,
)

FILTERED = "*****FILTERED*****"


def shown(root: Caller, app_id: str) -> dict[str, Any]:
    found: dict[str, Any] = root("DescribeApps", AppIds=[app_id])["Apps"][0]
    return found


def test_05_1_three_members_make_an_app(root_on_either: Caller) -> None:
    root = root_on_either

    answer = root("CreateApp", StackId=root.stack(), Name="A", Type="other")

    assert list(answer) == ["AppId"]
    app = shown(root, answer["AppId"])
    assert (app["SslConfiguration"], app["EnableSsl"], app["Environment"]) == ({}, False, [])


@pytest.mark.parametrize(
    ("name", "shortname"),
    [("IIS-Example-App", "iis_example_app"), ("SimplePHPApp", "simplephpapp"), ("!!!", "app"), ("a  - b", "a_b")],
)
def test_05_2_short_names_are_made_from_names(root: Caller, name: str, shortname: str) -> None:
    assert shown(root, root.app(root.stack(), Name=name))["Shortname"] == shortname


def test_05_3_a_new_name_leaves_the_short_name(root: Caller) -> None:
    app = root.app(root.stack(), Name="One")

    root("UpdateApp", AppId=app, Name="Two")

    assert (shown(root, app)["Name"], shown(root, app)["Shortname"]) == ("Two", "one")


def test_05_4_a_short_name_is_taken_once(root: Caller) -> None:
    stack = root.stack()
    root.app(stack, Shortname="shop")

    with pytest.raises(ValidationException, match="shop is taken"):
        root.app(stack, Shortname="shop")
    assert shown(root, root.app(stack, Name="Shop"))["Shortname"] == "shop_2"


def test_05_5_and_05_6_secrets_are_filtered_and_a_filtered_literal_keeps_them(root: Caller) -> None:
    from toque_server.store import apps

    app = root.app(
        root.stack(),
        AppSource={"Type": "archive", "Url": "https://x.org/a.zip", "Username": "u", "Password": "p"},
        Environment=[{"Key": "A", "Value": "hidden", "Secure": True}, {"Key": "B", "Value": "seen"}],
        EnableSsl=True,
        SslConfiguration={"Certificate": "c", "PrivateKey": "k"},
    )
    before = shown(root, app)
    assert before["AppSource"]["Username"] == "u"
    assert before["AppSource"]["Password"] == FILTERED
    assert before["Environment"] == [
        {"Key": "A", "Value": FILTERED, "Secure": True},
        {"Key": "B", "Value": "seen", "Secure": False},
    ]
    assert before["SslConfiguration"] == {"Certificate": "c", "PrivateKey": FILTERED}
    git = {"Type": "git", "Url": "git@example.org:shop.git", "SshKey": "a key", "Revision": "main"}
    keyed = root.app(root.stack(Name="other"), AppSource=git)
    assert shown(root, keyed)["AppSource"] == git | {"SshKey": FILTERED}

    root(
        "UpdateApp",
        AppId=app,
        AppSource={"Password": FILTERED, "Revision": "main"},
        Environment=before["Environment"],
        SslConfiguration=before["SslConfiguration"],
    )

    with root.services.database.read() as conn:
        kept = apps.secrets(conn, root.services.vault, [app])[app]
    assert (kept.source.password, kept.environment, kept.private_key) == ("p", {"A": "hidden"}, "k")
    root("UpdateApp", AppId=keyed, AppSource=git | {"SshKey": FILTERED})
    with root.services.database.read() as conn:
        assert apps.secrets(conn, root.services.vault, [keyed])[keyed].source.ssh_key == "a key"
    assert shown(root, app)["AppSource"]["Revision"] == "main"


def test_s12_no_secret_of_an_app_stands_in_the_database_in_clear(root: Caller) -> None:
    planted = ["sesam-1", "sesam-2", "sesam-3", "sesam-4", "sesam-5"]
    stack = root.stack(CustomJson='{"x": "sesam-5"}')
    root.app(
        stack,
        AppSource={"Type": "git", "Url": "https://x.org/a", "SshKey": planted[0], "Password": planted[1]},
        Environment=[{"Key": "A", "Value": planted[2], "Secure": True}],
        SslConfiguration={"Certificate": "c", "PrivateKey": planted[3]},
    )

    path = root.services.database.path
    assert path is not None
    written = b"".join(each.read_bytes() for each in path.parent.glob(f"{path.name}*"))

    assert [each for each in planted if each.encode() in written] == []


@pytest.mark.parametrize(
    ("variable", "why"),
    [
        ({"Key": "A" * 65, "Value": ""}, "1 to 64"),
        ({"Key": "1A", "Value": ""}, "not starting"),
        ({"Key": "A", "Value": "v" * 257}, "at most 256"),
        ({"Key": "A", "Value": "a\nb"}, "cannot be printed"),
        ({"Key": "A", "Value": FILTERED, "Secure": True}, "no stored value"),
    ],
)
def test_05_7_environment_variables_have_a_grammar(root: Caller, variable: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationException, match=why):
        root.app(root.stack(), Environment=[variable])


def test_05_7_05_8_and_05_9_fifty_are_fine_twenty_kilobytes_are_not(root: Caller) -> None:
    stack = root.stack()

    app = root.app(stack, Environment=[{"Key": "_A", "Value": ""}])
    assert shown(root, app)["Environment"] == [{"Key": "_A", "Value": "", "Secure": False}]
    root.app(stack, Environment=[{"Key": f"K{n}", "Value": "v"} for n in range(50)])
    with pytest.raises(ValidationException, match="is too large"):
        root.app(stack, Environment=[{"Key": f"K{n}", "Value": "v" * 250} for n in range(80)])
    with pytest.raises(ValidationException, match="twice"):
        root.app(stack, Environment=[{"Key": "K", "Value": "v"}] * 2)


def test_05_10_one_selector_and_unknown_ids_are_not_found(root: Caller) -> None:
    stack = root.stack()
    app = root.app(stack)

    with pytest.raises(ValidationException, match="only one of them"):
        root("DescribeApps", StackId=stack, AppIds=[app])
    with pytest.raises(ResourceNotFoundException, match="unknown"):
        root("DescribeApps", AppIds=["unknown"])
    assert root("DescribeApps", StackId=root.stack())["Apps"] == []


def test_05_11_the_deploy_level_updates_and_deploys_but_does_not_create(root: Caller) -> None:
    stack = root.stack()
    app = root.app(stack)
    arn = root("CreateUser", UserName="ann")["UserArn"]
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="deploy")
    ann = root.as_user("ann")

    ann("UpdateApp", AppId=app, Description="new")

    for operation, members in (
        ("CreateApp", {"StackId": stack, "Name": "B", "Type": "other"}),
        ("DeleteApp", {"AppId": app}),
    ):
        with pytest.raises(AccessDeniedException):
            ann(operation, **members)


@pytest.mark.parametrize(
    "members",
    [
        {"Type": "bogus"},
        {"EnableSsl": True},
        {"Attributes": {"Color": "red"}},
        {"Attributes": {"DocumentRoot": "../.."}},
        {"DataSources": [{"Type": "RdsDbInstance"}]},
        {"DataSources": [{"Type": "AutoSelectOpsworksMysqlInstance"}] * 2},
        {"AppSource": {"Type": "git"}},
        {"AppSource": {"Type": "git", "Url": "--upload-pack=touch /tmp/x"}},
        {"AppSource": {"Type": "git", "Url": "ext::sh -c id"}},
        {"AppSource": {"Type": "cvs", "Url": "https://x.org"}},
        {"Domains": ["a b"]},
    ],
)
def test_what_no_app_may_be(root: Caller, members: dict[str, Any]) -> None:
    with pytest.raises(ValidationException):
        root.app(root.stack(), **members)


def test_04_27_and_05_33_deleting_an_app_undeploys_it_from_online_instances(root_on_either: Caller) -> None:
    from toque_server.store import deployment_secrets

    root = root_on_either
    stack = root.stack()
    layer = root.layer(stack)
    up, down = root.instance(stack, layer), root.instance(stack, layer)
    root.bring_online(up)
    app = root.app(stack, Environment=[{"Key": "A", "Value": "hidden", "Secure": True}])

    root("DeleteApp", AppId=app)

    assert root("DescribeApps", StackId=stack)["Apps"] == []
    [deployment] = root("DescribeDeployments", AppId=app)["Deployments"]
    assert (deployment["AppId"], deployment["Command"]) == (app, {"Name": "undeploy", "Args": {}})
    assert "IamUserArn" not in deployment
    assert [each["Type"] for each in root("DescribeCommands", InstanceId=up)["Commands"]] == ["undeploy"]
    assert root("DescribeCommands", InstanceId=down)["Commands"] == []
    with root.services.database.read() as conn:
        kept = deployment_secrets.of(conn, root.services.vault, [deployment["DeploymentId"]])
    [snapshot] = kept.values()
    assert snapshot.app is not None and snapshot.app.id == app
    assert snapshot.app_secrets is not None and snapshot.app_secrets.environment == {"A": "hidden"}


def test_deleting_an_app_of_a_stack_with_nobody_online_only_deletes_it(root: Caller) -> None:
    stack = root.stack()

    root("DeleteApp", AppId=root.app(stack))

    assert root("DescribeDeployments", StackId=stack)["Deployments"] == []
