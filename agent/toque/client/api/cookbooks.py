"""Operations on cookbooks. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.structures import (
    DescribeCookbooksResult,
    PublishCookbooksResult,
)
from toque.client.calling import TOQUE, Calls


class CookbooksCalls(Calls):
    """Operations on cookbooks."""

    def describe_cookbooks(
        self,
        *,
        stack_id: str,
    ) -> DescribeCookbooksResult:
        """Describe the bundles of cookbooks that a stack has had, newest first, and which instance runs which.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeCookbooks", TOQUE, {"StackId": stack_id}, DescribeCookbooksResult, reads=True)

    def publish_cookbooks(
        self,
        *,
        stack_id: str,
        archive: str,
        source: str | None = None,
    ) -> PublishCookbooksResult:
        """Give a stack its cookbooks as an upload.

        Instances take them with `update_custom_cookbooks` or with their next Setup; one that has none yet, with any run.

        The same cookbooks are the same bundle, whoever publishes them: it is named by its content.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("PublishCookbooks", TOQUE, {"StackId": stack_id, "Archive": archive, "Source": source}, PublishCookbooksResult, reads=False)
