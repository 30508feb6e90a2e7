"""The structures of the API. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from typing import Any


from toque.client.structure import Structure


class AccessKey(Structure, frozen=True, kw_only=True):
    access_key_id: str
    active: bool
    created_at: str
    last_used_at: str | None = None


class AgentVersion(Structure, frozen=True, kw_only=True):
    version: str
    configuration_manager: ConfigurationManager


class ApiToken(Structure, frozen=True, kw_only=True):
    token_id: str
    label: str
    created_at: str
    expires_at: str | None = None
    last_used_at: str | None = None


class App(Structure, frozen=True, kw_only=True):
    app_id: str
    stack_id: str
    shortname: str
    name: str
    data_sources: list[DataSource]
    type: str
    app_source: Source
    domains: list[str]
    enable_ssl: bool
    ssl_configuration: SentSslConfiguration
    attributes: dict[str, str | None]
    created_at: str
    environment: list[EnvironmentVariable]
    description: str | None = None


class AttributeExplained(Structure, frozen=True, kw_only=True):
    key: str
    levels: list[LevelSaid]
    value: str | None = None
    level: str | None = None
    set_by: str | None = None
    set_at: str | None = None


class Attributes(Structure, frozen=True, kw_only=True):
    level: str
    owner_id: str
    custom_json: str
    updated_at: str
    updated_by: str


class AuditEvent(Structure, frozen=True, kw_only=True):
    number: int
    event_time: str
    event_name: str
    user_arn: str
    request_parameters: dict[str, Any]
    access_key_id: str | None = None
    source_ip: str | None = None
    request_id: str | None = None
    error_code: str | None = None
    reason: str | None = None
    stack_id: str | None = None


class AutoScalingThresholds(Structure, frozen=True, kw_only=True):
    instance_count: int | None = None
    thresholds_wait_time: int | None = None
    ignore_metrics_time: int | None = None
    cpu_threshold: float | None = None
    memory_threshold: float | None = None
    load_threshold: float | None = None
    alarms: list[str] | None = None


class BlockDeviceMapping(Structure, frozen=True, kw_only=True):
    device_name: str | None = None
    no_device: str | None = None
    virtual_name: str | None = None
    ebs: Ebs | None = None


class Bundle(Structure, frozen=True, kw_only=True):
    digest: str
    size: int
    added_at: str
    source: str
    is_current: bool
    cookbooks: list[Cookbook]


class ChefConfiguration(Structure, frozen=True, kw_only=True):
    manage_berkshelf: bool | None = None
    berkshelf_version: str | None = None


class CloudWatchLogsConfiguration(Structure, frozen=True, kw_only=True):
    enabled: bool | None = None
    log_streams: list[CloudWatchLogsLogStream] | None = None


class CloudWatchLogsLogStream(Structure, frozen=True, kw_only=True):
    log_group_name: str | None = None
    datetime_format: str | None = None
    time_zone: str | None = None
    file: str | None = None
    file_fingerprint_lines: str | None = None
    multi_line_start_pattern: str | None = None
    initial_position: str | None = None
    encoding: str | None = None
    buffer_duration: int | None = None
    batch_count: int | None = None
    batch_size: int | None = None


class Command(Structure, frozen=True, kw_only=True):
    command_id: str
    instance_id: str
    created_at: str
    status: str
    type: str
    deployment_id: str | None = None
    acknowledged_at: str | None = None
    completed_at: str | None = None
    exit_code: int | None = None
    log_url: str | None = None


class CommandDetail(Structure, frozen=True, kw_only=True):
    command_id: str
    stack_id: str
    instance_id: str
    hostname: str
    type: str
    recipes: list[str]
    state: str
    reason: str
    created_at: str
    deployment_id: str | None = None
    user_arn: str | None = None
    exit_code: int | None = None
    dispatched_at: str | None = None
    acknowledged_at: str | None = None
    completed_at: str | None = None
    seconds: float | None = None
    changed: int | None = None
    intended: int | None = None
    drift_corrected: int | None = None
    flapping: list[str] | None = None


class Condition(Structure, frozen=True, kw_only=True):
    instance_id: str
    hostname: str
    status: str
    since: str
    reason: str
    healing: bool
    persistent: bool
    provider: str
    problems: list[str]
    facts: dict[str, Any]
    last_contact_at: str | None = None
    silent_seconds: int | None = None
    agent_version: str | None = None
    running: str | None = None


class ConfigurationManager(Structure, frozen=True, kw_only=True):
    name: str | None = None
    version: str | None = None


class Cookbook(Structure, frozen=True, kw_only=True):
    name: str
    version: str
    recipes: list[str]


class CookbookChange(Structure, frozen=True, kw_only=True):
    name: str
    before: str | None = None
    after: str | None = None


class DataBagItem(Structure, frozen=True, kw_only=True):
    bag: str
    item: str
    level: str
    owner_id: str
    version: int
    updated_at: str
    updated_by: str


class DataSource(Structure, frozen=True, kw_only=True):
    type: str | None = None
    arn: str | None = None
    database_name: str | None = None


class Database(Structure, frozen=True, kw_only=True):
    rds_db_instance_arn: str
    db_instance_identifier: str
    address: str
    port: int
    engine: str
    updated_at: str
    updated_by: str
    stack_id: str | None = None


class Deployment(Structure, frozen=True, kw_only=True):
    deployment_id: str
    stack_id: str
    created_at: str
    command: DeploymentCommand
    status: str
    instance_ids: list[str]
    app_id: str | None = None
    completed_at: str | None = None
    duration: int | None = None
    iam_user_arn: str | None = None
    comment: str | None = None
    custom_json: str | None = None


class DeploymentCommand(Structure, frozen=True, kw_only=True):
    name: str
    args: dict[str, list[str]] | None = None


class Drift(Structure, frozen=True, kw_only=True):
    instance_id: str
    hostname: str
    runs: int
    intended: int
    drift_corrected: int
    flapping: list[str]
    last_drift_at: str | None = None


class Ebs(Structure, frozen=True, kw_only=True):
    snapshot_id: str | None = None
    iops: int | None = None
    volume_size: int | None = None
    volume_type: str | None = None
    delete_on_termination: bool | None = None


class EcsCluster(Structure, frozen=True, kw_only=True):
    ecs_cluster_arn: str
    ecs_cluster_name: str
    stack_id: str
    registered_at: str


class ElasticIp(Structure, frozen=True, kw_only=True):
    ip: str
    domain: str
    region: str
    name: str | None = None
    instance_id: str | None = None


class ElasticLoadBalancer(Structure, frozen=True, kw_only=True):
    elastic_load_balancer_name: str
    region: str
    stack_id: str
    layer_id: str
    availability_zones: list[str]
    subnet_ids: list[str]
    ec2_instance_ids: list[str]
    dns_name: str | None = None
    vpc_id: str | None = None


class EnvironmentVariable(Structure, frozen=True, kw_only=True):
    key: str
    value: str
    secure: bool | None = None


class Event(Structure, frozen=True, kw_only=True):
    number: int
    at: str
    kind: str
    message: str
    data: dict[str, Any]
    stack_id: str | None = None
    instance_id: str | None = None


class Instance(Structure, frozen=True, kw_only=True):
    agent_version: str
    architecture: str
    arn: str
    created_at: str
    ebs_optimized: bool
    hostname: str
    infrastructure_class: str
    install_updates_on_boot: bool
    instance_id: str
    layer_ids: list[str]
    reported_os: ReportedOs
    root_device_type: str
    security_group_ids: list[str]
    stack_id: str
    status: str
    ami_id: str | None = None
    auto_scaling_type: str | None = None
    availability_zone: str | None = None
    block_device_mappings: list[BlockDeviceMapping] | None = None
    ec2_instance_id: str | None = None
    ecs_cluster_arn: str | None = None
    ecs_container_instance_arn: str | None = None
    elastic_ip: str | None = None
    instance_profile_arn: str | None = None
    instance_type: str | None = None
    last_service_error_id: str | None = None
    os: str | None = None
    platform: str | None = None
    private_dns: str | None = None
    private_ip: str | None = None
    public_dns: str | None = None
    public_ip: str | None = None
    registered_by: str | None = None
    reported_agent_version: str | None = None
    root_device_volume_id: str | None = None
    ssh_host_dsa_key_fingerprint: str | None = None
    ssh_host_rsa_key_fingerprint: str | None = None
    ssh_key_name: str | None = None
    subnet_id: str | None = None
    tenancy: str | None = None
    virtualization_type: str | None = None


class InstanceIdentity(Structure, frozen=True, kw_only=True):
    document: str | None = None
    signature: str | None = None


class InstancesCount(Structure, frozen=True, kw_only=True):
    assigning: int | None = None
    booting: int | None = None
    connection_lost: int | None = None
    deregistering: int | None = None
    online: int | None = None
    pending: int | None = None
    rebooting: int | None = None
    registered: int | None = None
    registering: int | None = None
    requested: int | None = None
    running_setup: int | None = None
    setup_failed: int | None = None
    shutting_down: int | None = None
    start_failed: int | None = None
    stop_failed: int | None = None
    stopped: int | None = None
    stopping: int | None = None
    terminated: int | None = None
    terminating: int | None = None
    unassigning: int | None = None


class JoinToken(Structure, frozen=True, kw_only=True):
    token_id: str
    layer_ids: list[str]
    uses_left: int
    created_at: str
    expires_at: str
    created_by: str
    instance_id: str | None = None


class Layer(Structure, frozen=True, kw_only=True):
    arn: str
    stack_id: str
    layer_id: str
    type: str
    name: str
    shortname: str
    attributes: dict[str, str | None]
    cloud_watch_logs_configuration: CloudWatchLogsConfiguration
    custom_security_group_ids: list[str]
    default_security_group_names: list[str]
    packages: list[str]
    volume_configurations: list[VolumeConfiguration]
    enable_auto_healing: bool
    auto_assign_elastic_ips: bool
    auto_assign_public_ips: bool
    default_recipes: Recipes
    custom_recipes: Recipes
    created_at: str
    install_updates_on_boot: bool
    use_ebs_optimized_instances: bool
    lifecycle_event_configuration: LifecycleEventConfiguration
    custom_instance_profile_arn: str | None = None
    custom_json: str | None = None


class LevelSaid(Structure, frozen=True, kw_only=True):
    level: str
    origin: str
    effect: str
    value: str | None = None
    set_by: str | None = None
    set_at: str | None = None


class LifecycleEventConfiguration(Structure, frozen=True, kw_only=True):
    shutdown: ShutdownEventConfiguration | None = None


class LoadBasedAutoScalingConfiguration(Structure, frozen=True, kw_only=True):
    layer_id: str
    enable: bool
    up_scaling: AutoScalingThresholds
    down_scaling: AutoScalingThresholds


class Metric(Structure, frozen=True, kw_only=True):
    name: str
    unit: str
    average: list[float]
    minimum: list[float]
    maximum: list[float]


class MyUserProfile(Structure, frozen=True, kw_only=True):
    iam_user_arn: str
    name: str
    ssh_username: str | None = None
    ssh_public_key: str | None = None


class NodeKey(Structure, frozen=True, kw_only=True):
    key_id: str
    instance_id: str
    state: str
    conflict: bool
    fingerprint: str
    created_at: str
    age_seconds: int
    hostname: str | None = None
    last_contact_at: str | None = None
    machine_id: str | None = None
    product_uuid: str | None = None
    provider_instance_id: str | None = None


class OperatingSystem(Structure, frozen=True, kw_only=True):
    id: str
    name: str
    type: str
    configuration_managers: list[ConfigurationManager]
    reported_name: str | None = None
    reported_version: str | None = None
    supported: bool | None = None


class Permission(Structure, frozen=True, kw_only=True):
    stack_id: str
    iam_user_arn: str
    allow_ssh: bool
    allow_sudo: bool
    level: str


class Policy(Structure, frozen=True, kw_only=True):
    version: int
    digest: str
    issued_at: str
    expires_at: str
    is_current: bool
    signed_by: str
    parts: dict[str, str]
    bundles: dict[str, str]


class PolicyBundle(Structure, frozen=True, kw_only=True):
    bundle: str
    cookbooks: list[CookbookChange]
    before: str | None = None
    after: str | None = None


class PolicyPart(Structure, frozen=True, kw_only=True):
    part: str
    kind: str
    title: str
    change: str
    values: list[PolicyValue]
    more_values: int


class PolicyRevision(Structure, frozen=True, kw_only=True):
    version: int
    digest: str
    issued_at: str
    is_current: bool


class PolicyValue(Structure, frozen=True, kw_only=True):
    path: str
    before: str | None = None
    after: str | None = None


class PredefinedPolicy(Structure, frozen=True, kw_only=True):
    policy_name: str
    policy_arn: str
    description: str
    policy_document: str


class Progress(Structure, frozen=True, kw_only=True):
    deployment_id: str
    stack_id: str
    command: str
    recipes: list[str]
    status: str
    created_at: str
    seconds: float
    commands: dict[str, int]
    app_id: str | None = None
    user_arn: str | None = None
    comment: str | None = None
    completed_at: str | None = None


class RaidArray(Structure, frozen=True, kw_only=True):
    raid_array_id: str
    raid_level: int
    number_of_disks: int
    size: int
    created_at: str
    stack_id: str
    volume_type: str
    instance_id: str | None = None
    name: str | None = None
    device: str | None = None
    mount_point: str | None = None
    availability_zone: str | None = None
    iops: int | None = None


class RdsDbInstance(Structure, frozen=True, kw_only=True):
    rds_db_instance_arn: str
    db_instance_identifier: str
    db_user: str
    region: str
    stack_id: str
    missing_on_rds: bool
    db_password: str | None = None
    address: str | None = None
    engine: str | None = None


class Recipes(Structure, frozen=True, kw_only=True):
    setup: list[str] | None = None
    configure: list[str] | None = None
    deploy: list[str] | None = None
    undeploy: list[str] | None = None
    shutdown: list[str] | None = None


class ReportedOs(Structure, frozen=True, kw_only=True):
    family: str | None = None
    name: str | None = None
    version: str | None = None


class Schedule(Structure, frozen=True, kw_only=True):
    monday: dict[str, str] | None = None
    tuesday: dict[str, str] | None = None
    wednesday: dict[str, str] | None = None
    thursday: dict[str, str] | None = None
    friday: dict[str, str] | None = None
    saturday: dict[str, str] | None = None
    sunday: dict[str, str] | None = None


class SentSslConfiguration(Structure, frozen=True, kw_only=True):
    certificate: str | None = None
    private_key: str | None = None
    chain: str | None = None


class SentVariable(Structure, frozen=True, kw_only=True):
    key: str
    value: str | None = None
    secure: bool | None = None


class ServiceError(Structure, frozen=True, kw_only=True):
    service_error_id: str
    stack_id: str
    type: str
    message: str
    created_at: str
    instance_id: str | None = None


class Session(Structure, frozen=True, kw_only=True):
    session_id: str
    created_at: str
    last_seen_at: str


class ShutdownEventConfiguration(Structure, frozen=True, kw_only=True):
    execution_timeout: int | None = None
    delay_until_elb_connections_drained: bool | None = None


class Source(Structure, frozen=True, kw_only=True):
    type: str | None = None
    url: str | None = None
    username: str | None = None
    password: str | None = None
    ssh_key: str | None = None
    revision: str | None = None


class Stack(Structure, frozen=True, kw_only=True):
    stack_id: str
    name: str
    arn: str
    region: str
    attributes: dict[str, str]
    service_role_arn: str
    default_instance_profile_arn: str
    default_os: str
    hostname_theme: str
    configuration_manager: ConfigurationManager
    chef_configuration: ChefConfiguration
    use_custom_cookbooks: bool
    use_opsworks_security_groups: bool
    custom_cookbooks_source: Source
    created_at: str
    default_root_device_type: str
    agent_version: str
    vpc_id: str | None = None
    default_availability_zone: str | None = None
    default_subnet_id: str | None = None
    custom_json: str | None = None
    default_ssh_key_name: str | None = None


class StackOverview(Structure, frozen=True, kw_only=True):
    stack_id: str
    name: str
    region: str
    created_at: str
    layers: int
    apps: int
    instances: dict[str, int]
    running_deployments: int
    strict: bool


class StackSummary(Structure, frozen=True, kw_only=True):
    stack_id: str
    name: str
    arn: str
    layers_count: int
    apps_count: int
    instances_count: InstancesCount


class TemporaryCredential(Structure, frozen=True, kw_only=True):
    username: str
    password: str
    valid_for_in_minutes: int
    instance_id: str


class TimeBasedAutoScalingConfiguration(Structure, frozen=True, kw_only=True):
    instance_id: str
    auto_scaling_schedule: Schedule


class User(Structure, frozen=True, kw_only=True):
    user_arn: str
    name: str
    administrator: bool
    has_profile: bool
    has_password: bool
    created_at: str


class UserPolicy(Structure, frozen=True, kw_only=True):
    policy_name: str
    policy_document: str
    policy_arn: str | None = None
    updated_at: str | None = None
    updated_by: str | None = None


class UserProfile(Structure, frozen=True, kw_only=True):
    iam_user_arn: str
    name: str
    ssh_username: str
    allow_self_management: bool
    ssh_public_key: str | None = None


class Volume(Structure, frozen=True, kw_only=True):
    volume_id: str
    status: str
    region: str
    encrypted: bool
    ec2_volume_id: str | None = None
    name: str | None = None
    raid_array_id: str | None = None
    instance_id: str | None = None
    size: int | None = None
    device: str | None = None
    mount_point: str | None = None
    availability_zone: str | None = None
    volume_type: str | None = None
    iops: int | None = None


class VolumeConfiguration(Structure, frozen=True, kw_only=True):
    mount_point: str
    number_of_disks: int
    size: int
    raid_level: int | None = None
    volume_type: str | None = None
    iops: int | None = None
    encrypted: bool | None = None


class CloneStackResult(Structure, frozen=True, kw_only=True):
    stack_id: str


class CreateAccessKeyResult(Structure, frozen=True, kw_only=True):
    access_key_id: str
    secret_access_key: str
    user_arn: str


class CreateApiTokenResult(Structure, frozen=True, kw_only=True):
    token: str
    token_id: str
    user_arn: str
    expires_at: str | None = None


class CreateAppResult(Structure, frozen=True, kw_only=True):
    app_id: str


class CreateDeploymentResult(Structure, frozen=True, kw_only=True):
    deployment_id: str


class CreateInstanceResult(Structure, frozen=True, kw_only=True):
    instance_id: str


class CreateJoinTokenResult(Structure, frozen=True, kw_only=True):
    token: str
    token_id: str
    expires_at: str
    enrol_command: str


class CreateLayerResult(Structure, frozen=True, kw_only=True):
    layer_id: str


class CreateRegistrationResult(Structure, frozen=True, kw_only=True):
    user_arn: str
    access_key_id: str
    secret_access_key: str
    expires_at: str


class CreateStackResult(Structure, frozen=True, kw_only=True):
    stack_id: str


class CreateUserResult(Structure, frozen=True, kw_only=True):
    user_arn: str


class CreateUserProfileResult(Structure, frozen=True, kw_only=True):
    iam_user_arn: str


class DeleteDataBagResult(Structure, frozen=True, kw_only=True):
    items_deleted: int


class DescribeAccessKeysResult(Structure, frozen=True, kw_only=True):
    access_keys: list[AccessKey]


class DescribeAgentVersionsResult(Structure, frozen=True, kw_only=True):
    agent_versions: list[AgentVersion]


class DescribeApiTokensResult(Structure, frozen=True, kw_only=True):
    api_tokens: list[ApiToken]
    next_token: str | None = None


class DescribeAppsResult(Structure, frozen=True, kw_only=True):
    apps: list[App]


class DescribeAttributesResult(Structure, frozen=True, kw_only=True):
    attributes: list[Attributes]
    next_token: str | None = None


class DescribeAuditEventsResult(Structure, frozen=True, kw_only=True):
    events: list[AuditEvent]
    next_token: str | None = None
    tampered: list[int] | None = None


class DescribeCallerResult(Structure, frozen=True, kw_only=True):
    user_arn: str
    name: str
    account_id: str
    administrator: bool
    self_management: bool
    has_password: bool


class DescribeCommandDetailsResult(Structure, frozen=True, kw_only=True):
    commands: list[CommandDetail]
    next_token: str | None = None


class DescribeCommandsResult(Structure, frozen=True, kw_only=True):
    commands: list[Command]


class DescribeConditionsResult(Structure, frozen=True, kw_only=True):
    conditions: list[Condition]
    next_token: str | None = None


class DescribeCookbooksResult(Structure, frozen=True, kw_only=True):
    bundles: list[Bundle]
    running: dict[str, str | None]
    current_digest: str | None = None
    next_token: str | None = None


class DescribeDataBagsResult(Structure, frozen=True, kw_only=True):
    items: list[DataBagItem]
    next_token: str | None = None


class DescribeDatabasesResult(Structure, frozen=True, kw_only=True):
    databases: list[Database]
    next_token: str | None = None


class DescribeDeploymentsResult(Structure, frozen=True, kw_only=True):
    deployments: list[Deployment]


class DescribeDriftResult(Structure, frozen=True, kw_only=True):
    drift: list[Drift]
    next_token: str | None = None


class DescribeEcsClustersResult(Structure, frozen=True, kw_only=True):
    ecs_clusters: list[EcsCluster]
    next_token: str | None = None


class DescribeElasticIpsResult(Structure, frozen=True, kw_only=True):
    elastic_ips: list[ElasticIp]


class DescribeElasticLoadBalancersResult(Structure, frozen=True, kw_only=True):
    elastic_load_balancers: list[ElasticLoadBalancer]


class DescribeEventsResult(Structure, frozen=True, kw_only=True):
    events: list[Event]
    last_number: int
    next_token: str | None = None


class DescribeInstancesResult(Structure, frozen=True, kw_only=True):
    instances: list[Instance]


class DescribeJoinTokensResult(Structure, frozen=True, kw_only=True):
    join_tokens: list[JoinToken]
    next_token: str | None = None


class DescribeLayersResult(Structure, frozen=True, kw_only=True):
    layers: list[Layer]


class DescribeLoadBasedAutoScalingResult(Structure, frozen=True, kw_only=True):
    load_based_auto_scaling_configurations: list[LoadBasedAutoScalingConfiguration]


class DescribeMetricsResult(Structure, frozen=True, kw_only=True):
    since: str
    until: str
    resolution_seconds: int
    instances: int
    times: list[str]
    samples: list[int]
    metrics: list[Metric]


class DescribeMyPermissionsResult(Structure, frozen=True, kw_only=True):
    permissions: list[Permission]


class DescribeMyUserProfileResult(Structure, frozen=True, kw_only=True):
    user_profile: MyUserProfile


class DescribeNodeKeysResult(Structure, frozen=True, kw_only=True):
    node_keys: list[NodeKey]
    next_token: str | None = None


class DescribeOperatingSystemsResult(Structure, frozen=True, kw_only=True):
    operating_systems: list[OperatingSystem]


class DescribePermissionsResult(Structure, frozen=True, kw_only=True):
    permissions: list[Permission]


class DescribePolicyResult(Structure, frozen=True, kw_only=True):
    policy: Policy


class DescribePolicyDifferencesResult(Structure, frozen=True, kw_only=True):
    from_version: int
    to_version: int
    parts: list[PolicyPart]
    bundles: list[PolicyBundle]
    next_token: str | None = None


class DescribePolicyRevisionsResult(Structure, frozen=True, kw_only=True):
    revisions: list[PolicyRevision]
    next_token: str | None = None


class DescribePredefinedPoliciesResult(Structure, frozen=True, kw_only=True):
    policies: list[PredefinedPolicy]


class DescribeProgressResult(Structure, frozen=True, kw_only=True):
    deployments: list[Progress]
    next_token: str | None = None


class DescribeRaidArraysResult(Structure, frozen=True, kw_only=True):
    raid_arrays: list[RaidArray]


class DescribeRdsDbInstancesResult(Structure, frozen=True, kw_only=True):
    rds_db_instances: list[RdsDbInstance]


class DescribeServiceErrorsResult(Structure, frozen=True, kw_only=True):
    service_errors: list[ServiceError]


class DescribeSessionsResult(Structure, frozen=True, kw_only=True):
    sessions: list[Session]
    next_token: str | None = None


class DescribeStackOverviewsResult(Structure, frozen=True, kw_only=True):
    stacks: list[StackOverview]
    next_token: str | None = None


class DescribeStackProvisioningParametersResult(Structure, frozen=True, kw_only=True):
    agent_installer_url: str
    parameters: dict[str, str]


class DescribeStackSummaryResult(Structure, frozen=True, kw_only=True):
    stack_summary: StackSummary


class DescribeStacksResult(Structure, frozen=True, kw_only=True):
    stacks: list[Stack]


class DescribeTimeBasedAutoScalingResult(Structure, frozen=True, kw_only=True):
    time_based_auto_scaling_configurations: list[TimeBasedAutoScalingConfiguration]


class DescribeUserPoliciesResult(Structure, frozen=True, kw_only=True):
    policies: list[UserPolicy]


class DescribeUserProfilesResult(Structure, frozen=True, kw_only=True):
    user_profiles: list[UserProfile]


class DescribeUsersResult(Structure, frozen=True, kw_only=True):
    users: list[User]
    next_token: str | None = None


class DescribeVolumesResult(Structure, frozen=True, kw_only=True):
    volumes: list[Volume]


class EndSessionsResult(Structure, frozen=True, kw_only=True):
    sessions_ended: int


class ExplainAccessResult(Structure, frozen=True, kw_only=True):
    allowed: bool
    rule: str
    statements: list[str]
    level: str
    explanation: str


class ExplainAttributesResult(Structure, frozen=True, kw_only=True):
    attributes: list[AttributeExplained]
    deployment_id: str | None = None
    next_token: str | None = None


class GetCommandLogResult(Structure, frozen=True, kw_only=True):
    text: str
    offset: int
    next_offset: int
    size: int
    complete: bool
    kept: bool
    status: str
    reason: str


class GetCookbooksResult(Structure, frozen=True, kw_only=True):
    archive: str


class GetDataBagItemResult(Structure, frozen=True, kw_only=True):
    value: dict[str, Any]
    version: int
    updated_at: str
    updated_by: str


class GetHostnameSuggestionResult(Structure, frozen=True, kw_only=True):
    layer_id: str
    hostname: str


class GrantAccessResult(Structure, frozen=True, kw_only=True):
    temporary_credential: TemporaryCredential


class ListTagsResult(Structure, frozen=True, kw_only=True):
    tags: dict[str, str]
    next_token: str | None = None


class PlanRecipesResult(Structure, frozen=True, kw_only=True):
    command_id: str
    deployment_id: str


class PublishCookbooksResult(Structure, frozen=True, kw_only=True):
    digest: str
    cookbooks: list[Cookbook]


class PutDataBagItemResult(Structure, frozen=True, kw_only=True):
    version: int


class RegisterEcsClusterResult(Structure, frozen=True, kw_only=True):
    ecs_cluster_arn: str


class RegisterElasticIpResult(Structure, frozen=True, kw_only=True):
    elastic_ip: str


class RegisterInstanceResult(Structure, frozen=True, kw_only=True):
    instance_id: str


class RegisterVolumeResult(Structure, frozen=True, kw_only=True):
    volume_id: str
