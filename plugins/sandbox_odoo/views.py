"""Views: a form or list, and what extends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree as Xml

from sandbox_odoo.changes import Ids
from sandbox_odoo.fields import Field, Row, char, flag, named, one, pick, text, whole
from sandbox_odoo.model import Model
from sandbox_odoo.refusal import USER, VALIDATION, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sandbox_odoo.org import Env

_KINDS: Final = ("form", "list", "tree", "search", "kanban", "qweb")


class Views(Model):
    """The views of models."""

    name = "ir.ui.view"
    description = "View"
    order = "priority, name, id"

    def declared(self) -> dict[str, Field]:
        """Return its fields."""
        return named(
            name=char("View Name", required=True),
            model=char("Model"),
            key=char("Key"),
            type=pick("View Type", *((kind, kind) for kind in _KINDS)),
            mode=pick("View inheritance mode", ("primary", "Base view"),
                      ("extension", "Extension View"), default="primary"),
            inherit_id=one("Inherited View", "ir.ui.view", gone="restrict"),
            priority=whole("Sequence", default=16),
            arch=text("View Architecture", required=True),
            arch_db=text("Arch Blob", compute=lambda env, row: row["arch"]),
            active=flag("Active", default=True),
        )  # fmt: skip

    def derive(self, env: Env, row: Row, before: Row | None, given: Row) -> None:
        """Take the type from what is extended, and know an extension."""
        if given.get("arch_db"):
            row["arch"] = given["arch_db"]
        base = self.rows.get(row.get("inherit_id") or 0)
        if base is not None:
            row["type"], row["model"] = base["type"], row.get("model") or base["model"]
            if before is None and "mode" not in given:
                row["mode"] = "extension"
        elif not row.get("type"):
            row["type"] = _parsed(row).tag

    def follow(self, env: Env, ids: Ids, vals: Mapping[str, Any]) -> None:
        """Refuse a view that can't be shown."""
        for id_ in ids:
            row = self.rows[id_]
            arch = self.combined(env, self._base(row))
            for element in arch.iter("field"):
                name = element.get("name", "")
                if name not in env[row["model"]].fields:
                    raise Refused(
                        VALIDATION,
                        f'Error while validating view:\n\nField "{name}" does not exist in model'
                        f' "{row["model"]}"\n\nView name: {row["name"]}',
                    )

    def _base(self, row: Row) -> Row:
        while row["mode"] == "extension" and row.get("inherit_id"):
            row = self.rows[row["inherit_id"]]
        return row

    def combined(self, env: Env, base: Row) -> Xml.Element:
        """Return a view with its extensions."""
        arch = _parsed(base)
        for row in self._extensions(base["id"]):
            root = _parsed(row)
            for spec in list(root) if root.tag == "data" else [root]:
                _extend(arch, spec)
        return arch

    def _extensions(self, id_: int) -> Iterator[Row]:
        rows = [self.rows[one] for one in self.naming("inherit_id", id_)]
        rows.sort(key=lambda row: (row.get("priority") or 0, row["id"]))
        for row in rows:
            if row["mode"] == "extension" and row.get("active"):
                yield row
                yield from self._extensions(row["id"])

    def shown(self, env: Env, model: Model, asked: Any) -> dict[str, Any]:
        """Return views of *model* as `get_views` does, and the fields that they show."""
        views: dict[str, Any] = {}
        names: set[str] = set()
        for id_, kind in asked:
            base = self._find(model, id_, kind)
            arch = self.combined(env, base)
            views[kind] = {"id": base["id"], "model": model.name,
                           "arch": Xml.tostring(arch, encoding="unicode")}  # fmt: skip
            names |= {element.get("name", "") for element in arch.iter("field")}
        fields = model.fields_get(env, sorted(names)) if names else {}
        # How models are said is from memory: 17.0 and later name their fields.
        return {"views": views, "models": {model.name: {"fields": fields}}}

    def _find(self, model: Model, id_: Any, kind: str) -> Row:
        kinds = ("list", "tree") if kind in ("list", "tree") else (kind,)
        for row in sorted(self.rows.values(), key=lambda row: row.get("priority") or 0):
            fits = row["model"] == model.name and row["type"] in kinds
            if row["id"] == id_ or (not id_ and fits and row["mode"] == "primary"):
                return self._base(row)
        raise Refused(USER, f"No default view of type '{kind}' could be found!")


def _parsed(row: Row) -> Xml.Element:
    try:
        return Xml.fromstring(row["arch"])  # noqa: S314 - from a client of our own, on loopback
    except Xml.ParseError as error:
        message = f"Error while parsing or validating view:\n\n{error}"
        raise Refused(VALIDATION, message) from None


def _extend(arch: Xml.Element, spec: Xml.Element) -> None:
    found = _located(arch, spec)
    if found is None:
        said = Xml.tostring(spec, encoding="unicode").partition(">")[0]
        message = f"Element '{said}>' cannot be located in parent view"
        raise Refused(VALIDATION, message)
    parent = next((one for one in arch.iter() if found in list(one)), arch)
    at = list(parent).index(found) if found is not arch else 0
    position = spec.get("position", "inside")
    if position == "attributes":
        for attribute in spec.iter("attribute"):
            found.set(attribute.get("name", ""), attribute.text or "")
    elif position == "inside":
        found.extend(list(spec))
    else:
        if position == "replace":
            parent.remove(found)
        for offset, child in enumerate(list(spec)):
            parent.insert(at + (position == "after") + offset, child)


def _located(arch: Xml.Element, spec: Xml.Element) -> Xml.Element | None:
    if spec.tag == "xpath":
        path = spec.get("expr", "")
        # ElementTree knows paths from an element on, and few functions.
        try:
            return arch.find(f".{path}" if path.startswith("/") else path)
        except SyntaxError:
            return None
    for element in arch.iter(spec.tag):
        if spec.tag != "field" or element.get("name") == spec.get("name"):
            return element
    return None
