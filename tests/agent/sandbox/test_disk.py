from __future__ import annotations

from pathlib import Path

from toque.sandbox.disk import Disk, Layer, escaped, layers_in, outermost


def test_what_lies_beneath_a_covered_place_needs_no_cover_of_its_own() -> None:
    paths = [
        Path("/srv/data/sandboxes/one"),
        Path("/home"),
        Path("/srv/data"),
        Path("/srv/database"),
        Path("/home/me/x"),
    ]

    assert outermost(paths) == [Path("/home"), Path("/srv/data"), Path("/srv/database")]


def test_a_path_belongs_to_the_deepest_file_system_that_holds_it() -> None:
    root, var = (Layer(Path(lower), Path("/u"), Path("/w")) for lower in ("/", "/var"))
    disk = Disk(Path("/r"), (root, var), "trusted")

    assert disk.layer_of(Path("/var/lib/x")) is var
    assert disk.layer_of(Path("/variant")) is root
    assert var.place(Path("/var/lib/x")) == Path("/u/lib/x")


def test_the_root_of_the_host_is_always_a_layer_and_what_is_hidden_never() -> None:
    lowers = [layer.lower for layer in layers_in(Path("/d"), [Path("/srv")])]

    assert lowers[0] == Path("/")
    assert not any(lower.is_relative_to(hidden) for lower in lowers for hidden in ("/srv", "/proc", "/sys", "/home"))


def test_a_path_with_the_signs_of_mount_options_is_escaped() -> None:
    assert escaped(Path("/a:b,c\\d")) == "/a\\:b\\,c\\\\d"
