"""Settings of the system's own tasks; set them under the key `toque` at any level."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """What the system may do on a node besides running the layers' recipes."""

    manage_hosts: bool = True
    """Keep a block in /etc/hosts with the online instances of the stack."""
    manage_users: bool = True
    """Keep the accounts of users with SSH access."""
    remove_users: bool = False
    """Remove these accounts when the machine is deregistered; else they stay, without their rights to sudo."""
    updates_on_boot: bool = True
    """Install operating-system updates in the Setup after a boot, where InstallUpdatesOnBoot asks for them."""
    undeploy_backup_days: int = 0
    """Keep a copy of an undeployed app's shared files for so long; 0 keeps none."""
