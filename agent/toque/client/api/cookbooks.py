"""Operations on cookbooks. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator

from toque.client.structures import (
    Bundle,
    DescribeCookbooksResult,
    GetCookbooksResult,
    PublishCookbooksResult,
)
from toque.client.calling import TOQUE, Calls


class CookbooksCalls(Calls):
    """Operations on cookbooks."""

    def delete_cookbooks(
        self,
        *,
        stack_id: str,
        digest: str,
    ) -> None:
        """Take a bundle away from a stack, which neither the stack nor an instance uses: no node can fetch it any more.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteCookbooks", TOQUE, {"StackId": stack_id, "Digest": digest}, reads=False)

    def describe_cookbooks(
        self,
        *,
        stack_id: str,
        max_results: int | None = None,
        next_token: str | None = None,
        cookbook: str | None = None,
    ) -> DescribeCookbooksResult:
        """Describe the bundles of cookbooks that a stack has had, newest first, and which instance runs which.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeCookbooks", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "StackId": stack_id, "Cookbook": cookbook}, DescribeCookbooksResult, reads=True)

    def iterate_cookbooks(
        self,
        *,
        stack_id: str,
        max_results: int | None = None,
        cookbook: str | None = None,
    ) -> Iterator[Bundle]:
        """Yield each of the `bundles` that `describe_cookbooks` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeCookbooks", TOQUE, {"MaxResults": max_results, "StackId": stack_id, "Cookbook": cookbook}, DescribeCookbooksResult, "bundles")

    def get_cookbooks(
        self,
        *,
        stack_id: str,
        digest: str,
    ) -> GetCookbooksResult:
        """Download a bundle of a stack, of at most 16 MiB, so that other cookbooks can depend on those in it.

        `[sources]` of cookbooks.toml names the stack; `toque cookbook deps lock` asks for its bundles.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("GetCookbooks", TOQUE, {"StackId": stack_id, "Digest": digest}, GetCookbooksResult, reads=True)

    def publish_cookbooks(
        self,
        *,
        stack_id: str,
        archive: str,
        source: str | None = None,
        force: bool | None = None,
    ) -> PublishCookbooksResult:
        """Give a stack its cookbooks as an upload.

        Instances take them with `update_custom_cookbooks` or with their next Setup; one that has none yet, with any run.

        Where the stack, a layer, an app or an instance has set what the settings of these cookbooks do not take, and the
        ones before did, it is refused with the list.

        The same cookbooks are the same bundle, whoever publishes them: it is named by its content.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("PublishCookbooks", TOQUE, {"StackId": stack_id, "Archive": archive, "Source": source, "Force": force}, PublishCookbooksResult, reads=False)

    def use_cookbooks(
        self,
        *,
        stack_id: str,
        digest: str,
        force: bool | None = None,
    ) -> None:
        """Let a stack go back to a bundle that it had, or forth again.

        Instances take it with `update_custom_cookbooks` or with their next Setup; where the stack's cookbooks come from a
        source, that command fetches them anew instead.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UseCookbooks", TOQUE, {"StackId": stack_id, "Digest": digest, "Force": force}, reads=False)
