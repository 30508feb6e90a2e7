"""`toque opsworks register`: make a machine that exists already an instance of a stack (chapter 08 § 10.2).

The same options and refusals as `aws opsworks register`. What that does through IAM is one operation here,
CreateRegistration; on the machine both start the same installer. Exit codes: those of `toque opsworks`, and 255 for
what cannot be done, or failed on the machine.
"""

from __future__ import annotations

import logging
import platform
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from toque.cli import aws_options, ec2, metadata_service, preconfig
from toque.cli.connection import CallFailed, Connection
from toque.cli.ec2 import NotFound
from toque.cli.metadata_service import NoMetadata
from toque.cli.opsworks import FAILED, WrongUse, connection_of, exit_code_of, failed

log = logging.getLogger(__name__)

_OPSWORKS: Final = "OpsWorks_20130218"
_TOQUE: Final = "Toque_20261122"
_HOSTNAME: Final = re.compile(r"^(?!-)[a-z0-9-]{1,63}(?<!-)$", re.IGNORECASE)

# Quoted here-documents: whatever stands in them reaches the machine as it is. Already root needs no sudo, which may not
# be there. The index that pip uses may be said in the environment of `--local`; sudo would drop it.
_SCRIPT: Final = """\
set -e
umask 077
folder=$(mktemp -d /tmp/opsworks-agent-installer.XXXXXXXXXXXXXXXX)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/ca.pem" <<'END_OF_CA'
{ca_pem}
END_OF_CA
if command -v curl >/dev/null; then
    curl --fail --silent --show-error --retry 5 --location {curl_ca} --output "$folder/installer.tgz" {url}
else
    wget --quiet --tries 5 {wget_ca} --output-document "$folder/installer.tgz" {url}
fi
tar xzf "$folder/installer.tgz" -C "$folder"
cat >"$folder/opsworks-agent-installer/preconfig" <<'END_OF_PRECONFIG'
{preconfig}
END_OF_PRECONFIG
if [ "$(id -u)" -eq 0 ]; then sudo=; else sudo=sudo; fi
$sudo env OPSWORKS_ASSETS_DOWNLOAD_BUCKET={bucket} \\
    ${{PIP_INDEX_URL:+"PIP_INDEX_URL=$PIP_INDEX_URL"}} \\
    ${{PIP_EXTRA_INDEX_URL:+"PIP_EXTRA_INDEX_URL=$PIP_EXTRA_INDEX_URL"}} \\
    "$folder/opsworks-agent-installer/boot-registration" </dev/null
"""


class Refusal(Exception):
    """What was asked for cannot be done; the message is the client's."""


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """The command line."""

    stack_id: str
    infrastructure_class: str
    hostname: str | None
    private_ip: str | None
    public_ip: str | None
    ssh: str | None
    username: str | None
    private_key: str | None
    local: bool
    use_instance_profile: bool
    target: str | None

    @property
    def is_cloud(self) -> bool:
        return self.infrastructure_class == "ec2"


