"""Who may do what: groups of users, and what each may do with the records of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from sandbox_odoo.refusal import ACCESS, Refused

if TYPE_CHECKING:
    from sandbox_odoo.org import Env
    from sandbox_odoo.table import Table

Right: TypeAlias = Literal["read", "write", "create", "unlink"]
USER: Final = "base.group_user"
SETTINGS: Final = "base.group_system"
SALES: Final = "sales_team.group_sale_salesman_all_leads"
CONTACTS: Final = "base.group_partner_manager"
INVOICES: Final = "account.group_account_invoice"
GROUPS: Final = {
    USER: "Internal User",
    SETTINGS: "Settings",
    SALES: "User: All Documents",
    CONTACTS: "Contact Creation",
    INVOICES: "Invoicing",
}
_LETTERS: Final[dict[Right, str]] = {"read": "r", "write": "w", "create": "c", "unlink": "u"}
_DONE: Final[dict[Right, str]] = {
    "read": "access", "write": "modify", "create": "create", "unlink": "delete",
}  # fmt: skip
_ALLOWED: Final[dict[str, dict[str, str]]] = {
    # Of a model by group: read, write, create, unlink. Who is in Settings may do everything.
    "res.partner": {USER: "r", CONTACTS: "rwcu"},
    "res.partner.category": {USER: "r", CONTACTS: "rwcu"},
    "mail.activity": {USER: "rwcu"},
    "mail.message": {USER: "rwc"},
    "crm.lead": {SALES: "rwc"},
    "crm.tag": {SALES: "rwc"},
    "sale.order": {SALES: "rwcu", INVOICES: "r"},
    "sale.order.line": {SALES: "rwcu", INVOICES: "r"},
    # That people in sales read invoices is from memory.
    "account.move": {SALES: "r", INVOICES: "rwcu"},
    "account.move.line": {SALES: "r", INVOICES: "rwcu"},
}
_SETTINGS_ONLY: Final = (
    "ir.model", "ir.model.fields", "ir.model.fields.selection", "ir.model.data", "ir.ui.view",
    "res.groups",
)  # fmt: skip


def allowed(env: Env, model: str, right: Right) -> bool:
    """Return whether the user may do that with any record of *model*."""
    if env.su:
        return True
    groups = env.org.groups_of(env.uid)
    if (right, model) in env.org.denied:
        return False
    if SETTINGS in groups:
        return True
    if model in _SETTINGS_ONLY:
        return False
    by_group = _ALLOWED.get(model, {USER: "r"})
    return any(_LETTERS[right] in letters for group, letters in by_group.items() if group in groups)


def demand(env: Env, model: Table, right: Right) -> None:
    """Refuse what the user may not do."""
    if not allowed(env, model.name, right):
        raise Refused(
            ACCESS,
            f"You are not allowed to {_DONE[right]} '{model.description}' ({model.name})"
            " records.\n\nContact your administrator to request access if necessary.",
        )
