"""Starting, stopping, rebooting, unassigning and deregistering: what is affected is shown first, and asked."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from toque_server.console.desk import Desk
from toque_server.console.offers import concerned
from toque_server.console.problems import notice, refused
from toque_server.operations.errors import OperationError


class Verb(NamedTuple):
    """`operation` takes the id; after one that `ends` the instance, its page is no more."""

    operation: str
    title: str
    effect: str
    done: str
    dangerous: bool
    ends: bool = False


STACK = {
    "start": Verb(
        "StartStack",
        "Start all instances",
        "Each gets a machine, runs Setup and Deploy, and comes online.",
        "Starting every instance that was stopped.",
        dangerous=False,
    ),
    "stop": Verb(
        "StopStack",
        "Stop all instances",
        "Each leaves service at once, runs its Shutdown recipes, and its machine goes down."
        " An instance with a disposable disk loses what is on it.",
        "Stopping every instance.",
        dangerous=True,
    ),
}

INSTANCE = {
    "start": Verb(
        "StartInstance", "Start", "It gets a machine, runs Setup and Deploy, and comes online.", "Starting {}.", False
    ),
    "stop": Verb(
        "StopInstance",
        "Stop",
        "It leaves service at once, runs its Shutdown recipes, and its machine goes down.",
        "Stopping {}.",
        True,
    ),
    "reboot": Verb(
        "RebootInstance", "Reboot", "It is away until its machine is back. No event runs.", "Rebooting {}.", True
    ),
    "unassign": Verb(
        "UnassignInstance",
        "Unassign",
        "It leaves service at once, runs the Shutdown recipes of its layers, and is in none of them."
        " Its machine runs on, and stays with the stack.",
        "Unassigning {} from its layers.",
        True,
    ),
    "deregister": Verb(
        "DeregisterInstance",
        "Deregister",
        "It runs its Shutdown recipes, its agent leaves, and the stack forgets it with its history."
        " Its machine runs on; to come back it must be registered anew.",
        "Deregistering {}.",
        True,
        ends=True,
    ),
}


def register(console: Blueprint, desk: Desk) -> None:
    @console.get("/stacks/<stack_id>/<any(start, stop):verb>")
    def ask_stack(stack_id: str, verb: str) -> str:
        chosen = STACK[verb]
        [stack] = desk.call("DescribeStacks", StackIds=[stack_id])["Stacks"]
        instances = desk.call("DescribeInstances", StackId=stack_id)["Instances"]
        conditions = {c["InstanceId"]: c for c in desk.call("DescribeConditions", StackId=stack_id)["Conditions"]}
        affected = [each for each in instances if concerned(verb, each, conditions.get(each["InstanceId"], {}))]
        back = url_for("console.stack", stack_id=stack_id)
        return render_template("confirm.html", verb=chosen, stack=stack, instances=affected, back=back, one=None)

    @console.post("/stacks/<stack_id>/<any(start, stop):verb>")
    def do_stack(stack_id: str, verb: str) -> Response:
        back = url_for("console.stack", stack_id=stack_id)
        return _done(desk, STACK[verb], back, STACK[verb].done, StackId=stack_id)

    @console.get("/instances/<instance_id>/<any(start, stop, reboot, unassign, deregister):verb>")
    def ask_instance(instance_id: str, verb: str) -> str:
        [found] = desk.call("DescribeInstances", InstanceIds=[instance_id])["Instances"]
        [stack] = desk.call("DescribeStacks", StackIds=[found["StackId"]])["Stacks"]
        back = url_for("console.instance", instance_id=instance_id)
        return render_template(
            "confirm.html", verb=INSTANCE[verb], stack=stack, instances=[found], back=back, one=found
        )

    @console.post("/instances/<instance_id>/<any(start, stop, reboot, unassign, deregister):verb>")
    def do_instance(instance_id: str, verb: str) -> Response:
        [found] = desk.call("DescribeInstances", InstanceIds=[instance_id])["Instances"]
        back = url_for("console.instance", instance_id=instance_id)
        if request.form.get("back") == "stack" or INSTANCE[verb].ends:
            back = url_for("console.stack", stack_id=found["StackId"])
        done = INSTANCE[verb].done.format(found["Hostname"])
        return _done(desk, INSTANCE[verb], back, done, InstanceId=instance_id)

    @console.get("/<path:anything>")
    def nowhere(anything: str) -> str:
        abort(404, "This address leads nowhere. The stacks are on the first page.")


def _done(desk: Desk, verb: Verb, back: str, done: str, **members: str) -> Response:
    try:
        desk.call(verb.operation, **members)
    except OperationError as error:
        return refused(error, back)
    notice(done)
    return redirect(back, 303)