class _Command(click.Command):
    """A command that takes the options of every `aws` command besides its own."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        valued = (*aws_options.VALUED, *aws_options.IGNORED)
        flags = (*aws_options.FLAGS, *aws_options.IGNORED_FLAGS)
        self.params += [click.Option([f"--{name}"], hidden=True) for name in valued]
        self.params += [click.Option([f"--{name}"], hidden=True, is_flag=True) for name in flags]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            # As with `aws`: `help` in the place of the options.
            return super().parse_args(ctx, ["--help"] if args[:1] == ["help"] else args)
        except click.UsageError as error:
            raise WrongUse(error.format_message()) from error


@click.command(cls=_Command, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--stack-id", required=True, help="The stack with which the machine will be registered.")
@click.option("--infrastructure-class", required=True, type=click.Choice(["ec2", "on-premises"]))
@click.option("--override-hostname", "hostname", help="The host name; by default that of the machine.")
@click.option("--override-private-ip", "private_ip", help="The private address to show. Not for ec2.")
@click.option("--override-public-ip", "public_ip", help="The public address to show. Not for ec2.")
@click.option("--override-ssh", "ssh", help="The command, with its options, that reaches the machine.")
@click.option("--ssh-username", "username", help="Who to be on the machine.")
@click.option("--ssh-private-key", "private_key", help="The private key file to reach the machine with.")
@click.option("--local", is_flag=True, help="Register this machine.")
@click.option("--use-instance-profile", is_flag=True, help="Register with the key of the machine's instance profile.")
@click.argument("target", required=False)
def register(**options: Any) -> None:
    """Install the agent on a machine and register the machine with a stack.

    TARGET is an EC2 instance's id, address or name, or the name or address of a machine on premises. It is reached by
    ssh; --local is for the machine on which this is called.
    """
    own = {name: options[name] for name in Arguments.__dataclass_fields__}
    chosen = _chosen({name: value for name, value in options.items() if name not in own and value})
    level = logging.DEBUG if chosen.debug else logging.WARNING
    logging.basicConfig(level=level, format="toque: %(message)s", stream=sys.stderr)
    try:
        carry_out(Arguments(**own), connection_of(chosen))
    except CallFailed as error:
        failed("register", error, exit_code_of(error))
    except (Refusal, NotFound, NoMetadata) as error:
        click.echo(f"toque: register: {error}", err=True)
        raise SystemExit(FAILED) from None


def _chosen(given: Mapping[str, Any]) -> aws_options.AwsOptions:
    pairs = [(name.replace("_", "-"), [] if value is True else [str(value)]) for name, value in given.items()]
    try:
        chosen, _ = aws_options.taken(pairs)
    except aws_options.BadOption as error:
        raise WrongUse(str(error)) from error
    return chosen


def carry_out(arguments: Arguments, server: Connection) -> None:
    """Register a machine. Raises Refusal, CallFailed, NotFound, NoMetadata."""
    check(arguments)
    log.debug("reading the stack and its provisioning parameters")
    [stack] = server.call("DescribeStacks", _OPSWORKS, {"StackIds": [arguments.stack_id]}, reads=True)["Stacks"]
    provisioning = server.call(
        "DescribeStackProvisioningParameters", _OPSWORKS, {"StackId": stack["StackId"]}, reads=True
    )
    machine = ec2.find(arguments.target, stack) if arguments.is_cloud and arguments.target else None
    _check_with(arguments, stack, server)
    parameters = dict(provisioning["Parameters"]) | _overrides(arguments)
    if not arguments.use_instance_profile:
        parameters |= _identity(arguments, stack, server)
    script = script_for(provisioning["AgentInstallerUrl"], parameters | {"stack_id": stack["StackId"]})
    if arguments.local:
        log.debug("starting the installer")
        # Over standard input: the key in it must not stand in the list of processes.
        _run(["/bin/sh"], script)
    else:
        log.debug("connecting to the machine to start the installer")
        _run(ssh_command(arguments, machine.address if machine else arguments.target or "", script), None)


def check(arguments: Arguments) -> None:
    """What is wrong whatever the server says. Raises Refusal."""
    for holds, why in _REFUSALS:
        if holds(arguments):
            raise Refusal(why)
    if arguments.hostname and not _HOSTNAME.match(arguments.hostname):
        raise Refusal(
            f"Invalid hostname: '{arguments.hostname}'. Hostnames must consist of letters, digits and dashes only and "
            "must not start or end with a dash."
        )


_REFUSALS: Final[tuple[tuple[Callable[[Arguments], bool], str], ...]] = (
    (lambda a: not a.target and not a.local, "One of target or --local is required."),
    (lambda a: bool(a.target and a.local), "Arguments target and --local are mutually exclusive."),
    (
        lambda a: a.local and platform.system() != "Linux",
        "Only Linux machines can be registered, and this is none.",
    ),
    (
        lambda a: bool(a.ssh and (a.username or a.private_key)),
        "Argument --override-ssh cannot be used together with --ssh-username or --ssh-private-key.",
    ),
    (lambda a: bool(a.is_cloud and a.private_ip), "--override-private-ip is not supported for EC2."),
    (lambda a: bool(a.is_cloud and a.public_ip), "--override-public-ip is not supported for EC2."),
    (
        lambda a: bool(not a.is_cloud and a.use_instance_profile),
        "--use-instance-profile is only supported for EC2.",
    ),
)


def script_for(url: str, parameters: Mapping[str, Any]) -> str:
    """What runs on the machine: fetch the installer, write what it must know beside it, start it as root."""
    ca_pem = str(parameters.get("ca_pem", "")).strip()
    return _SCRIPT.format(
        ca_pem=ca_pem,
        curl_ca='--cacert "$folder/ca.pem"' if ca_pem else "",
        wget_ca='--ca-certificate "$folder/ca.pem"' if ca_pem else "",
        url=shlex.quote(url),
        preconfig=preconfig.written(parameters),
        bucket=shlex.quote(str(parameters.get("assets_download_bucket", ""))),
    )


def ssh_command(arguments: Arguments, address: str, script: str) -> list[str]:
    """The argument list that runs `script` on the machine."""
    if arguments.ssh:
        call = shlex.split(arguments.ssh)
    else:
        call = ["ssh", "-tt"]
        if arguments.username:
            call += ["-l", arguments.username]
        if arguments.private_key:
            call += ["-i", arguments.private_key]
        call += ["--", address]
    return [*call, shlex.join(["/bin/sh", "-c", script])]


def _check_with(arguments: Arguments, stack: Mapping[str, Any], server: Connection) -> None:
    """What is wrong when one knows the stack. Raises Refusal."""
    if arguments.hostname:
        there = server.call("DescribeInstances", _OPSWORKS, {"StackId": stack["StackId"]}, reads=True)["Instances"]
        if any(arguments.hostname.lower() == str(each["Hostname"]).lower() for each in there):
            raise Refusal(f"Invalid hostname: '{arguments.hostname}'. Hostnames must be unique within a stack.")
    if arguments.is_cloud and arguments.local and metadata_service.identity().region != stack["Region"]:
        raise Refusal("The stack's and the instance's region must match.")


def _overrides(arguments: Arguments) -> dict[str, Any]:
    given = {"hostname": arguments.hostname, "private_ip": arguments.private_ip, "public_ip": arguments.public_ip}
    return {"import": arguments.is_cloud} | {name: value for name, value in given.items() if value}


def _identity(arguments: Arguments, stack: Mapping[str, Any], server: Connection) -> dict[str, str]:
    machine = arguments.hostname or arguments.target or socket.gethostname()
    log.debug("making an identity with which %s may register", machine)
    made = server.call("CreateRegistration", _TOQUE, {"StackId": stack["StackId"], "Machine": machine})
    return {"access_key_id": made["AccessKeyId"], "secret_access_key": made["SecretAccessKey"]}


def _run(argv: list[str], text: str | None) -> None:
    try:
        status = subprocess.run(argv, input=text, text=True).returncode
    except OSError as error:
        raise Refusal(f"{argv[0]} cannot be started: {error.strerror}") from error
    if status != 0:
        raise Refusal(f"the machine is not registered: {argv[0]} ended with {status}; what it said is above")
