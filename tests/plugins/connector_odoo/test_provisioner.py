"""What `connector provision` makes in an Odoo, and what it tells people to make."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from connector import FieldSpec, ProvisionStep
from connector_odoo.provisioner import OdooProvisioner
from tests.plugins.connector_odoo.odoo import MARKER, MEMORY, VERSIONS, Backend

TIER = FieldSpec("x_tier", "tier", "Customer tier", "choice", choices=("Top", "A & B"))
GAP = FieldSpec("x_gap", "next_tier_gap", "Revenue missing", "money", scale=2)
LOCK = FieldSpec("x_locked", "tier_locked", "Customer tier locked", "flag")
RUN = FieldSpec("x_run", "run_id", "Pyramid run", "text")


def steps(backend: Backend, *fields: FieldSpec, apply: bool = True) -> dict[str, ProvisionStep]:
    provisioner = OdooProvisioner(backend.settings(), transport=backend.wire)
    with closing(provisioner):
        return {step.what: step for step in provisioner.provision(fields, apply=apply)}


def arch(backend: Backend, kind: str) -> str:
    name = f"res.partner.{kind}.pyramid_connector"
    (view,) = [v for v in backend.sandbox.records("ir.ui.view") if v["name"] == name]
    return str(view["arch"])


@pytest.mark.parametrize("version", VERSIONS)
def test_the_form_shows_what_a_rep_needs_and_only_the_lock_can_be_changed(version: Any) -> None:
    backend = Backend(version)
    made = steps(backend, TIER, GAP, LOCK, RUN)
    assert {step.state for step in made.values()} == {"done"}
    form = arch(backend, "form")
    assert '<field name="x_tier" readonly="1"/><field name="x_gap" readonly="1"/>' in form
    assert '<field name="x_locked"/>' in form
    assert "x_run" not in form
    assert "x_gap" not in arch(backend, "tree")


def test_each_tier_is_a_filter_also_one_that_comes_later() -> None:
    backend = Backend("19.0")
    steps(backend, TIER)
    search = arch(backend, "search")
    assert 'string="Customer tier: A &amp; B"' in search
    assert "domain=\"[('x_tier', '=', 'A &amp; B')]\"" in search
    more = replace(TIER, choices=(*TIER.choices, "New"))
    planned = steps(backend, more, apply=False)
    assert [s.what.split()[0] for s in planned.values() if s.state == "to do"] == [
        "field", "filters",
    ]  # fmt: skip
    steps(backend, more)
    assert "Customer tier: New" in arch(backend, "search")


def test_the_fields_of_tasks_are_made_and_say_what_is_left_to_do() -> None:
    backend = Backend("17.0")
    made = steps(backend)
    assert list(made) == [f"field mail.activity.{MARKER}", f"field res.partner.{MEMORY}"]
    assert "Contact Creation" in made[f"field res.partner.{MEMORY}"].how


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (replace(TIER, name="pyramid_tier"), "write 'x_pyramid_tier' in target.fields"),
        (replace(GAP, name="is_company"), "is of type 'boolean', which can't hold next_tier_gap"),
        (replace(LOCK, name="email"), "is of type 'char', which can't hold tier_locked"),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_a_field_that_can_not_be_is_work_for_a_person(field: FieldSpec, said: str) -> None:
    backend = Backend("19.0")
    step = steps(backend, field)[f"field res.partner.{field.name}"]
    assert step.state == "by hand"
    assert said in step.how


def test_without_the_right_each_click_is_said() -> None:
    backend = Backend("19.0")
    backend.sandbox.revoke()
    for apply in (False, True):
        left: Sequence[ProvisionStep] = list(steps(backend, TIER, apply=apply).values())
        assert {step.state for step in left} == {"by hand"}
        assert "Selection Options (value and name alike): Top, A & B" in left[0].how
        assert "Settings > Technical > Fields" in left[0].how
    assert not [f for f in backend.sandbox.records("ir.model.fields") if f["name"] == "x_tier"]


def test_a_view_that_odoo_does_not_take_is_work_for_a_person(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backend = Backend("19.0")
    monkeypatch.setattr("connector_odoo.views._LISTED", ())
    monkeypatch.setattr("connector_odoo.views._FILTERED", ())
    for view in backend.sandbox.records("ir.ui.view"):
        if "category_id" in str(view["arch"]):
            bare = str(view["arch"]).replace("category_id", "ref")
            backend.sandbox.update("ir.ui.view", view["id"], arch=bare)
    form = next(s for what, s in steps(backend, TIER).items() if what.startswith("form"))
    assert form.state == "by hand"
    assert "Inherited View 'base.view_partner_form'" in form.how
    assert "ValidationError" in form.how
