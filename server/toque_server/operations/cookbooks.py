"""Cookbooks of a stack: published as a bundle, or fetched from its source (ruling 18)."""

from __future__ import annotations

import binascii
import hashlib
import tempfile
from base64 import b64decode, b64encode
from datetime import datetime
from pathlib import Path
from typing import Any

from toque.cookbook.bundle import BadBundle, unpack
from toque.cookbook.layout import BadCookbook, find_cookbooks
from toque_server.cookbooks.bundles import Bundles
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.judged_settings import check_bundle
from toque_server.operations.paging import Paged, newest_first, page
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import commands, cookbooks, events, instances, stacks
from toque_server.store.cookbooks import Bundle

_LARGEST_ANSWER = 16 << 20
_RAISES = (ValidationException, ResourceNotFoundException)


class PublishCookbooks(Request, frozen=True, kw_only=True):
    """`archive`: a bundle as `toque cookbook package` makes it (tar.gz, one folder per cookbook), in base64.

    `source` is a word for people on where it comes from, such as a commit. `force` publishes cookbooks that do not take
    what the stack has set; runs that use those values then fail until they are changed.
    """

    stack_id: str
    archive: str
    source: str | None = None
    force: bool | None = None


class CookbookView(Result, frozen=True, kw_only=True):
    name: str
    version: str
    recipes: list[str]


class CookbooksPublished(Result, frozen=True, kw_only=True):
    digest: str
    cookbooks: list[CookbookView]


class DescribeCookbooks(Paged, frozen=True, kw_only=True):
    """`cookbook`: only bundles that hold the one of this name. At most 100 bundles on a page."""

    stack_id: str
    cookbook: str | None = None


class BundleView(Result, frozen=True, kw_only=True):
    digest: str
    size: int
    added_at: datetime
    source: str
    is_current: bool
    cookbooks: list[CookbookView]


class CookbooksDescribed(Result, frozen=True, kw_only=True):
    """`running` maps each instance to the digest of the bundle that its last run used, null before its first run."""

    bundles: list[BundleView]
    current_digest: str | None
    running: dict[str, str | None]
    next_token: str | None


class GetCookbooks(Request, frozen=True, kw_only=True):
    """`digest` names a bundle that DescribeCookbooks lists."""

    stack_id: str
    digest: str


class CookbooksGot(Result, frozen=True, kw_only=True):
    """`archive` is the bundle in base64: a tar.gz with one folder per cookbook, whose SHA-256 is its digest."""

    archive: str


class UseCookbooks(Request, frozen=True, kw_only=True):
    """`force` as in PublishCookbooks."""

    stack_id: str
    digest: str
    force: bool | None = None


class DeleteCookbooks(Request, frozen=True, kw_only=True):
    stack_id: str
    digest: str


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=_RAISES)
def publish_cookbooks(ctx: Context, req: PublishCookbooks) -> CookbooksPublished:
    """Give a stack its cookbooks as an upload.

    Instances take them with `update_custom_cookbooks` or with their next Setup; one that has none yet, with any run.

    Where the stack, a layer, an app or an instance has set what the settings of these cookbooks do not take, and the
    ones before did, it is refused with the list.

    The same cookbooks are the same bundle, whoever publishes them: it is named by its content.
    """
    stack = finding.stack(ctx, req.stack_id)
    try:
        raw = b64decode(req.archive, validate=True)
    except (binascii.Error, ValueError):
        raise ValidationException("Archive is not base64 text", field="Archive") from None
    bundle = _kept(ctx, raw)
    if not req.force:
        check_bundle(ctx, stack.id, bundle, field="Archive")
    cookbooks.add(ctx.conn, bundle)
    cookbooks.publish(
        ctx.conn, stack.id, bundle.digest, at=ctx.now, source=req.source or f"published by {ctx.caller.name}"
    )
    stacks.set_cookbook_digest(ctx.conn, stack.id, bundle.digest)
    found = _views(bundle.contents)
    events.add(
        ctx.conn,
        "cookbooks.published",
        f"cookbooks {', '.join(each.name for each in found)} were published",
        at=ctx.now,
        stack_id=stack.id,
        data={"digest": bundle.digest},
    )
    return CookbooksPublished(digest=bundle.digest, cookbooks=found)


@operation(permission=Permission.SHOW, target=TOQUE, stack="stack_id", raises=_RAISES)
def describe_cookbooks(ctx: Context, req: DescribeCookbooks) -> CookbooksDescribed:
    """Describe the bundles of cookbooks that a stack has had, newest first, and which instance runs which."""
    stack = finding.stack(ctx, req.stack_id)
    found = cookbooks.of_stack(ctx.conn, stack.id)
    wanted = (each for each in found if req.cookbook is None or req.cookbook in each.bundle.contents)
    shown, token = page(ctx, req, wanted, key=lambda each: newest_first(each.added_at, each.bundle.digest))
    return CookbooksDescribed(
        bundles=[
            BundleView(
                digest=each.bundle.digest,
                size=each.bundle.size,
                added_at=each.added_at,
                source=each.source,
                is_current=each.bundle.digest == stack.cookbook_digest,
                cookbooks=_views(each.bundle.contents),
            )
            for each in shown
        ],
        current_digest=stack.cookbook_digest,
        running=instances.cookbook_digests(ctx.conn, stack.id),
        next_token=token,
    )


