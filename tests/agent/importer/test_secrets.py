from __future__ import annotations

from toque.importer.secrets import of_layers, without
from toque.stackfile.model import (
    App,
    DataSource,
    Layer,
    RdsDbInstance,
    SecretRef,
    Source,
    SslConfiguration,
    Stack,
    StackFile,
)

ARN = "arn:aws:rds:eu-west-1:123456789012:db:shop"
DOCUMENT = StackFile(
    stack=Stack(name="shop", custom_cookbooks_source=Source(type="git", url="u", ssh_key=SecretRef("COOKBOOKS"))),
    rds_db_instances={ARN: RdsDbInstance(db_user="u", db_password=SecretRef("DATABASE"))},
    layers={"lb": Layer(type="lb", attributes={"A": "b", "Password": SecretRef("LB")})},
    apps={
        "store": App(
            app_source=Source(type="git", url="u", password=SecretRef("SOURCE")),
            data_sources=(DataSource(type="RdsDbInstance", arn=ARN),),
            enable_ssl=True,
            ssl_configuration=SslConfiguration(certificate="c", private_key=SecretRef("SSL")),
            environment={"STAGE": "live", "KEY": SecretRef("KEY"), "OTHER": SecretRef("OTHER")},
        )
    },
)


def test_without_missing_secrets_everything_stays() -> None:
    assert without(DOCUMENT, []) == (DOCUMENT, [])


def test_what_needs_a_missing_secret_goes_and_the_rest_stays() -> None:
    document, remarks = without(DOCUMENT, ["COOKBOOKS", "DATABASE", "SOURCE", "SSL", "KEY"])

    assert document.stack.custom_cookbooks_source == Source(type="git", url="u")
    assert document.rds_db_instances == {}
    assert document.layers == DOCUMENT.layers
    assert document.apps == {
        "store": App(
            app_source=Source(type="git", url="u"),
            ssl_configuration=SslConfiguration(certificate="c"),
            environment={"STAGE": "live", "OTHER": SecretRef("OTHER")},
        )
    }
    assert [f"{each.verdict}: {each}" for each in remarks] == [
        "to do: CustomCookbooksSource: its ssh key was never shown: give COOKBOOKS, or set it by hand",
        f"left out: database {ARN}: it is registered when its password is given: DATABASE",
        "to do: app store: the secure variable KEY was never shown: give KEY, or set it by hand",
        "to do: app store: its password was never shown: give SOURCE, or set it by hand",
        "to do: app store: SSL is off, since its private key was never shown: give SSL",
        "to do: app store: it has no database until that is registered",
    ]


def test_a_section_that_is_not_managed_stays_so() -> None:
    bare = StackFile(stack=Stack(name="shop"))

    assert without(bare, ["KEY"]) == (bare, [])


def test_passwords_of_layers_are_known_by_name() -> None:
    assert of_layers(DOCUMENT) == ["LB"]
