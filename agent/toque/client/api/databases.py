"""Operations on databases. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    DescribeRdsDbInstancesResult,
)
from toque.client.calling import OPSWORKS, Calls


class DatabasesCalls(Calls):
    """Operations on databases."""

    def deregister_rds_db_instance(
        self,
        *,
        rds_db_instance_arn: str,
    ) -> None:
        """Take a database from its stack; the database itself is left alone. No app may have it as its data source.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeregisterRdsDbInstance", OPSWORKS, {"RdsDbInstanceArn": rds_db_instance_arn}, reads=False)

    def describe_rds_db_instances(
        self,
        *,
        stack_id: str,
        rds_db_instance_arns: Sequence[str] | None = None,
    ) -> DescribeRdsDbInstancesResult:
        """Describe the databases of a stack, all or the named ones. Passwords come back as `*****FILTERED*****`.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeRdsDbInstances", OPSWORKS, {"StackId": stack_id, "RdsDbInstanceArns": rds_db_instance_arns}, DescribeRdsDbInstancesResult, reads=True)

    def register_rds_db_instance(
        self,
        *,
        stack_id: str,
        rds_db_instance_arn: str,
        db_user: str,
        db_password: str,
    ) -> None:
        """Register a database that exists already with a stack; apps of the stack can name it as their data source.

        A database belongs to one stack at a time. Where it is, the directory says (PutDatabase), which is asked this once:
        an ARN that it does not know is registered with `MissingOnRds` true, and no address; enter it there, deregister it
        and register it again. User and password are not tried. Nothing runs.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("RegisterRdsDbInstance", OPSWORKS, {"StackId": stack_id, "RdsDbInstanceArn": rds_db_instance_arn, "DbUser": db_user, "DbPassword": db_password}, reads=False)

    def update_rds_db_instance(
        self,
        *,
        rds_db_instance_arn: str,
        db_user: str | None = None,
        db_password: str | None = None,
    ) -> None:
        """Change the user or the password that a stack's nodes use for a database.

        Nothing runs: the apps that use it keep what they have until they are deployed again (05 § 5.3).

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateRdsDbInstance", OPSWORKS, {"RdsDbInstanceArn": rds_db_instance_arn, "DbUser": db_user, "DbPassword": db_password}, reads=False)
