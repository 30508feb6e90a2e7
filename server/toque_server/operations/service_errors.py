"""Service errors: what went wrong with instances, for OpsWorks clients."""

from __future__ import annotations

from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import service_errors


class DescribeServiceErrors(Request, frozen=True, kw_only=True):
    stack_id: str | None = None
    instance_id: str | None = None
    service_error_ids: list[str] | None = None


class ServiceErrorView(Result, frozen=True, kw_only=True):
    service_error_id: str
    stack_id: str
    instance_id: str | None
    type: str
    message: str
    created_at: str


class ServiceErrorsDescribed(Result, frozen=True, kw_only=True):
    service_errors: list[ServiceErrorView]


@operation(
    permission=Permission.SHOW,
    stack=finding.one_of(stack_id="stack", instance_id="instance", service_error_ids="service error"),
    raises=(ValidationException, ResourceNotFoundException),
)
def describe_service_errors(ctx: Context, req: DescribeServiceErrors) -> ServiceErrorsDescribed:
    """Describe the service errors of a stack, of an instance, or the named ones; newest first."""
    if req.stack_id is not None:
        found = service_errors.of_stack(ctx.conn, req.stack_id)
    elif req.instance_id is not None:
        found = service_errors.of_instance(ctx.conn, req.instance_id)
    else:
        found = service_errors.by_ids(ctx.conn, req.service_error_ids or [])
    return ServiceErrorsDescribed(
        service_errors=[
            ServiceErrorView(
                service_error_id=each.id,
                stack_id=each.stack_id,
                instance_id=each.instance_id,
                type=each.type,
                message=each.message,
                created_at=each.created_at.isoformat(timespec="seconds"),
            )
            for each in found
        ]
    )
