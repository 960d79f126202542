"""Models as records: `ir.model` and its fields, which clients may add to, and external ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sandbox_odoo.changes import Ids
from sandbox_odoo.fields import (
    Field,
    Row,
    char,
    flag,
    lines,
    named,
    one,
    pick,
    whole,
)
from sandbox_odoo.model import Model, of_model
from sandbox_odoo.refusal import USER, VALIDATION, VALUE, Refused

if TYPE_CHECKING:
    from sandbox_odoo.org import Env

_TYPES: Final = (
    "binary", "boolean", "char", "date", "datetime", "float", "html", "integer", "many2many",
    "many2one", "monetary", "one2many", "reference", "selection", "text",
)  # fmt: skip


class IrModels(Model):
    """The models that are installed."""

    name = "ir.model"
    description = "Models"
    order = "model"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        return named(
            name=char("Model Description", required=True),
            model=char("Model", required=True),
            state=pick("Type", ("manual", "Custom Object"), ("base", "Base Object"),
                       default="base"),
            transient=flag("Transient Model"),
            field_id=lines("Fields", "ir.model.fields", "model_id"),
        )  # fmt: skip

    def indexed(self) -> tuple[str, ...]:
        """Return what models are looked up by."""
        return ("model",)


class IrFields(Model):
    """The fields of models. One that is made here can be used at once."""

    name = "ir.model.fields"
    description = "Fields"
    order = "name"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        return named(
            name=char("Field Name", required=True, default="x_"),
            field_description=char("Field Label", required=True, default=""),
            model_id=one("Model", "ir.model", required=True, gone="cascade"),
            model=char("Model Name", readonly=True),
            ttype=pick("Field Type", *((name, name) for name in _TYPES), required=True),
            state=pick("Type", ("manual", "Custom Field"), ("base", "Base Field"),
                       default="manual"),
            relation=char("Related Model"),
            relation_field=char("Relation Field"),
            help=char("Field Help"),
            size=whole("Size"),
            translate=flag("Translatable"),
            required=flag("Required"),
            readonly=flag("Readonly"),
            index=flag("Indexed"),
            copied=flag("Copied", default=True),
            store=flag("Stored", default=True),
            tracking=whole("Enable Ordered Tracking"),
            selection_ids=lines("Selection Options", "ir.model.fields.selection", "field_id"),
        )  # fmt: skip

    def derive(self, env: Env, row: Row, before: Row | None, given: Row) -> None:
        """Refuse what can't be a custom field."""
        model = env["ir.model"].rows.get(row.get("model_id") or 0)
        row["model"] = model["model"] if model else None
        if row.get("state") != "manual" or model is None:
            if before is not None and not env.su:
                raise Refused(USER, "Properties of base fields cannot be altered in this manner!")
            return
        if not row["name"].startswith("x_"):
            message = "Custom fields must have a name that starts with 'x_'!"
            raise Refused(VALIDATION, message)
        for other in self.naming("model_id", row["model_id"]):
            if other != row["id"] and self.rows[other]["name"] == row["name"]:
                raise Refused(VALIDATION, "Field names must be unique per model.")
        if before is not None and any(before[key] != row[key] for key in ("ttype", "model_id")):
            # From memory.
            raise Refused(USER, "Changing the type of a field is not yet supported.")

    def follow(self, env: Env, ids: Ids, vals: Mapping[str, Any]) -> None:
        """Let the models have these fields."""
        for id_ in ids:
            row = self.rows[id_]
            if row["state"] == "manual":
                _put_field(env, row["model"], row["name"], self._field(env, row))

    def _field(self, env: Env, row: Row) -> Field:
        options = env["ir.model.fields.selection"]
        rows = [options.rows[one] for one in options.naming("field_id", row["id"])]
        rows.sort(key=lambda option: (option.get("sequence") or 0, option["id"]))
        return Field(
            type=row["ttype"],
            label=row.get("field_description") or row["name"],
            relation=row.get("relation") or "",
            inverse=row.get("relation_field") or "",
            selection=tuple((option["value"], option["name"]) for option in rows),
            required=bool(row.get("required")),
            readonly=bool(row.get("readonly")),
            manual=True,
            name=row["name"],
        )

    def remove(self, env: Env, id_: int) -> None:
        """Delete a custom field with what records hold in it, unless a view shows it."""
        row = self.rows[id_]
        if row["state"] != "manual":
            # From memory, as what is said of views below.
            raise Refused(USER, "This column contains module data and cannot be removed!")
        model, name = env[row["model"]], row["name"]
        for view in env["ir.ui.view"].rows.values():
            if view["model"] == model.name and f'name="{name}"' in view["arch"]:
                raise Refused(
                    USER,
                    "Cannot rename/delete fields that are still present in views:\n"
                    f"Fields: {model.name}.{name}\nView: {view['name']}",
                )
        for record in [*model.rows.values()]:
            if name in record:
                left = {key: value for key, value in record.items() if key != name}
                model.put(record["id"], left)
        _put_field(env, model.name, name, None)
        super().remove(env, id_)


