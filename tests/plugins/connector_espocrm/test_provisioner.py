"""What the provisioner makes, and what it tells a person to click."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connector import FieldSpec, ProvisionStep
from connector_espocrm.custom_fields import asked_name
from connector_espocrm.provisioner import EspoProvisioner
from connector_espocrm.settings import EspoSettings
from tests.plugins.connector_espocrm.crm import MARKER, Backend, settings_of, with_admin

TIER = FieldSpec("cTier", "tier", "Customer tier", "choice", choices=("Top", "Big"))
RUN = FieldSpec("cRun", "run_id", "Pyramid run", "text", length=64)
GAP = FieldSpec("cGap", "next_tier_gap", "Missing for the next tier", "money", scale=2)


@pytest.fixture
def backend() -> Backend:
    return Backend()


def provisioned(
    backend: Backend,
    *fields: FieldSpec,
    apply: bool = True,
    settings: EspoSettings | None = None,
) -> dict[str, ProvisionStep]:
    """Return the steps by what they are about."""
    chosen = settings or with_admin(backend)
    with closing(EspoProvisioner(chosen, transport=backend.wire)) as provisioner:
        return {step.what: step for step in provisioner.provision(fields, apply=apply)}


def defined(backend: Backend, entity: str = "Account") -> Mapping[str, Any]:
    """Return the definitions of an entity's fields."""
    found: Mapping[str, Any] = backend.schema()[entity]
    return found


def test_fields_are_made_in_the_form_of_the_field_manager(backend: Backend) -> None:
    steps = provisioned(backend, TIER, RUN, GAP)
    assert [steps[f"field Account.{one.name}"].state for one in (TIER, RUN, GAP)] == ["done"] * 3
    made = defined(backend)
    assert (made["cTier"]["type"], made["cTier"]["options"]) == ("enum", ["", "Top", "Big"])
    assert (made["cRun"]["type"], made["cRun"]["maxLength"]) == ("varchar", 64)
    assert made["cGap"]["type"] == "float"
    assert defined(backend, "Task")[MARKER]["type"] == "varchar"
    assert steps[f"field Task.{MARKER}"].state == "done"


def test_choices_are_added_and_none_is_taken_away(backend: Backend) -> None:
    provisioned(backend, TIER)
    steps = provisioned(backend, replace(TIER, choices=("Gold", "Top")))
    assert steps["field Account.cTier"].state == "done"
    assert defined(backend)["cTier"]["options"] == ["", "Top", "Big", "Gold"]


def test_without_an_administrator_a_person_is_told_what_to_click(backend: Backend) -> None:
    steps = provisioned(backend, TIER, RUN, settings=settings_of(backend))
    assert steps["field Account.cTier"] == ProvisionStep(
        "field Account.cTier",
        "by hand",
        "Administration > Entity Manager > Account > Fields > Add Field > Enum; Name 'tier', Label"
        " 'Customer tier', Options: one that is empty, then Top, Big; Save",
    )
    assert "Varchar; Name 'run', Label 'Pyramid run', Max Length 64" in (
        steps["field Account.cRun"].how
    )
    assert "Entity Manager > Task > Fields > Add Field > Varchar; Name 'pyramidMarker'" in (
        steps[f"field Task.{MARKER}"].how
    )
    assert "cTier" not in defined(backend)


def test_what_definitions_do_not_tell_is_left_to_a_person(backend: Backend) -> None:
    backend.wire.answer = lambda request: (
        httpx.Response(403) if request.url.path.endswith("/Metadata") else None
    )
    steps = provisioned(backend, TIER, apply=False)
    assert {step.state for step in steps.values()} == {"by hand"}


@pytest.mark.parametrize(
    ("name", "prefix", "asked"),
    [
        ("cCustomerTier", "c", "customerTier"),
        ("cTier", "c", "tier"),
        ("customerTier", "c", None),
        ("category", "c", None),
        ("c", "c", None),
        ("customerTier", "", "customerTier"),
        ("Customer Tier", "", None),
        ("CustomerTier", "", None),
    ],
)
def test_a_field_is_asked_for_without_the_prefix_that_it_gets(
    name: str, prefix: str, asked: str | None
) -> None:
    assert asked_name(name, prefix) == asked


def test_a_name_that_no_field_can_get_says_which_one_can(backend: Backend) -> None:
    steps = provisioned(backend, replace(TIER, name="customerTier"))
    step = steps["field Account.customerTier"]
    assert step.state == "by hand"
    assert "write a name like 'cCustomerTier' in target.fields" in step.how


def test_a_field_that_came_out_under_another_name_is_told(backend: Backend) -> None:
    backend.sandbox.settings.prefix = "x"
    step = provisioned(backend, TIER)["field Account.cTier"]
    assert (step.state, "see what it is called" in step.how) == ("failed", True)


def test_a_field_that_may_not_be_written_says_how_it_may(backend: Backend) -> None:
    backend.sandbox.add_field("Account", "cTier", "enum", options=["Top", "Big"], readOnly=True)
    step = provisioned(backend, TIER)["field Account.cTier"]
    assert (step.state, "untick Read-only" in step.how) == ("by hand", True)


def test_a_refusal_is_told_in_the_words_of_espocrm(backend: Backend) -> None:
    def taken(request: httpx.Request) -> httpx.Response | None:
        words = {"X-Status-Reason": "Field 'tier' already exists in Account."}
        return httpx.Response(409, headers=words) if "/Admin/" in request.url.path else None

    backend.wire.answer = taken
    step = provisioned(backend, TIER)["field Account.cTier"]
    assert step.state == "failed"
    assert step.how.startswith("Field 'tier' already exists in Account.; by hand: Administration")


LAYOUTS: Mapping[str, object] = {
    "detail": [{"label": "Pyramid", "rows": [[{"name": "cTier"}, {"name": "cGap"}], [False]]}],
    "list": [{"name": "name"}, {"name": "cTier", "width": 20}],
    "filters": ["assignedUser", "cTier"],
}


def test_layouts_are_looked_at_and_never_changed(backend: Backend) -> None:
    shown: dict[str, object] = {}

    def layout(request: httpx.Request) -> httpx.Response | None:
        if "/layout/" not in request.url.path:
            return None
        assert request.method == "GET"
        name = request.url.path.rpartition("/")[2]
        return httpx.Response(200, json=shown[name]) if name in shown else httpx.Response(404)

    backend.wire.answer = layout
    before = provisioned(backend, TIER, GAP)
    detail = before["layout 'Detail' of accounts, with cTier, cGap"]
    assert detail.how == (
        "Administration > Entity Manager > Account > Layouts > Detail: drag cTier, cGap into a"
        " panel 'Customer pyramid'; Save"
    )
    filters = before["layout 'Search Filters' of accounts, with cTier"]
    assert (filters.state, "drag cTier to the enabled ones" in filters.how) == ("by hand", True)
    shown |= LAYOUTS
    assert {step.state for step in provisioned(backend, TIER, GAP).values()} == {"present"}
