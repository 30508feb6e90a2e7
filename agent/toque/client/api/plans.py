"""Operations on plans. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    PlanRecipesResult,
)
from toque.client.calling import TOQUE, Calls


class PlansCalls(Calls):
    """Operations on plans."""

    def plan_recipes(
        self,
        *,
        instance_id: str,
        recipes: Sequence[str],
        clone: bool | None = None,
        custom_json: str | None = None,
    ) -> PlanRecipesResult:
        """Plan recipes on an instance: its agent says what they would do, in the log of a command, and changes nothing.

        The command is of type `execute_recipes`, with `plan` among its arguments, and runs the named recipes alone. When it
        succeeds and there is something to do, its reason is `something_to_do`. With `Clone` it lists what really differs
        after the recipes ran in a copy-on-write clone of the node; where none can be made the command fails and says why.
        A stack in strict mode asks what it asks of CreateDeployment.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("PlanRecipes", TOQUE, {"InstanceId": instance_id, "Recipes": recipes, "Clone": clone, "CustomJson": custom_json}, PlanRecipesResult, reads=False)
