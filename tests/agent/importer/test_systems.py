from __future__ import annotations

import pytest

from toque.importer.systems import System, nearest

KNOWN = [
    System("Ubuntu 24.04 LTS", "ubuntu", (24, 4), True),
    System("Ubuntu 22.04 LTS", "ubuntu", (22, 4), True),
    System("Debian 12", "debian", (12,), True),
    System("Red Hat Enterprise Linux 9", "red hat enterprise linux", (9,), True),
    System("Rocky Linux 9", "rocky", (9,), True),
    System("Amazon Linux 2023", "amazon", (2023,), True),
    System("Custom", "", (), True),
    System("Amazon Linux 2", "amazon", (2,), False),
    System("Amazon Linux 2018.03", "amazon", (2018, 3), False),
    System("CentOS Linux 7", "centos linux", (7,), False),
    System("Ubuntu 14.04 LTS", "ubuntu", (14, 4), False),
    System("Microsoft Windows Server 2012 R2 Base", "microsoft windows server", (), False),
]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Ubuntu 24.04 LTS", "Ubuntu 24.04 LTS"),
        ("Ubuntu 14.04 LTS", "Ubuntu 22.04 LTS"),
        ("Ubuntu 20.04 LTS", "Ubuntu 22.04 LTS"),
        ("Ubuntu 23.10", "Ubuntu 24.04 LTS"),
        ("Ubuntu 26.04 LTS", "Ubuntu 24.04 LTS"),
        ("Amazon Linux 2", "Amazon Linux 2023"),
        ("Amazon Linux 2018.03", "Amazon Linux 2023"),
        ("Amazon Linux 2012.09", "Amazon Linux 2023"),
        ("CentOS Linux 7", "Rocky Linux 9"),
        ("CentOS 6", "Rocky Linux 9"),
        ("Red Hat Enterprise Linux 7", "Red Hat Enterprise Linux 9"),
        ("Debian 8", "Debian 12"),
        ("Custom", "Custom"),
        ("Microsoft Windows Server 2012 R2 Base", None),
        ("Plan 9", None),
    ],
)
def test_an_old_system_is_followed_by_the_next_of_its_family(old: str, new: str | None) -> None:
    assert nearest(old, KNOWN) == new
