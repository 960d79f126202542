"""The Salesforce provisioner passes the suite against a sandbox: fields, choices, rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from importlib import import_module
from importlib.resources import files
from typing import Any

import pytest

from connector import Adapter, FieldSpec, ProvisionStep
from connector.testing import ProvisionerContract
from connector_salesforce.settings import SalesforceSettings
from sandbox_salesforce.objects import Edition
from tests.plugins.connector_salesforce.org import (
    Backend,
    account_id,
    adapter_of,
    an_org,
    settings_of,
)

METADATA = "http://soap.sforce.com/2006/04/metadata"
etree: Any = import_module("lxml.etree")  # zeep brings it; it has no types
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


class Fixtures:
    @pytest.fixture
    def backend(self) -> Iterator[Backend]:
        with an_org(marker=False) as made:
            yield made

    @pytest.fixture
    def settings(self, backend: Backend) -> SalesforceSettings:
        return settings_of(backend)

    @pytest.fixture
    def adapter(self, backend: Backend) -> Adapter[SalesforceSettings]:
        return adapter_of(backend)


@pytest.mark.long
class TestProvisioner(Fixtures, ProvisionerContract):
    def name(self, result: str) -> str:
        return f"Pyramid_{result}__c"

    def account(self, adapter: Adapter[SalesforceSettings]) -> dict[str, object]:
        return {"Id": account_id(1), "Name": "Account 1"}


def field(result: str, name: str = "", **more: Any) -> FieldSpec:
    """Return what a job asks for, as the host makes it."""
    kinds = {"tier": "choice", "movement": "choice", "profit": "money", "tier_locked": "flag"}
    choices = {"tier": ("Top", "Big"), "movement": ("upgrade", "downgrade", "lapsed")}
    made: Any = {"kind": kinds.get(result, "text"), "choices": choices.get(result, ())}
    named = name or f"Pyramid_{result}__c"
    return FieldSpec(named, result, f"Customer {result}", **(made | more))


@pytest.fixture
def backend() -> Iterator[Backend]:
    with an_org(marker=False) as made:
        yield made


def provisioned(
    backend: Backend, *fields: FieldSpec, apply: bool = True
) -> dict[str, ProvisionStep]:
    """Return the steps by what they are about."""
    opened = adapter_of(backend).provisioner
    assert opened is not None
    with closing(opened(settings_of(backend))) as provisioner:
        return {step.what: step for step in provisioner.provision(fields, apply=apply)}


FIELDS = tuple(field(name) for name in ("tier", "movement", "profit", "tier_locked", "run_id"))


@pytest.mark.long
def test_what_is_sent_fits_the_description_of_the_metadata_api(backend: Backend) -> None:
    provisioned(backend, *FIELDS)
    provisioned(backend, field("tier", choices=("Top", "Big", "Bronze")))
    valid = metadata_schema()
    bodies = [one.content for one in backend.wire.sent if "/Soap/m/" in one.url.path]
    said = [etree.fromstring(body).find(f"{{{ENVELOPE}}}Body")[0] for body in bodies]
    assert {etree.QName(one).localname for one in said} == {
        "readMetadata", "upsertMetadata", "listMetadata", "updateMetadata",
    }  # fmt: skip
    for one in said:
        valid.assertValid(one)


@pytest.mark.long
def test_a_field_that_nobody_may_see_is_only_shown(backend: Backend) -> None:
    provisioned(backend, field("tier"))
    backend.sandbox.sql('DELETE FROM "FieldPermissions"')
    backend.sandbox.permissions.forget()
    backend.wire.sent.clear()
    steps = provisioned(backend, field("tier"))
    assert steps["field Account.Pyramid_tier__c"].state == "done"
    assert not [one for one in backend.wire.sent if b"upsertMetadata" in one.content]
    assert provisioned(backend, field("tier"))["field Account.Pyramid_tier__c"].state == "present"


@pytest.mark.long
def test_a_field_that_may_only_be_read_may_then_be_changed(backend: Backend) -> None:
    provisioned(backend, field("tier"))
    backend.sandbox.sql('UPDATE "FieldPermissions" SET "PermissionsEdit" = 0')
    backend.sandbox.permissions.forget()
    planned = provisioned(backend, field("tier"), apply=False)
    assert planned["field Account.Pyramid_tier__c"].state == "to do"
    assert provisioned(backend, field("tier"))["field Account.Pyramid_tier__c"].state == "done"
    again = provisioned(backend, field("tier"), apply=False)
    assert again["field Account.Pyramid_tier__c"].state == "present"


@pytest.mark.long
def test_a_layout_gets_a_section_and_keeps_the_rest(backend: Backend) -> None:
    before = backend.layout()
    steps = provisioned(backend, *FIELDS)
    assert steps["page layout 'Account-Account Layout': section 'Customer pyramid'"].state == "done"
    first, section = backend.layout()["layoutSections"]
    assert flat(first) == flat(before["layoutSections"][0])
    assert section["label"] == "Customer pyramid"
    items = {
        item["field"]: item["behavior"]
        for column in section["layoutColumns"]
        for item in listed(column["layoutItems"])
    }
    assert items == {
        **dict.fromkeys([one.name for one in FIELDS], "Readonly"),
        "Pyramid_tier_locked__c": "Edit",
    }
    provisioned(backend, *FIELDS, field("rank", kind="integer"))
    _, section = backend.layout()["layoutSections"]
    shown = [listed(column["layoutItems"]) for column in section["layoutColumns"]]
    assert sum(map(len, shown)) == len(FIELDS) + 1


@pytest.mark.long
def test_reps_get_list_views_of_those_who_matter(backend: Backend) -> None:
    provisioned(backend, *FIELDS)
    views = backend.list_views()
    assert {name: view["label"] for name, view in views.items()} == {
        "Account.Pyramid_My_Best": "My Top customers",
        "Account.Pyramid_Needs_Attention": "Needs attention",
    }
    assert views["Account.Pyramid_Needs_Attention"]["filters"] == {
        "field": "Pyramid_movement__c", "operation": "equals", "value": "downgrade,lapsed",
    }  # fmt: skip


@pytest.mark.long
def test_what_can_not_be_made_is_said_with_its_clicks(backend: Backend) -> None:
    backend.wire.metadata_refused = True
    asked = (*FIELDS, field("rank", "Rank"), field("layer", "Type", kind="text"))
    asked = (*asked, field("share", "industry"))
    steps = provisioned(backend, *asked, apply=False)
    how = {what: step.how for what, step in steps.items() if step.state == "by hand"}
    tier = how["field Account.Pyramid_tier__c"]
    assert "Setup > Object Manager > Account > Fields & Relationships > New > Picklist" in tier
    assert "one a line: Top, Big; tick 'Restrict picklist" in tier
    assert "Read and Edit Access for Pyramid_tier__c" in tier
    assert "Length 18, Decimal Places 0" in how["field Account.Pyramid_profit__c"]
    assert "write that in target.fields" in how["field Account.Rank"]
    assert "tick External ID" in how["field Activity.Pyramid_Marker__c"]
    assert "'Rank__c'" in how["field Account.Rank"]
    assert "the org has it as 'Industry'" in how["field Account.industry"]
    assert "Type" in how["page layouts of accounts"]


@pytest.mark.long
def test_a_right_that_can_not_be_given_is_said_with_its_clicks(backend: Backend) -> None:
    backend.sandbox.permissions.forbid("PermissionSet", "create")
    steps = provisioned(backend, field("tier"))
    tier, rights = (
        steps["field Account.Pyramid_tier__c"],
        steps["permission set 'Pyramid_Connector', given to the connector's user"],
    )
    assert (tier.state, rights.state) == ("by hand", "by hand")
    assert "Read and Edit Access for Pyramid_tier__c" in tier.how
    assert "Setup > Permission Sets > New" in rights.how


@pytest.mark.long
def test_with_several_currencies_an_amount_is_a_plain_number() -> None:
    with an_org(marker=False, edition=Edition(multi_currency=True)) as backend:
        provisioned(backend, field("profit", scale=2))
        (made,) = (one for one in backend.fields("Account") if one.name == "Pyramid_profit__c")
        assert (made.type, made.scale) == ("double", 2)


def metadata_schema() -> Any:
    """Return what the bundled WSDL says of the Metadata API."""
    wsdl = etree.parse(str(files("simple_salesforce") / "metadata.wsdl")).getroot()
    found = wsdl.findall(".//{http://www.w3.org/2001/XMLSchema}schema")
    (schema,) = (one for one in found if one.get("targetNamespace") == METADATA)
    # Its names are explained further up in the file.
    alone = etree.Element(schema.tag, dict(schema.attrib), nsmap=wsdl.nsmap | schema.nsmap)
    alone.extend(list(schema))
    return etree.XMLSchema(alone)


def flat(section: Mapping[str, Any]) -> list[Any]:
    """Return a section as texts: one item or a list of one is the same in XML."""
    items = [listed(column.get("layoutItems")) for column in section["layoutColumns"]]
    return [section["label"], section["style"], items]


@pytest.mark.long
def test_a_set_of_rights_waits_for_the_reps(backend: Backend) -> None:
    what = "permission set 'Pyramid_Reader', for those who shall see the fields"
    step = provisioned(backend, *FIELDS)[what]
    assert (step.state, step.how) == (
        "done", "give it to them: Setup > Permission Sets > Pyramid Reader > Manage Assignments",
    )  # fmt: skip
    (readers,) = backend.sandbox.sql(
        'SELECT "Id" FROM "PermissionSet" WHERE "Name" = ?', ["Pyramid_Reader"]
    )
    rights = [r for r in backend.sandbox.records("FieldPermissions") if r["ParentId"] == readers[0]]
    assert {right["Field"] for right in rights} == {f"Account.{one.name}" for one in FIELDS}
    assert {right["PermissionsEdit"] for right in rights} == {False}


@pytest.mark.long
@pytest.mark.parametrize("record_types", [False, True])
def test_a_list_is_restricted_unless_record_types_narrow_it(record_types: bool) -> None:
    with an_org(marker=False, edition=Edition(record_types=record_types)) as backend:
        provisioned(backend, field("tier"))
        (made,) = (one for one in backend.fields("Account") if one.name == "Pyramid_tier__c")
        assert made.restricted is not record_types


def listed(one: Any) -> list[Any]:
    return one if isinstance(one, list) else [one]
