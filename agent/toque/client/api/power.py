"""Operations on power. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from toque.client.calling import OPSWORKS, TOQUE, Calls


class PowerCalls(Calls):
    """Operations on power."""

    def delete_instance(
        self,
        *,
        instance_id: str,
        delete_elastic_ip: bool | None = None,
        delete_volumes: bool | None = None,
    ) -> None:
        """Delete an instance that is stopped: its record and history, and what is left of its machine.

        Its keys end with it, and its id is never given again. So does the registration of its Elastic IP and of its
        volumes, unless `DeleteElasticIp` or `DeleteVolumes` is false; where it had an address, the others configure.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeleteInstance", OPSWORKS, {"InstanceId": instance_id, "DeleteElasticIp": delete_elastic_ip, "DeleteVolumes": delete_volumes}, reads=False)

    def heal_instance(
        self,
        *,
        instance_id: str,
    ) -> None:
        """Heal an instance now, whatever healing's guards and rations say (H11).

        It is stopped and started again, or replaced, without its Shutdown recipes: for a node that you know is dead.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("HealInstance", TOQUE, {"InstanceId": instance_id}, reads=False)

    def reboot_instance(
        self,
        *,
        instance_id: str,
    ) -> None:
        """Reboot an instance that is online or setup_failed. No event runs, and nothing is lost.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("RebootInstance", OPSWORKS, {"InstanceId": instance_id}, reads=False)

    def start_instance(
        self,
        *,
        instance_id: str,
    ) -> None:
        """Start an instance: a machine is ordered, its Setup and Deploy recipes run, and it comes online.

        Where it starts or is up already, this is a success that changes nothing. Instances of a scaler are started by it.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("StartInstance", OPSWORKS, {"InstanceId": instance_id}, reads=False)

    def start_stack(
        self,
        *,
        stack_id: str,
    ) -> None:
        """Start every 24/7 instance of a stack that is stopped or failed to start; all at once.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("StartStack", OPSWORKS, {"StackId": stack_id}, reads=False)

    def stop_instance(
        self,
        *,
        instance_id: str,
        force: bool | None = None,
    ) -> None:
        """Stop an instance: it leaves service at once, its Shutdown recipes run, and its machine goes down.

        An `ebs` instance keeps its machine's disk, an `instance-store` one does not.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("StopInstance", OPSWORKS, {"InstanceId": instance_id, "Force": force}, reads=False)

    def stop_stack(
        self,
        *,
        stack_id: str,
    ) -> None:
        """Stop every 24/7 instance of a stack; registered machines and those of a scaler are left alone.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("StopStack", OPSWORKS, {"StackId": stack_id}, reads=False)
