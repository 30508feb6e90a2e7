"""Assigning a registered machine to layers: one form, with the layers of its stack."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from toque_server.console.desk import Desk
from toque_server.console.problems import notice, said
from toque_server.operations.errors import OperationError, ValidationException


def register(console: Blueprint, desk: Desk) -> None:
    def form(instance_id: str, chosen: Sequence[str], problem: OperationError | None = None) -> Response:
        [found] = desk.call("DescribeInstances", InstanceIds=[instance_id])["Instances"]
        [stack] = desk.call("DescribeStacks", StackIds=[found["StackId"]])["Stacks"]
        layers = desk.call("DescribeLayers", StackId=found["StackId"])["Layers"]
        page = render_template(
            "assign.html",
            instance=found,
            stack=stack,
            layers=layers,
            chosen=chosen,
            problem=problem,
            advice=said(problem)[2] if problem else "",
        )
        return make_response(page, said(problem)[0] if problem else 200)

    @console.get("/instances/<instance_id>/assign")
    def ask_assign(instance_id: str) -> Response:
        return form(instance_id, ())

    @console.post("/instances/<instance_id>/assign")
    def do_assign(instance_id: str) -> Response:
        chosen = request.form.getlist("layer")
        try:
            if not chosen:
                raise ValidationException("Please choose at least one layer")
            desk.call("AssignInstance", InstanceId=instance_id, LayerIds=chosen)
        except OperationError as error:
            return form(instance_id, chosen, error)
        notice("It runs the Setup recipes of its layers now, and comes online.")
        return redirect(url_for("console.instance", instance_id=instance_id), 303)
