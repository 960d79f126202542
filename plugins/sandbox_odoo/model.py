"""A model: the methods that clients call on all models."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from sandbox_odoo import loading
from sandbox_odoo.changes import Changing, Ids
from sandbox_odoo.fields import Field, Row, shown
from sandbox_odoo.refusal import ACCESS, Refused
from sandbox_odoo.rights import Right, allowed, demand

if TYPE_CHECKING:
    from sandbox_odoo.org import Env
    from sandbox_odoo.views import Views

F = TypeVar("F", bound=Callable[..., Any])
_ABSENT: Final = {17: ("has_access",), 19: ("check_access_rights",)}


class Records(NamedTuple):
    """Records that a method returns; each transport says them in its own way."""

    model: str
    ids: tuple[int, ...]


def of_model(method: F) -> F:
    """Let clients call *method* on a model as a whole."""
    method.api = "model"  # type: ignore[attr-defined] # by the decorator
    return method


def of_records(method: F) -> F:
    """Let clients call *method* on records, whose ids come first."""
    method.api = "records"  # type: ignore[attr-defined] # by the decorator
    return method


class Model(Changing):
    """A model as clients see it."""

    @of_model
    def search(
        self, env: Env, domain: Any, offset: int = 0, limit: int | None = None,
        order: str | None = None,
    ) -> list[int]:  # fmt: skip
        """Return ids. There is no limit of the server's own."""
        demand(env, self, "read")
        found = self.find(env, domain, order)
        return found[offset or 0 :][: limit or None]

    @of_model
    def search_count(self, env: Env, domain: Any, limit: int | None = None) -> int:
        """Return how many there are."""
        return len(self.search(env, domain, limit=limit))

    @of_model
    def search_read(
        self, env: Env, domain: Any = None, fields: Sequence[str] | None = None, offset: int = 0,
        limit: int | None = None, order: str | None = None, **read_kwargs: Any,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Return records as `read` does."""
        ids = self.search(env, domain or [], offset, limit, order)
        return self.read(env, ids, fields, **read_kwargs)

    # Reading.

    @of_records
    def read(
        self, env: Env, ids: Ids, fields: Sequence[str] | None = None,
        load: str | None = "_classic_read",
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Return records; those that are gone are missing."""
        demand(env, self, "read")
        wanted = [self.field(name) for name in fields or self.fields]
        pairs = load == "_classic_read"
        rows = [self.rows[one] for one in ids if one in self.rows]
        return [self._said(env, row, wanted, pairs=pairs) for row in rows]

    def _said(self, env: Env, row: Row, fields: Iterable[Field], *, pairs: bool) -> dict[str, Any]:
        said = {"id": row["id"]}
        for field in fields:
            value = self.value(env, row, field)
            if pairs and value and field.type == "many2one":
                said[field.name] = [value, env[field.relation].called(env, value)]
            else:
                said[field.name] = shown(field, value)
        return said

    @of_model
    def fields_get(
        self, env: Env, allfields: Collection[str] | None = None,
        attributes: Collection[str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Return what there is to know of fields: anybody may."""
        return {
            field.name: {
                key: value
                for key, value in _described(field).items()
                if not attributes or key in attributes
            }
            for field in self.fields.values()
            if not allfields or field.name in allfields
        }

    @of_model
    def default_get(self, env: Env, fields: Sequence[str]) -> dict[str, Any]:
        """Return what new records get where nothing is given."""
        row = self.defaults(env)
        return {name: shown(self.field(name), row[name]) for name in fields if name in row}

    @of_model
    def get_views(self, env: Env, views: Any, options: Any = None) -> dict[str, Any]:
        """Return views, each asked for by its id, or False for the usual one, and its kind."""
        there: Views = env["ir.ui.view"]  # type: ignore[assignment] # by its name
        return there.shown(env, self, views)

    # Writing.

    @of_model
    def create(self, env: Env, vals_list: Any) -> Any:
        """Make records and return their ids; of one that is not in a list, its id."""
        demand(env, self, "create")
        if isinstance(vals_list, dict):
            return self.make(env, vals_list)
        return [self.make(env, values) for values in vals_list]

    @of_records
    def write(self, env: Env, ids: Ids, vals: Mapping[str, Any]) -> bool:
        """Give all records the same values."""
        demand(env, self, "write")
        self.change(env, ids, vals)
        return True

    @of_records
    def unlink(self, env: Env, ids: Ids) -> bool:
        """Delete records."""
        demand(env, self, "unlink")
        self.must_exist(env, ids)
        for id_ in ids:
            self.remove(env, id_)
        return True

    @of_model
    def load(self, env: Env, fields: Sequence[str], data: Sequence[Sequence[Any]]) -> Any:
        """Import rows of text: all of them, or none."""
        return loading.load(env, self, fields, data)

    @of_records
    def action_archive(self, env: Env, ids: Ids) -> Any:
        """Put records away."""
        self.write(env, ids, {"active": False})
        return True

    @of_records
    def action_unarchive(self, env: Env, ids: Ids) -> Any:
        """Take records out again."""
        self.write(env, ids, {"active": True})
        return True

    @of_records
    def toggle_active(self, env: Env, ids: Ids) -> Any:
        """Put away those that are there, take out those that aren't."""
        self.must_exist(env, ids)
        there = [one for one in ids if self.rows[one].get("active")]
        self.action_archive(env, there)
        self.action_unarchive(env, [one for one in ids if one not in there])
        return True

    # Rights. Which version has which of these is from memory.

    @of_model
    def check_access_rights(self, env: Env, operation: Right, raise_exception: bool = True) -> bool:
        """Return whether the user may; or refuse it."""
        if raise_exception:
            demand(env, self, operation)
        return allowed(env, self.name, operation)

    @of_records
    def has_access(self, env: Env, ids: Ids, operation: Right) -> bool:
        """Return whether the user may."""
        return allowed(env, self.name, operation)

    def method(self, name: str) -> Callable[..., Any] | None:
        """Return a method that clients may call."""
        if name.startswith("_"):
            raise Refused(
                ACCESS, f"Private methods (such as '{self.name}.{name}') cannot be called remotely."
            )
        if name in _ABSENT.get(self.org.major, ()):
            return None
        found = getattr(self, name, None)
        return found if hasattr(found, "api") else None

    def methods(self) -> dict[str, Callable[..., Any]]:
        """Return all of these by name."""
        found = {name: getattr(self, name) for name in dir(self) if not name.startswith("_")}
        return {name: one for name, one in found.items() if hasattr(one, "api")}


def _described(field: Field) -> dict[str, Any]:
    said = {
        "name": field.name, "type": field.type, "string": field.label, "store": field.stored,
        "required": field.required, "readonly": field.readonly or field.compute is not None,
        "searchable": True, "sortable": field.stored, "manual": field.manual,
    }  # fmt: skip
    if field.relation:
        said |= {"relation": field.relation, "domain": [], "context": {}}
    if field.inverse:
        said["relation_field"] = field.inverse
    if field.type == "selection":
        said["selection"] = [list(option) for option in field.selection]
    return said