def _put_field(env: Env, model: str, name: str, field: Field | None) -> None:
    there = env[model]
    before = there.fields.get(name)

    def put(one: Field | None) -> None:
        if one is None:
            there.drop_field(name)
        else:
            there.set_fields({name: one})

    put(field)
    env.org.on_failure(lambda: put(before))


class IrOptions(Model):
    """The values of a custom selection."""

    name = "ir.model.fields.selection"
    description = "Fields Selection"
    order = "sequence, id"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        return named(
            field_id=one("Field", "ir.model.fields", required=True, gone="cascade"),
            value=char("Value", required=True),
            name=char("Label", required=True),
            sequence=whole("Sequence", default=1000),
        )

    def follow(self, env: Env, ids: Ids, vals: Mapping[str, Any]) -> None:
        """Let the field have these values."""
        fields = env["ir.model.fields"]
        fields.follow(env, [self.rows[id_]["field_id"] for id_ in ids], {})

    def remove(self, env: Env, id_: int) -> None:
        """Take a value away, also from records that have it."""
        field = env["ir.model.fields"].rows[self.rows[id_]["field_id"]]
        value, model = self.rows[id_]["value"], env[field["model"]]
        super().remove(env, id_)
        if field["name"] in model.fields:
            for record in [*model.rows.values()]:
                if record.get(field["name"]) == value:
                    model.put(record["id"], {**record, field["name"]: None})
            env["ir.model.fields"].follow(env, [field["id"]], {})


class ExternalIds(Model):
    """Names that modules and imports have for records."""

    name = "ir.model.data"
    description = "Model Data"
    order = "module, model, name"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        return named(
            module=char("Module", required=True, default=""),
            name=char("External Identifier", required=True),
            model=char("Model Name", required=True),
            res_id=whole("Record ID"),
            noupdate=flag("Non Updatable"),
            complete_name=char("Complete ID", compute=lambda env, row: _complete(row)),
        )

    def indexed(self) -> tuple[str, ...]:
        """Return what names are looked up by."""
        return ("name", "res_id")

    def named(self, xmlid: str) -> Row | None:
        """Return what stands for a complete name; None if there is no such record."""
        for found in self.naming("name", xmlid.partition(".")[2]):
            if _complete(self.rows[found]) == xmlid:
                return self.rows[found]
        return None

    @of_model
    def check_object_reference(
        self, env: Env, module: str, xml_id: str, raise_on_access_error: bool = False
    ) -> list[Any]:
        """Return the model and id of a record by its name."""
        if (found := self.named(f"{module}.{xml_id}")) is None:
            raise Refused(VALUE, f"External ID not found in the system: {module}.{xml_id}")
        return [found["model"], found["res_id"]]


def _complete(row: Row) -> str:
    return f"{row['module']}.{row['name']}"
