"""Operations on stack mode. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.calling import TOQUE, Calls


class StackModeCalls(Calls):
    """Operations on stack mode."""

    def set_stack_mode(
        self,
        *,
        stack_id: str,
        strict: bool,
    ) -> None:
        """Switch a stack's strict mode on or off.

        In strict mode the level deploy runs what others assigned and nothing else: it changes no app's source, keys,
        variables, data sources, attributes or type, passes no custom JSON, and runs no recipe that is not assigned to an
        event of the targets' layers. The level manage may, and so may whom a policy allows the operation. Each refusal is
        in the audit. DescribeStackOverviews shows the mode.

        Raises ResourceNotFoundException.
        """
        self._do("SetStackMode", TOQUE, {"StackId": stack_id, "Strict": strict}, reads=False)
