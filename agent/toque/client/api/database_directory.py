"""Operations on database directory. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toque.client.structures import (
    Database,
    DescribeDatabasesResult,
)
from toque.client.calling import TOQUE, Calls


class DatabaseDirectoryCalls(Calls):
    """Operations on database directory."""

    def delete_database(
        self,
        *,
        rds_db_instance_arn: str,
    ) -> None:
        """Take a database from the directory. A stack that has it registered keeps it, and what it knows of it.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteDatabase", TOQUE, {"RdsDbInstanceArn": rds_db_instance_arn}, reads=False)

    def describe_databases(
        self,
        *,
        max_results: int | None = None,
        next_token: str | None = None,
        rds_db_instance_arns: Sequence[str] | None = None,
    ) -> DescribeDatabasesResult:
        """List the directory of databases, whole or the named ones, in the order of their ARNs.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeDatabases", TOQUE, {"MaxResults": max_results, "NextToken": next_token, "RdsDbInstanceArns": rds_db_instance_arns}, DescribeDatabasesResult, reads=True)

    def iterate_databases(
        self,
        *,
        max_results: int | None = None,
        rds_db_instance_arns: Sequence[str] | None = None,
    ) -> Iterator[Database]:
        """Yield each of the `databases` that `describe_databases` answers with, page after page. A page has `max_results`."""
        return self._iterate("DescribeDatabases", TOQUE, {"MaxResults": max_results, "RdsDbInstanceArns": rds_db_instance_arns}, DescribeDatabasesResult, "databases")

    def put_database(
        self,
        *,
        rds_db_instance_arn: str,
        address: str,
        port: int,
        engine: str,
    ) -> None:
        """Say where a database is, so that stacks can register it by its ARN; what stood there before is replaced.

        A stack that has it registered keeps what it found then: deregister it there, and register it again.

        Raises ValidationException.
        """
        self._do("PutDatabase", TOQUE, {"RdsDbInstanceArn": rds_db_instance_arn, "Address": address, "Port": port, "Engine": engine}, reads=False)
