"""Envelopes of SOAP as trees: texts, trees by name, and lists of what has one name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from connector.sandbox import Answer

TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"
"""The key that tells what kind of thing a tree is."""
Tree: TypeAlias = Mapping[str, Any]
_ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_MEDIA: Final = "text/xml; charset=utf-8"


class Fault(Exception):
    """A call that is refused as a whole."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


def read(body: bytes) -> tuple[Tree, str, Tree]:
    """Return the header of an envelope, the call's name and what it says."""
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - from a client of our own, on loopback
    except ElementTree.ParseError as error:
        raise Fault("INVALID_XML", str(error)) from None
    header = root.find(f"{{{_ENVELOPE}}}Header")
    called = next(iter(root.find(f"{{{_ENVELOPE}}}Body") or ()), None)
    if called is None:
        raise Fault("INVALID_XML", "the envelope is empty")
    content = _tree(called)
    said = _tree(header) if header is not None else {}
    return (
        said if isinstance(said, dict) else {},
        _bare(called.tag),
        content if isinstance(content, dict) else {},
    )


def _tree(element: ElementTree.Element) -> dict[str, Any] | str:
    """Return an element as a tree: several children of one name are a list."""
    if not len(element):
        return element.text or ""
    found: dict[str, Any] = {}
    if TYPE in element.attrib:
        found[TYPE] = element.attrib[TYPE].rpartition(":")[2]
    for child in element:
        name, value = _bare(child.tag), _tree(child)
        if name in found:
            found[name] = [*listed(found[name]), value]
        else:
            found[name] = value
    return found


def _xml(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_xml(name, one) for one in value)
    if not isinstance(value, Mapping):
        return f"<{name}>{escape(_text(value))}</{name}>"
    kind = f' xsi:type="{value[TYPE]}"' if TYPE in value else ""
    inner = "".join(_xml(key, one) for key, one in value.items() if key != TYPE)
    return f"<{name}{kind}>{inner}</{name}>"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def answer(space: str, name: str, results: Sequence[Tree]) -> Answer:
    """Return the envelope of what a call has found."""
    inner = "".join(_xml("result", one) for one in results)
    return _soap(space, f"<{name}Response>{inner}</{name}Response>", 200)


def refusal(fault: Fault, space: str) -> Answer:
    """Return the envelope of a call that is refused."""
    code = f"sf:{fault.code}"
    said = escape(f"{fault.code}: {fault.message}")
    detail = (
        f'<detail><sf:fault xmlns:sf="{space}"><sf:exceptionCode>{fault.code}</sf:exceptionCode>'
        f"<sf:exceptionMessage>{escape(fault.message)}</sf:exceptionMessage></sf:fault></detail>"
    )
    body = (
        f'<soapenv:Fault xmlns="" xmlns:sf="{space}"><faultcode>{code}</faultcode>'
        f"<faultstring>{said}</faultstring>{detail}</soapenv:Fault>"
    )
    return _soap(space, body, 500)


def _soap(space: str, body: str, status: int) -> Answer:
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE}" xmlns="{space}"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
    return Answer(text, status, media=_MEDIA)


def listed(value: Any) -> list[Any]:
    """Return what stands once, several times or not at all, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]
