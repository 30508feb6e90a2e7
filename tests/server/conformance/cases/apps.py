"""Apps."""

from __future__ import annotations

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.cases.certificate import made
from tests.server.conformance.cases.databases import registered
from tests.server.conformance.world import World

CERTIFICATE, KEY = made()
CHANGEABLE = {
    "Description": "what guests wrote",
    "Type": "rails",
    "AppSource": {
        "Type": "git",
        "Url": "https://git.example.org/guestbook.git",
        "Username": "ann",
        "Password": "word",
        "SshKey": "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        "Revision": "main",
    },
    "Domains": ["guests.example.org"],
    "EnableSsl": True,
    "SslConfiguration": {"Certificate": CERTIFICATE, "PrivateKey": KEY, "Chain": CERTIFICATE},
    "Attributes": {"RailsEnv": "production", "DocumentRoot": "public"},
    "Environment": [{"Key": "GREETING", "Value": "hello", "Secure": False}],
}


def _source(arn: str) -> dict[str, object]:
    return {"DataSources": [{"Type": "RdsDbInstance", "Arn": arn, "DatabaseName": "guests"}]}


@case("CreateApp")
def create_app(w: World) -> Case:
    stack = w.stack()
    least = {"StackId": stack, "Name": "Least", "Type": "other"}
    return Case(
        minimal=least,
        fuller=[{**least, "Name": "Most", "Shortname": "most", **CHANGEABLE, **_source(registered(w, stack))}],
        invalid=[
            ({**least, "Type": "bogus"}, "bogus"),
            ({**least, "Shortname": "Big Words"}, "Big Words"),
            ({**least, "EnableSsl": True}, "SslConfiguration"),
            ({**least, "Environment": [{"Key": "1=2", "Value": "x"}]}, "1=2"),
            ({**least, **_source("arn:aws:rds:us-east-1:123456789012:db:nowhere")}, "nowhere"),
        ],
        missing=[({**least, "StackId": NOWHERE}, NOWHERE)],
    )


@case("UpdateApp")
def update_app(w: World) -> Case:
    stack = w.stack()
    app = w.app(stack, Type="rails")
    return Case(
        minimal={"AppId": app},
        fuller=[{"AppId": app, "Name": "New", **CHANGEABLE, **_source(registered(w, stack))}],
        invalid=[({"AppId": app, "Type": "bogus"}, "bogus"), ({"AppId": app, "Domains": ["not a host"]}, "not a host")],
        missing=[({"AppId": NOWHERE}, NOWHERE)],
    )


@case("DescribeApps")
def describe_apps(w: World) -> Case:
    stack = w.stack()
    app = w.app(stack, **CHANGEABLE, **_source(registered(w, stack)))
    return Case(
        minimal={"StackId": stack},
        fuller=[{"AppIds": [app]}],
        invalid=[({}, "Please provide"), ({"StackId": stack, "AppIds": [app]}, "Please provide")],
        missing=[({"StackId": NOWHERE}, NOWHERE), ({"AppIds": [NOWHERE]}, NOWHERE)],
    )


@case("DeleteApp")
def delete_app(w: World) -> Case:
    stack = w.stack()
    return Case(minimal={"AppId": w.app(stack)}, missing=[({"AppId": NOWHERE}, NOWHERE)])
