"""The section of our fields on the pages of accounts.

A layout is read, gets its section, and goes back as it came: XML all the way, so that nothing in it
is lost that a library of another version does not know.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from connector import AccessError, Refused, RemoteError
from connector_salesforce.bridge import PLACEHOLDER

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from connector_salesforce.connection import Org

SECTION: Final = "Customer pyramid"
_SPACE: Final = "http://soap.sforce.com/2006/04/metadata"
_ENVELOPE: Final = (
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
    '<env:Header><SessionHeader xmlns="{space}"><sessionId>{token}</sessionId></SessionHeader>'
    '</env:Header><env:Body><{call} xmlns="{space}">{body}</{call}></env:Body></env:Envelope>'
)
_OBJECT: Final = "Account-"
_AT_ONCE: Final = 10


class Layouts:
    """The page layouts of accounts."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._held: dict[str, Element] = {}

    def read(self) -> Sequence[str]:
        """Return the names of the layouts, once they are read."""
        version = f"<asOfVersion>{self._org.version}</asOfVersion>"
        listed = self._call("listMetadata", f"<queries><type>Layout</type></queries>{version}")
        names = [name for one in listed if (name := _text(one, "fullName")).startswith(_OBJECT)]
        for start in range(0, len(names), _AT_ONCE):
            asked = names[start : start + _AT_ONCE]
            wanted = "".join(f"<fullNames>{escape(name)}</fullNames>" for name in asked)
            for result in self._call("readMetadata", f"<type>Layout</type>{wanted}"):
                for record in result.findall(_tag("records")):
                    self._held[_text(record, "fullName")] = record
        return [name for name in names if name in self._held]

    def missing(self, name: str, fields: Sequence[str]) -> Sequence[str]:
        """Return which of *fields* the layout does not show."""
        shown = {item.text for item in self._held[name].iter(_tag("field"))}
        return [field for field in fields if field not in shown]

    def add(self, name: str, fields: Mapping[str, bool]) -> None:
        """Show *fields* on the layout, those that are True to be changed by hand."""
        layout = self._held[name]
        section = _section_of(layout)
        columns = section.findall(_tag("layoutColumns"))
        for n, (field, by_hand) in enumerate(fields.items()):
            item = ElementTree.SubElement(columns[n % len(columns)], _tag("layoutItems"))
            _put(item, "behavior", "Edit" if by_hand else "Readonly")
            _put(item, "field", field)
        parts = "".join(ElementTree.tostring(part, encoding="unicode") for part in layout)
        body = f'<metadata xsi:type="Layout">{parts}</metadata>'
        for result in self._call("updateMetadata", body):
            if _text(result, "success") != "true":
                error = result.find(_tag("errors"))
                code = "" if error is None else _text(error, "statusCode")
                words = "no reason was told" if error is None else _text(error, "message")
                raise Refused(f"{name}: {words}", code=code, words=words)

    def _call(self, call: str, body: str) -> Iterator[Element]:
        """Yield the results of a call."""
        text = _ENVELOPE.format(space=_SPACE, token=PLACEHOLDER, call=call, body=body)
        answer = self._org.request(
            "POST",
            f"/services/Soap/m/{self._org.version}",
            content=text.encode(),
            headers={"Content-Type": "text/xml; charset=UTF-8", "SOAPAction": '""'},
        )
        try:
            # It comes from whom we hand our token to.
            tree = ElementTree.fromstring(answer.content)  # noqa: S314 - as said above
        except ElementTree.ParseError as error:
            raise RemoteError(f"{self._org.host}: {call}: the answer is no XML") from error
        return tree.iter(_tag("result"))


def _section_of(layout: Element) -> Element:
    """Return our section of a layout, with its columns; a new one comes after the first."""
    sections = layout.findall(_tag("layoutSections"))
    for section in sections:
        if _text(section, "label") == SECTION and section.find(_tag("layoutColumns")) is not None:
            return section
    if not sections:
        raise AccessError(f"{_text(layout, 'fullName')}: the layout has no section")
    made = ElementTree.Element(_tag("layoutSections"))
    for name, text in (
        ("customLabel", "true"), ("detailHeading", "true"), ("editHeading", "true"),
        ("label", SECTION), ("layoutColumns", ""), ("layoutColumns", ""),
        ("style", "TwoColumnsLeftToRight"),
    ):  # fmt: skip
        _put(made, name, text)
    layout.insert(list(layout).index(sections[0]) + 1, made)
    return made


def _put(into: Element, name: str, text: str) -> None:
    ElementTree.SubElement(into, _tag(name)).text = text or None


def _text(element: Element, name: str) -> str:
    return (element.findtext(_tag(name)) or "").strip()


def _tag(name: str) -> str:
    return f"{{{_SPACE}}}{name}"
