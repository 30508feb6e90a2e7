"""Operations on apps. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toque.client.structures import (
    CreateAppResult,
    DataSource,
    DescribeAppsResult,
    SentSslConfiguration,
    SentVariable,
    Source,
)
from toque.client.calling import OPSWORKS, Calls


class AppsCalls(Calls):
    """Operations on apps."""

    def create_app(
        self,
        *,
        stack_id: str,
        name: str,
        type: str,
        description: str | None = None,
        data_sources: Sequence[DataSource] | None = None,
        app_source: Source | None = None,
        domains: Sequence[str] | None = None,
        enable_ssl: bool | None = None,
        ssl_configuration: SentSslConfiguration | None = None,
        attributes: Mapping[str, str | None] | None = None,
        environment: Sequence[SentVariable] | None = None,
        shortname: str | None = None,
    ) -> CreateAppResult:
        """Add an app to a stack; nothing runs until it is deployed, or an instance starts.

        A data source must be there: a database registered with the stack, or an instance of its MySQL layer.
        `Shortname` names its directory on the nodes and never changes; without one it is made from `Name`.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("CreateApp", OPSWORKS, {"Description": description, "DataSources": data_sources, "AppSource": app_source, "Domains": domains, "EnableSsl": enable_ssl, "SslConfiguration": ssl_configuration, "Attributes": attributes, "Environment": environment, "StackId": stack_id, "Name": name, "Type": type, "Shortname": shortname}, CreateAppResult, reads=False)

    def delete_app(
        self,
        *,
        app_id: str,
    ) -> None:
        """Delete an app, and undeploy it from the stack's online instances (E-11).

        The undeploy is a deployment that nobody asked for: it has no user. Instances that are not online keep the files.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteApp", OPSWORKS, {"AppId": app_id}, reads=False)

    def describe_apps(
        self,
        *,
        stack_id: str | None = None,
        app_ids: Sequence[str] | None = None,
    ) -> DescribeAppsResult:
        """Describe the apps of a stack, or the named ones. Secrets come back as `*****FILTERED*****`.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeApps", OPSWORKS, {"StackId": stack_id, "AppIds": app_ids}, DescribeAppsResult, reads=True)

    def update_app(
        self,
        *,
        app_id: str,
        description: str | None = None,
        data_sources: Sequence[DataSource] | None = None,
        app_source: Source | None = None,
        domains: Sequence[str] | None = None,
        enable_ssl: bool | None = None,
        ssl_configuration: SentSslConfiguration | None = None,
        attributes: Mapping[str, str | None] | None = None,
        environment: Sequence[SentVariable] | None = None,
        name: str | None = None,
        type: str | None = None,
    ) -> None:
        """Change an app; nodes get the change with the next deploy. Members that are not sent stay.

        `AppSource` and `SslConfiguration` merge member by member, so that a filtered secret need not be sent again; lists
        and `Attributes` are replaced whole. The short name never changes. In a stack in strict mode what an app runs and
        the secrets it gets are changed with the level manage only.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateApp", OPSWORKS, {"Description": description, "DataSources": data_sources, "AppSource": app_source, "Domains": domains, "EnableSsl": enable_ssl, "SslConfiguration": ssl_configuration, "Attributes": attributes, "Environment": environment, "AppId": app_id, "Name": name, "Type": type}, reads=False)
