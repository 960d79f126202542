"""How records are made, changed and deleted, and what follows from it. Who may is not asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sandbox_odoo.fields import TO_MANY, Field, Row, commands, kept
from sandbox_odoo.refusal import KEY, MISSING, VALIDATION, Refused, invalid_field
from sandbox_odoo.table import STAMPS, Table

if TYPE_CHECKING:
    from sandbox_odoo.model import Model
    from sandbox_odoo.org import Env

Ids: TypeAlias = Sequence[int]


class Changing(Table):
    """A table whose records change; models say what follows."""

    def defaults(self, env: Env) -> Row:
        """Return what a new record has where nothing is given."""
        return {
            field.name: field.default(env) if callable(field.default) else field.default
            for field in self._given
        }

    def make(self, env: Env, vals: Mapping[str, Any]) -> int:
        """Make a record and return its id."""
        for name in vals:
            self.field(name)
        self.last += 1
        id_ = self.last
        given = self._kept(env, vals)
        row: Row = {"id": id_, **self.defaults(env), **given}
        stamps = {"create_date": env.now, "create_uid": env.uid,
                  "write_date": env.now, "write_uid": env.uid}  # fmt: skip
        row |= {name: given.get(name) or stamp for name, stamp in stamps.items()}
        self.derive(env, row, None, given)
        self._check(env, row)
        self.put(id_, row)
        self._command(env, id_, vals)
        self.follow(env, [id_], vals)
        return id_

    def change(self, env: Env, ids: Ids, vals: Mapping[str, Any]) -> None:
        """Change records. They are stamped even if nothing is new."""
        for name in vals:
            if name not in self.fields:
                if self.org.settings.key_error_on_write:
                    raise Refused(KEY, repr(name), name)
                raise invalid_field(name, self.name)
        given = self._kept(env, vals)
        self.must_exist(env, ids)
        stamps = {"write_date": env.now, "write_uid": env.uid}
        for id_ in ids:
            before = self.rows[id_]
            row = {**before, **stamps, **given}
            self.derive(env, row, before, given)
            self._check(env, row)
            self.put(id_, row)
            self._command(env, id_, vals)
        self.follow(env, ids, vals)

    def imported(self, vals: Row) -> Row:
        """Return the values of a record that `load` makes."""
        return vals

    def remove(self, env: Env, id_: int) -> None:
        """Delete a record, with what must go with it."""
        for model in self.org.models.values():
            for field in model.fields.values():
                if field.relation == self.name and field.stored and field.name not in STAMPS:
                    self._let_go(env, model, field, id_)
        data = self.org.models["ir.model.data"]
        for name in [*data.naming("res_id", id_)]:
            if data.rows[name]["model"] == self.name:
                data.put(name, None)
        self.put(id_, None)

    def _let_go(self, env: Env, model: Model, field: Field, id_: int) -> None:
        if field.type == "many2many":
            for row in [*model.rows.values()]:
                if id_ in (row.get(field.name) or ()):
                    left = tuple(one for one in row[field.name] if one != id_)
                    model.put(row["id"], {**row, field.name: left})
            return
        for other in [*model.naming(field.name, id_)]:
            if field.gone == "cascade":
                model.remove(env, other)
            elif field.gone == "restrict":
                raise Refused(
                    VALIDATION,
                    "The operation cannot be completed: another model requires the record being"
                    " deleted. If possible, archive it instead.\n\n"
                    f"Model: {model.description} ({model.name})\nField: {field.label}",
                )
            elif other in model.rows:
                model.put(other, {**model.rows[other], field.name: None})

    def derive(self, env: Env, row: Row, before: Row | None, given: Row) -> None:
        """Fill in what follows from other values; *before* is None for a new record."""

    def follow(self, env: Env, ids: Ids, vals: Mapping[str, Any]) -> None:
        """Change other records that depend on these."""

    def must_exist(self, env: Env, ids: Ids) -> None:
        """Refuse records that are gone."""
        if gone := [one for one in ids if one not in self.rows]:
            said = ",".join(map(str, gone))
            raise Refused(
                MISSING,
                "Record does not exist or has been deleted.\n"
                f"(Record: {self.name}({said},), User: {env.uid})",
            )

    def _kept(self, env: Env, vals: Mapping[str, Any]) -> Row:
        row: Row = {}
        for name, value in vals.items():
            field = self.fields[name]
            if name == "id" or not field.stored or (name in STAMPS and not env.su):
                continue  # left out without a word
            if field.type == "many2many":
                continue  # a list of commands
            row[name] = kept(field, value, self.name)
            link = row[name] if field.type == "many2one" else None
            if link is not None and link not in env[field.relation].rows:
                # What the database's foreign key says, from memory.
                message = f"The operation cannot be completed: there is no {field.label} {link}."
                raise Refused(VALIDATION, message)
        return row

    def _check(self, env: Env, row: Row) -> None:
        for field in self._required:
            if row.get(field.name) is None and field.type != "boolean":
                raise Refused(
                    VALIDATION,
                    "The operation cannot be completed: a mandatory field is not set.\n\n"
                    f"Model: {self.description} ({self.name})\n"
                    f"Field: {field.label} ({field.name})",
                )

    def _command(self, env: Env, id_: int, vals: Mapping[str, Any]) -> None:
        """Do what the values of to-many fields say about other records."""
        for name, value in vals.items():
            field = self.fields[name]
            if field.type not in TO_MANY or field.compute is not None or not value:
                continue
            there = env[field.relation]
            before = self.value(env.seeing_all(), self.rows[id_], field) or ()
            linked, left = commands(value, before)
            made = []
            for code, *rest in left:
                if code == 0:
                    back = {field.inverse: id_} if field.inverse else {}
                    made.append(there.make(env, {**rest[1], **back}))
                elif code == 1:
                    there.change(env, [rest[0]], rest[1])
                else:
                    there.remove(env, rest[0])
            if field.type == "many2many":
                self.put(id_, {**self.rows[id_], name: (*linked, *made)})
