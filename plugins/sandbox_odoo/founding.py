"""What every database holds before anybody has entered anything."""

from __future__ import annotations

from typing import Any, Final

from sandbox_odoo.activities import Activities
from sandbox_odoo.base import Messages, Users, plain_models
from sandbox_odoo.credentials import Credentials
from sandbox_odoo.crm import Leads
from sandbox_odoo.custom import ExternalIds, IrFields, IrModels, IrOptions
from sandbox_odoo.invoices import InvoiceLines, Invoices
from sandbox_odoo.org import ADMIN, CONNECTOR, ROOT, Env, Org
from sandbox_odoo.partners import Partners
from sandbox_odoo.rights import GROUPS
from sandbox_odoo.sales import OrderLines, Orders, Products
from sandbox_odoo.views import Views

FORM_ID: Final = 127
"""The id of the partner's form, as it was seen."""
_ARCHES: Final = {
    "base.view_partner_form": (
        "res.partner", "form",
        '<form><sheet><field name="name"/><group><field name="parent_id"/><field name="vat"/>'
        '<field name="category_id"/><field name="phone"/><field name="email"/></group></sheet>'
        "</form>",
    ),
    "base.view_partner_tree": (
        "res.partner", "list",
        '<list><field name="display_name"/><field name="phone"/><field name="email"/></list>',
    ),
    "base.view_res_partner_filter": (
        "res.partner", "search",
        '<search><field name="name"/><filter name="type_company"'
        " domain=\"[('is_company', '=', True)]\"/></search>",
    ),
    "crm.crm_lead_view_form": (
        "crm.lead", "form",
        '<form><sheet><field name="name"/><field name="partner_id"/>'
        '<field name="expected_revenue"/></sheet></form>',
    ),
}  # fmt: skip
_ACTIVITY_TYPES: Final = (
    # In the order of their ids: Email 1, Call 2, Meeting 3, To-Do 4.
    ("email", "Email", "default"), ("call", "Call", "phonecall"),
    ("meeting", "Meeting", "meeting"), ("todo", "To-Do", "default"),
)  # fmt: skip
_STAGES: Final = ("New", "Qualified", "Proposition", "Won")
_LOST: Final = ("Too expensive", "We don't have people/skills", "Not enough stock")


def found(org: Org, credentials: Credentials) -> None:
    """Fill *org* with its models and their first records."""
    made = [
        IrModels(org), IrFields(org), IrOptions(org), ExternalIds(org), Views(org), Users(org),
        Partners(org), Messages(org), Activities(org), *plain_models(org),
    ]  # fmt: skip
    if "crm" in org.apps:
        made.append(Leads(org))
    if "sale" in org.apps:
        made += [Orders(org), OrderLines(org)]
    if "account" in org.apps:
        made += [Invoices(org), InvoiceLines(org)]
    if {"sale", "account"} & {*org.apps}:
        made.append(Products(org))
    org.models = {model.name: model for model in made}
    with org.transaction(ROOT, su=True) as env:
        _models(env)
        _people(env, credentials)
        _kinds(env)
        _views(env)
        if "crm" in org.apps:
            _sales(env)


def _named(env: Env, xmlid: str, model: str, /, **values: Any) -> int:
    id_ = env[model].make(env, values)
    module, _, name = xmlid.partition(".")
    env["ir.model.data"].make(env, {"module": module, "name": name, "model": model, "res_id": id_})
    return id_


def _models(env: Env) -> None:
    fields = env["ir.model.fields"]
    for model in env.org.models.values():
        name = f"base.model_{model.name.replace('.', '_')}"
        id_ = _named(env, name, "ir.model", name=model.description, model=model.name)
        for field in model.fields.values():
            # As it is kept: to make hundreds one by one takes longer than all the rest.
            fields.last += 1
            fields.put(fields.last, {
                "id": fields.last, "name": field.name, "field_description": field.label,
                "model_id": id_, "model": model.name, "ttype": field.type, "state": "base",
                "relation": field.relation or None, "relation_field": field.inverse or None,
                "required": field.required, "readonly": field.readonly, "store": field.stored,
                "create_date": env.now, "create_uid": ROOT, "write_date": env.now,
                "write_uid": ROOT,
            })  # fmt: skip


def _people(env: Env, credentials: Credentials) -> None:
    org = env.org
    for xmlid, name in GROUPS.items():
        _named(env, xmlid, "res.groups", name=name)
    org.currency_id = _named(env, "base.EUR", "res.currency", name="EUR", symbol="€")
    _named(env, "base.USD", "res.currency", name="USD", symbol="$")
    partner = _named(env, "base.main_partner", "res.partner", name="My Company", is_company=True)
    company = {"name": "My Company", "currency_id": org.currency_id, "partner_id": partner}
    _named(env, "base.main_company", "res.company", **company)
    groups = {org.groups_field: [*org.group_ids]}
    # The users' ids are ROOT, ADMIN and CONNECTOR.
    _named(env, "base.user_root", "res.users", name="OdooBot", login="__system__", active=False)
    _named(env, "base.user_admin", "res.users", name="Administrator", login="admin", **groups)
    connector = {"login": credentials.login, "password": credentials.password, **groups}
    env["res.users"].make(env, {"name": "Connector", **connector})
    assert [*env["res.users"].rows] == [ROOT, ADMIN, CONNECTOR]  # noqa: S101 - counted on


def _kinds(env: Env) -> None:
    for name, label, category in _ACTIVITY_TYPES:
        xmlid = f"mail.mail_activity_data_{name}"
        _named(env, xmlid, "mail.activity.type", name=label, category=category)


def _views(env: Env) -> None:
    env["ir.ui.view"].last = FORM_ID - 1
    for xmlid, (model, kind, arch) in _ARCHES.items():
        if model in env.org.models:
            kind = "tree" if kind == "list" and env.org.major < 18 else kind
            arch = arch.replace("list>", "tree>") if kind == "tree" else arch
            name = xmlid.partition(".")[2]
            _named(env, xmlid, "ir.ui.view", name=name, model=model, type=kind, arch=arch)


def _sales(env: Env) -> None:
    _named(env, "sales_team.team_sales_department", "crm.team", name="Sales", company_id=1)
    for at, name in enumerate(_STAGES, 1):
        won = {"is_won": name == "Won", "sequence": at}
        _named(env, f"crm.stage_lead{at}", "crm.stage", name=name, **won)
    for at, name in enumerate(_LOST, 1):
        _named(env, f"crm.lost_reason_{at}", "crm.lost.reason", name=name)
