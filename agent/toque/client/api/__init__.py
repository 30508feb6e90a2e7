"""Every operation of the server. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.api.access_keys import AccessKeysCalls
from toque.client.api.apps import AppsCalls
from toque.client.api.attributes import AttributesCalls
from toque.client.api.audit_events import AuditEventsCalls
from toque.client.api.catalogues import CataloguesCalls
from toque.client.api.clone import CloneCalls
from toque.client.api.command_details import CommandDetailsCalls
from toque.client.api.commands import CommandsCalls
from toque.client.api.conditions import ConditionsCalls
from toque.client.api.cookbooks import CookbooksCalls
from toque.client.api.data_bags import DataBagsCalls
from toque.client.api.database_directory import DatabaseDirectoryCalls
from toque.client.api.databases import DatabasesCalls
from toque.client.api.deployments import DeploymentsCalls
from toque.client.api.drift import DriftCalls
from toque.client.api.ecs_clusters import EcsClustersCalls
from toque.client.api.elastic_ips import ElasticIpsCalls
from toque.client.api.events import EventsCalls
from toque.client.api.explain_access import ExplainAccessCalls
from toque.client.api.explain_attributes import ExplainAttributesCalls
from toque.client.api.instances import InstancesCalls
from toque.client.api.join_tokens import JoinTokensCalls
from toque.client.api.layers import LayersCalls
from toque.client.api.load_balancers import LoadBalancersCalls
from toque.client.api.metrics import MetricsCalls
from toque.client.api.node_keys import NodeKeysCalls
from toque.client.api.overview import OverviewCalls
from toque.client.api.permissions import PermissionsCalls
from toque.client.api.plans import PlansCalls
from toque.client.api.policies import PoliciesCalls
from toque.client.api.policy_differences import PolicyDifferencesCalls
from toque.client.api.power import PowerCalls
from toque.client.api.provisioning import ProvisioningCalls
from toque.client.api.raid_arrays import RaidArraysCalls
from toque.client.api.registered import RegisteredCalls
from toque.client.api.remote_access import RemoteAccessCalls
from toque.client.api.scaling import ScalingCalls
from toque.client.api.service_errors import ServiceErrorsCalls
from toque.client.api.sign_in import SignInCalls
from toque.client.api.stack_mode import StackModeCalls
from toque.client.api.stacks import StacksCalls
from toque.client.api.tags import TagsCalls
from toque.client.api.user_policies import UserPoliciesCalls
from toque.client.api.user_profiles import UserProfilesCalls
from toque.client.api.users import UsersCalls
from toque.client.api.volumes import VolumesCalls
from toque.client.api.waiters import WaitersCalls


class Api(
    AccessKeysCalls,
    AppsCalls,
    AttributesCalls,
    AuditEventsCalls,
    CataloguesCalls,
    CloneCalls,
    CommandDetailsCalls,
    CommandsCalls,
    ConditionsCalls,
    CookbooksCalls,
    DataBagsCalls,
    DatabaseDirectoryCalls,
    DatabasesCalls,
    DeploymentsCalls,
    DriftCalls,
    EcsClustersCalls,
    ElasticIpsCalls,
    EventsCalls,
    ExplainAccessCalls,
    ExplainAttributesCalls,
    InstancesCalls,
    JoinTokensCalls,
    LayersCalls,
    LoadBalancersCalls,
    MetricsCalls,
    NodeKeysCalls,
    OverviewCalls,
    PermissionsCalls,
    PlansCalls,
    PoliciesCalls,
    PolicyDifferencesCalls,
    PowerCalls,
    ProvisioningCalls,
    RaidArraysCalls,
    RegisteredCalls,
    RemoteAccessCalls,
    ScalingCalls,
    ServiceErrorsCalls,
    SignInCalls,
    StackModeCalls,
    StacksCalls,
    TagsCalls,
    UserPoliciesCalls,
    UserProfilesCalls,
    UsersCalls,
    VolumesCalls,
    WaitersCalls,
):
    """All operations and waiters as methods."""
