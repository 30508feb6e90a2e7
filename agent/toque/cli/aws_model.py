"""The model files that teach newer AWS clients our API, made from the declarations (chapter 09 § 1).

AWS took OpsWorks out of its clients; what they know of a service is five files of data, and these are ours: names,
types and texts come from the server's declarations. Service `opsworks` has the actions that OpsWorks had, service
`toque` has our own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any, Final

from toque.cli.declarations import kebab, operations
from toque.cli.declared import skeleton
from toque.cli.paging import LIMIT, TOKEN, records_of
from toque.client.waiting import WAITERS, Waiter

OPSWORKS: Final = "OpsWorks_20130218"
TOQUE: Final = "Toque_20261122"

# The signature is made for `opsworks` by both: the server knows one name.
_SERVICES: Final[Mapping[str, Mapping[str, str]]] = {
    "opsworks/2013-02-18": {
        "apiVersion": "2013-02-18",
        "endpointPrefix": "opsworks",
        "serviceFullName": "Toque, in the words of OpsWorks",
        "serviceId": "OpsWorks",
        "targetPrefix": OPSWORKS,
        "uid": "opsworks-2013-02-18",
    },
    "toque/2026-11-22": {
        "apiVersion": "2026-11-22",
        "endpointPrefix": "toque",
        "serviceFullName": "Toque",
        "serviceId": "Toque",
        "signingName": "opsworks",
        "targetPrefix": TOQUE,
        "uid": "toque-2026-11-22",
    },
}
_PROTOCOL: Final = {"jsonVersion": "1.1", "protocol": "json", "protocols": ["json"], "signatureVersion": "v4"}

Model = dict[str, Any]


def models() -> dict[str, dict[str, Model]]:
    """For each service, by its folder: the five files by name."""
    return {folder: _files(metadata) for folder, metadata in _SERVICES.items()}


def _files(metadata: Mapping[str, str]) -> dict[str, Model]:
    ops = [about for about in operations().values() if about["target"] == metadata["targetPrefix"]]
    return {
        "endpoint-rule-set-1.json": _endpoints(metadata["serviceId"]),
        "examples-1.json": {"version": "1.0", "examples": {about["name"]: _examples(about) for about in ops}},
        "paginators-1.json": {"pagination": _paginators(ops)},
        "waiters-2.json": {"version": 2, "waiters": _waiters(ops)},
        # Last: a client sees the service as soon as this is there.
        "service-2.json": _service(metadata, ops),
    }


# The service ----------------------------------------------------------------------------------------------------------


def _service(metadata: Mapping[str, str], ops: list[dict[str, Any]]) -> Model:
    shapes = _Shapes()
    actions = {about["name"]: _action(about, shapes) for about in ops}
    return {
        "version": "2.0",
        "metadata": {**_PROTOCOL, **metadata},
        "operations": actions,
        "shapes": dict(sorted(shapes.made.items())),
        "documentation": "<p>A Toque server. Say where it is with --endpoint-url, or in the environment.</p>",
    }


def _action(about: Mapping[str, Any], shapes: _Shapes) -> Model:
    name = about["name"]
    action: Model = {"name": name, "http": {"method": "POST", "requestUri": "/"}}
    if about["members"]:
        action["input"] = {"shape": shapes.structure(f"{name}Request", about["members"])}
    if about["answer"] is not None:
        action["output"] = {"shape": shapes.structure(f"{name}Result", about["answer"])}
    action["errors"] = [{"shape": shapes.error(each)} for each in about["errors"]]
    action["documentation"] = documentation(about["help"])
    return action


class _Shapes:
    """The shapes that were needed so far, by name."""

    def __init__(self) -> None:
        self.made: dict[str, Model] = {}

    def structure(self, name: str, members: Mapping[str, Any]) -> str:
        if name not in self.made:
            shape: Model = {"type": "structure"}
            self.made[name] = shape
            if required := [member for member, kind in members.items() if kind.get("required")]:
                shape["required"] = required
            shape["members"] = {member: {"shape": self.of(kind, name + member)} for member, kind in members.items()}
        return name

    def error(self, name: str) -> str:
        self.made[name] = {
            "type": "structure",
            "members": {"message": {"shape": self.plain("string")}},
            "exception": True,
        }
        return name

    def of(self, kind: Mapping[str, Any], place: str) -> str:
        match kind["type"]:
            case "structure":
                return self.structure(kind["name"], kind["members"])
            case "map" if kind["of"]["type"] != "any":
                inner = self.of(kind["of"], place)
                key = self.plain("string")
                return self._keep(f"MapOf{inner}", {"type": "map", "key": {"shape": key}, "value": {"shape": inner}})
            case "list":
                inner = self.of(kind["of"], place)
                return self._keep(f"ListOf{inner}", {"type": "list", "member": {"shape": inner}})
            case "map" | "any":
                return self._keep("Document", {"type": "structure", "members": {}, "document": True})
            case "string" if kind.get("choices"):
                return self._keep(place, {"type": "string", "enum": list(kind["choices"])})
        return self.plain(kind["type"])

    def plain(self, kind: str) -> str:
        aws = "double" if kind == "number" else kind
        shape: Model = {"type": aws}
        # A client must tell "not said" from 0 and false.
        return self._keep(aws.title(), shape if aws == "string" else shape | {"box": True})

    def _keep(self, name: str, shape: Model) -> str:
        self.made.setdefault(name, shape)
        return name


def documentation(text: str) -> str:
    """Our docstrings as the little HTML that AWS clients print."""
    paragraphs = [" ".join(each.split()) for each in re.split(r"\n\s*\n", text) if each.strip()]
    marked = [re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(each, quote=False)) for each in paragraphs]
    return "".join(f"<p>{each}</p>" for each in marked)


# What stands beside it ------------------------------------------------------------------------------------------------


def _waiters(ops: list[dict[str, Any]]) -> Model:
    here = {about["name"] for about in ops}
    return {name: _waiter(waiter) for name, waiter in WAITERS.items() if waiter.operation in here}


def _waiter(waiter: Waiter) -> Model:
    path = f"{waiter.records}[].Status"
    success = [_acceptor("pathAll", each, "success", argument=path) for each in sorted(waiter.success)]
    failure = [_acceptor("pathAny", each, "failure", argument=path) for each in sorted(waiter.failure)]
    if not waiter.records:
        success, failure = [_acceptor("status", 200, "success")], [_acceptor("status", 400, "failure")]
    gone = [_acceptor("error", "ResourceNotFoundException", "success")] if waiter.gone else []
    return {
        "delay": int(waiter.delay),
        "operation": waiter.operation,
        "maxAttempts": waiter.attempts,
        "acceptors": [*success, *gone, *failure],
    }


def _acceptor(matcher: str, expected: object, state: str, **more: str) -> Model:
    return {"matcher": matcher, "expected": expected, "state": state, **more}


def _paginators(ops: list[dict[str, Any]]) -> Model:
    return {
        about["name"]: {"input_token": TOKEN, "output_token": TOKEN, "limit_key": LIMIT, "result_key": records}
        for about in ops
        if (records := records_of(about)) is not None
    }


def _examples(about: Mapping[str, Any]) -> list[Model]:
    needed = {name: kind for name, kind in about["members"].items() if kind.get("required")}
    title = about["help"].partition("\n")[0]
    return [{"id": kebab(about["name"]), "title": title, "input": skeleton(needed, named=True)}]


def _endpoints(service: str) -> Model:
    """There is no address to guess: the user says where the server is."""
    said = f"Say where the Toque server is: --endpoint-url, endpoint_url=, or AWS_ENDPOINT_URL_{service.upper()}"
    optional = {"type": "String", "required": False}
    switch = {"type": "Boolean", "required": True, "default": False}
    return {
        "version": "1.0",
        "parameters": {
            "Region": {**optional, "builtIn": "AWS::Region", "documentation": "Part of the signature, and no more."},
            "UseDualStack": {**switch, "builtIn": "AWS::UseDualStack", "documentation": "Has no meaning here."},
            "UseFIPS": {**switch, "builtIn": "AWS::UseFIPS", "documentation": "Has no meaning here."},
            "Endpoint": {**optional, "builtIn": "SDK::Endpoint", "documentation": "Where the server is."},
        },
        "rules": [
            {
                "type": "endpoint",
                "conditions": [{"fn": "isSet", "argv": [{"ref": "Endpoint"}]}],
                "endpoint": {"url": {"ref": "Endpoint"}, "properties": {}, "headers": {}},
            },
            {"type": "error", "conditions": [], "error": said},
        ],
    }