@operation(permission=Permission.SHOW, target=TOQUE, stack="stack_id", raises=_RAISES)
def get_cookbooks(ctx: Context, req: GetCookbooks) -> CookbooksGot:
    """Download a bundle of a stack, of at most 16 MiB, so that other cookbooks can depend on those in it.

    `[sources]` of cookbooks.toml names the stack; `toque cookbook deps lock` asks for its bundles.
    """
    stack = finding.stack(ctx, req.stack_id)
    bundle = _of_stack(ctx, stack.id, req.digest)
    path = Bundles(ctx.settings.data_dir).path(bundle.digest)
    if path is None:
        raise ResourceNotFoundException(f"the archive of the cookbooks {req.digest} is no longer on this server")
    if bundle.size > _LARGEST_ANSWER:
        raise ValidationException(
            f"the bundle has {bundle.size >> 20} MiB, and an answer at most {_LARGEST_ANSWER >> 20}: please share its "
            "cookbooks by git",
            field="Digest",
        )
    return CookbooksGot(archive=b64encode(path.read_bytes()).decode("ascii"))


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=_RAISES)
def use_cookbooks(ctx: Context, req: UseCookbooks) -> None:
    """Let a stack go back to a bundle that it had, or forth again.

    Instances take it with `update_custom_cookbooks` or with their next Setup; where the stack's cookbooks come from a
    source, that command fetches them anew instead.
    """
    stack = finding.stack(ctx, req.stack_id)
    bundle = _of_stack(ctx, stack.id, req.digest)
    if stack.cookbook_digest == bundle.digest:
        raise ValidationException(f"the stack uses {bundle.digest} already", field="Digest")
    if not req.force:
        check_bundle(ctx, stack.id, bundle, field="Digest")
    stacks.set_cookbook_digest(ctx.conn, stack.id, bundle.digest)
    events.add(
        ctx.conn,
        "cookbooks.chosen",
        f"cookbooks {', '.join(f'{each.name} {each.version}' for each in _views(bundle.contents))} were chosen",
        at=ctx.now,
        stack_id=stack.id,
        data={"digest": bundle.digest},
    )


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=_RAISES)
def delete_cookbooks(ctx: Context, req: DeleteCookbooks) -> None:
    """Take a bundle away from a stack, which neither the stack nor an instance uses: no node can fetch it any more."""
    stack = finding.stack(ctx, req.stack_id)
    bundle = _of_stack(ctx, stack.id, req.digest)
    if stack.cookbook_digest == bundle.digest:
        raise ValidationException(
            "the stack uses these cookbooks: please publish others, or choose others with UseCookbooks", field="Digest"
        )
    users = [id for id, digest in instances.cookbook_digests(ctx.conn, stack.id).items() if digest == bundle.digest]
    if users:
        raise ValidationException(
            f"{len(users)} instances run these cookbooks, such as {users[0]}: please run update_custom_cookbooks first",
            field="Digest",
        )
    open_ = commands.listed(ctx.conn, commands.Wanted(open_of_stack=stack.id), limit=1000)
    if any(command.dispatched_at is not None for command, _ in open_):
        raise ValidationException(
            "commands are under way that may need these cookbooks: please wait until they have ended", field="Digest"
        )
    cookbooks.take_away(ctx.conn, stack.id, bundle.digest)
    events.add(
        ctx.conn,
        "cookbooks.deleted",
        f"cookbooks {bundle.digest[:12]} were deleted",
        at=ctx.now,
        stack_id=stack.id,
        data={"digest": bundle.digest},
    )


def _of_stack(ctx: Context, stack_id: str, digest: str) -> Bundle:
    found = cookbooks.get(ctx.conn, digest) if cookbooks.belongs_to(ctx.conn, stack_id, digest) else None
    if found is None:
        raise ResourceNotFoundException(
            f"Unable to find cookbooks with digest {digest} of stack {stack_id}: DescribeCookbooks lists them"
        )
    return found


def _kept(ctx: Context, raw: bytes) -> Bundle:
    """The upload, judged and packed anew: what nodes get is what our own packer wrote."""
    bundles = Bundles(ctx.settings.data_dir)
    with tempfile.TemporaryDirectory(dir=bundles.directory, prefix=".publishing-") as place:
        upload, tree = Path(place) / "upload", Path(place) / "tree"
        upload.write_bytes(raw)
        try:
            unpack(upload, tree, digest=hashlib.sha256(raw).hexdigest(), size=len(raw))
            found = find_cookbooks(tree)
            if not found:
                raise ValidationException(
                    "Archive holds no cookbook: one folder each, with cookbook.toml", field="Archive"
                )
            return bundles.keep(found, at=ctx.now)
        except (BadBundle, BadCookbook) as error:
            raise ValidationException(f"Archive: {error}", field="Archive") from error


def _views(contents: dict[str, Any]) -> list[CookbookView]:
    return [
        CookbookView(name=name, version=each["version"], recipes=list(each["recipes"]))
        for name, each in sorted(contents.items())
    ]
