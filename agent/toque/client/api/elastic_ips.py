"""Operations on elastic ips. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    DescribeElasticIpsResult,
    RegisterElasticIpResult,
)
from toque.client.calling import OPSWORKS, Calls


class ElasticIpsCalls(Calls):
    """Operations on elastic ips."""

    def associate_elastic_ip(
        self,
        *,
        elastic_ip: str,
        instance_id: str | None = None,
    ) -> None:
        """Put an address on an instance of its stack, whatever the instance's status; every online instance configures.

        It is taken from the instance that has it now, without asking; another address of the new one is free afterwards.
        Where it is there already, this is a success that changes nothing.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("AssociateElasticIp", OPSWORKS, {"ElasticIp": elastic_ip, "InstanceId": instance_id}, reads=False)

    def deregister_elastic_ip(
        self,
        *,
        elastic_ip: str,
    ) -> None:
        """Forget an address, so that another stack may register it; nothing else becomes of it.

        One that an instance has is disassociated first: every online instance configures.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeregisterElasticIp", OPSWORKS, {"ElasticIp": elastic_ip}, reads=False)

    def describe_elastic_ips(
        self,
        *,
        instance_id: str | None = None,
        stack_id: str | None = None,
        ips: Sequence[str] | None = None,
    ) -> DescribeElasticIpsResult:
        """Describe the addresses of a stack, of an instance, or the named ones.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeElasticIps", OPSWORKS, {"InstanceId": instance_id, "StackId": stack_id, "Ips": ips}, DescribeElasticIpsResult, reads=True)

    def disassociate_elastic_ip(
        self,
        *,
        elastic_ip: str,
    ) -> None:
        """Take an address from its instance; it stays registered with the stack, and every online instance configures.

        Where no instance has it, this is a success that changes nothing.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DisassociateElasticIp", OPSWORKS, {"ElasticIp": elastic_ip}, reads=False)

    def register_elastic_ip(
        self,
        *,
        elastic_ip: str,
        stack_id: str,
    ) -> RegisterElasticIpResult:
        """Register an IPv4 address with a stack, so that its instances may have it.

        An address is registered with one stack at a time: deregister it there before you register it here.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("RegisterElasticIp", OPSWORKS, {"ElasticIp": elastic_ip, "StackId": stack_id}, RegisterElasticIpResult, reads=False)

    def update_elastic_ip(
        self,
        *,
        elastic_ip: str,
        name: str | None = None,
    ) -> None:
        """Give an address a name of at most 32 characters.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateElasticIp", OPSWORKS, {"ElasticIp": elastic_ip, "Name": name}, reads=False)
