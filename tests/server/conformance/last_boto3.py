"""The last boto3 that knew OpsWorks, asked one call per line of JSON; runs under that boto3's own interpreter.

A question is {"url", "key", "secret", "do", …}; the answer is {"answer"} or {"error": {"code", "message", "status"}}, and
`against_the_model`: where the body that came over the wire is not what botocore's own model describes.
"""

import json
import sys

import boto3
import botocore
import botocore.config
import botocore.exceptions
import botocore.waiter

SCALARS = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "timestamp": (str, int, float),
}

# One for all: it keeps the model of the service, which takes a tenth of a second to read.
SESSION = boto3.session.Session()


def against(shape, value, path):
    """Each difference between a value and the shape that the model gives it."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            return [f"{path} is no object"]
        found = [f"{path}.{name} is unknown" for name in value if name not in shape.members]
        # An empty structure is how OpsWorks shows what is not set: chapter 09, section 5.3.
        found += [f"{path}.{name} is missing" for name in shape.required_members if value and name not in value]
        found += [f"{path}.{name} is null" for name in value if value[name] is None]
        for name in value.keys() & shape.members.keys():
            if value[name] is not None:
                found += against(shape.members[name], value[name], f"{path}.{name}")
        return found
    if kind == "list":
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [each for one in value for each in against(shape.member, one, f"{path}[]")]
    if kind == "map":
        if not isinstance(value, dict):
            return [f"{path} is no map"]
        found = []
        for key, one in value.items():
            # Values of a map may be null: chapter 09, section 2.
            found += [] if one is None else against(shape.value, one, f"{path}.{key}")
            if enum := getattr(shape.key, "enum", None):
                found += [] if key in enum else [f"{path} has the unknown key {key}"]
        return found
    if not isinstance(value, SCALARS[kind]) or (kind != "boolean" and isinstance(value, bool)):
        return [f"{path} is {value!r}, no {kind}"]
    enum = getattr(shape, "enum", None)
    return [f"{path} is {value!r}, none of {enum}"] if enum and value not in enum else []


class Client:
    """One client of boto3; what it saw of the last answer is kept."""

    def __init__(self, url, key, secret, checked):
        self.seen = []
        config = botocore.config.Config(
            retries={"max_attempts": 0}, parameter_validation=checked, read_timeout=60, max_pool_connections=1
        )
        self.client = SESSION.client(
            "opsworks",
            endpoint_url=url,
            region_name="xx-custom-9",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=config,
        )
        self.client.meta.events.register("after-call.opsworks", self.look)
        self.client.meta.events.register("before-call.opsworks", self.aim)
        self.target = None

    def aim(self, params, **rest):
        if self.target:
            params["headers"]["X-Amz-Target"] = self.target

    def look(self, http_response, model, **rest):
        self.seen = []
        if http_response.status_code != 200:
            return
        body = json.loads(http_response.content or b"{}")
        if model.output_shape is None:
            self.seen = [f"{name} is unknown" for name in body]
        else:
            self.seen = against(model.output_shape, body, model.name)

    def call(self, operation, members, target):
        self.target = target
        method = getattr(self.client, botocore.xform_name(operation))
        answer = method(**members)
        answer.pop("ResponseMetadata")
        return {"answer": answer, "against_the_model": self.seen}

    def wait(self, waiter, members, delay, attempts):
        self.target = None
        self.client.get_waiter(waiter).wait(**members, WaiterConfig={"Delay": delay, "MaxAttempts": attempts})
        return {"answer": {}, "against_the_model": self.seen}

    def pages(self, operation, members):
        self.target = None
        pages = list(self.client.get_paginator(botocore.xform_name(operation)).paginate(**members))
        for page in pages:
            page.pop("ResponseMetadata")
        return {"answer": pages, "against_the_model": self.seen}


def model():
    """What the client knows of each action, as far as the tests need it."""
    service = boto3.session.Session().client(
        "opsworks", region_name="xx", aws_access_key_id="", aws_secret_access_key=""
    )
    found = {}
    for name in service.meta.service_model.operation_names:
        action = service.meta.service_model.operation_model(name)
        found[name] = {
            "input": sorted(paths(action.input_shape, "")) if action.input_shape else [],
            "required": sorted(action.input_shape.required_members) if action.input_shape else [],
            "output": sorted(paths(action.output_shape, "")) if action.output_shape else [],
            "errors": sorted(error.name for error in action.error_shapes),
        }
    return {"answer": {"actions": found, "boto3": boto3.__version__, "waiters": sorted(service.waiter_names)}}


def paths(shape, prefix):
    """Every member, as `Command.Name` or `AppSource.Url`; lists and maps are looked through."""
    if shape.type_name == "list":
        yield from paths(shape.member, prefix)
    elif shape.type_name == "map":
        yield from paths(shape.value, prefix)
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            path = f"{prefix}.{name}" if prefix else name
            yield path
            yield from paths(member, path)


def answer(question, clients):
    do = question["do"]
    if do == "model":
        return model()
    key = (question["url"], question["key"], question["secret"], question.get("checked", True))
    if key not in clients:
        # Each test has a server of its own: what belongs to the last one is not asked again.
        for old in [each for each in clients if each[0] != key[0]]:
            clients.pop(old).client.close()
        clients[key] = Client(*key)
    client = clients[key]
    try:
        if do == "wait":
            return client.wait(question["waiter"], question["members"], question["delay"], question["attempts"])
        if do == "pages":
            return client.pages(question["operation"], question["members"])
        return client.call(question["operation"], question["members"], question.get("target"))
    except botocore.exceptions.ClientError as error:
        said = error.response["Error"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        typed = type(error).__name__ if type(error) is not botocore.exceptions.ClientError else None
        return {"error": {"code": said["Code"], "message": said["Message"], "status": status, "typed": typed}}
    except botocore.exceptions.WaiterError as error:
        return {"error": {"code": "WaiterError", "message": str(error), "status": 0, "typed": None}}
    except botocore.exceptions.ParamValidationError as error:
        return {"error": {"code": "ParamValidationError", "message": str(error), "status": 0, "typed": None}}


def main():
    clients = {}
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line), clients), default=str) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
