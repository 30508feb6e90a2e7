"""`toque metrics`: how busy an instance is, or the instances of a layer or a stack together."""

from __future__ import annotations

from typing import Any

import click

from toque.cli.verbs.group import Verbs, in_stack, output, show_list, show_one
from toque.cli.verbs.server import Server

metrics = Verbs("metrics", "Metrics: CPU, memory, load and processes over time.")

_USUAL = ("cpu_user", "cpu_system", "cpu_waitio", "memory_used", "load_1", "procs")


@metrics.command()
@in_stack
@click.option("--layer", help="Of the instances of this layer together, by its id or name.")
@click.option("--instance", help="Of this instance, by its id or name.")
@click.option("--name", "names", multiple=True, help="Which figure: cpu_user, load_1, …; may be given again.")
@click.option("--since", help="From then on: 2026-11-22T08:00:00Z; the last hour where not given.")
@click.option("--until", help="Before then.")
@click.option("--step", type=int, metavar="SECONDS", help="Of one line; a multiple of 60.")
@output
def show(
    stack: str | None,
    layer: str | None,
    instance: str | None,
    names: tuple[str, ...],
    since: str | None,
    until: str | None,
    step: int | None,
    output: str,
) -> None:
    """Show averages step by step: of an instance, of a layer, or of a whole stack."""
    if layer and instance:
        raise click.UsageError("give only one of --layer and --instance")
    server = Server.here()
    found = server(
        "DescribeMetrics",
        **_whose(server, stack, layer, instance),
        Names=list(names) or (list(_USUAL) if output == "table" else None),
        Since=since,
        Until=until,
        ResolutionSeconds=step,
    )
    if output != "table":
        show_one(found, output)
        return
    columns = {"At": "AT", "Samples": "SAMPLES"} | {each["Name"]: each["Name"].upper() for each in found["Metrics"]}
    rows = [
        {"At": at, "Samples": samples} | {each["Name"]: each["Average"][place] for each in found["Metrics"]}
        for place, (at, samples) in enumerate(zip(found["Times"], found["Samples"], strict=True))
    ]
    show_list("Metrics", rows, columns, output)


def _whose(server: Server, stack: str | None, layer: str | None, instance: str | None) -> dict[str, Any]:
    if instance is not None:
        return {"InstanceId": server.find("instance", instance, stack)["InstanceId"]}
    if layer is not None:
        return {"LayerId": server.find("layer", layer, stack)["LayerId"]}
    if stack is None:
        raise click.UsageError("give --stack, --layer or --instance")
    return {"StackId": server.stack_id(stack)}
