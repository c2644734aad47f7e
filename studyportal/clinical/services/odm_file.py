"""Files in ODM-XML, read as a stream: no document type, no entity, nothing from outside, nothing larger than is said here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler, feature_namespaces

from defusedxml import DefusedXmlException
from defusedxml.expatreader import create_parser

from studyportal.clinical.rules import (
    DERIVED_FORMS,
    ODM_ALIAS,
    ODM_NAMESPACE,
    ODM_VERSIONS,
    OdmAnswer,
    OdmRow,
    OdmWords,
)
from studyportal.core.errors import Reason, Refused

LARGEST_ODM_BYTES = 30 * 2**20
MOST_ODM_ROWS = 20_000
_LONGEST_TEXT = 10_000
_UCUM = "UCUM"


@dataclass
class OdmFile:
    """What a file says; `derived` counts rows that follow from forms and are not taken in."""

    words: OdmWords = field(default_factory=OdmWords)
    rows: list[OdmRow] = field(default_factory=list)
    studies: list[tuple[int, str]] = field(default_factory=list)
    faults: list[Reason] = field(default_factory=list)
    derived: int = 0


def read_odm(content: bytes) -> OdmFile:
    """Definitions and rows of the file, in the order in which they stand.

    Raises
    ------
    Refused
        When it is no ODM-XML 1.3, declares a document type or entities, or is too large.
    """
    if len(content) > LARGEST_ODM_BYTES:
        raise Refused(Reason("odm_large", "The file is larger than 30 MB. Send it in parts."))
    reader = _Reader()
    parser = create_parser(forbid_dtd=True, forbid_entities=True, forbid_external=True)
    parser.setFeature(feature_namespaces, 1)
    parser.setContentHandler(reader)
    try:
        parser.parse(BytesIO(content))
    except DefusedXmlException as error:
        sentence = "The file declares a document type or entities. Such files are not read."
        raise Refused(Reason("odm_hostile", sentence)) from error
    except (SAXException, ValueError, LookupError) as error:
        raise Refused(Reason("odm_broken", "The file is not XML.")) from error
    return reader.found


class _Reader(ContentHandler):
    """Follows the elements; what a file may say elsewhere is passed over."""

    def __init__(self) -> None:
        super().__init__()
        self.found = OdmFile()
        self._open: list[str] = []
        self._place: dict[str, str] = {}
        self._text: list[str] | None = None
        self._row: OdmRow | None = None
        self._answer: OdmAnswer | None = None
        self._defined = ""
        self._starts: Mapping[str, Callable[[Mapping[str, str]], None]] = {
            "ODM": self._root,
            "Study": self._keep("Study", "OID"),
            "ProtocolName": self._collect,
            "TranslatedText": self._collect,
            "MeasurementUnit": self._unit,
            "MeasurementUnitRef": self._unit_ref,
            "FormDef": self._define,
            "ItemDef": self._define,
            "Alias": self._alias,
            "ClinicalData": self._clinical,
            "SubjectData": self._keep("SubjectData", "SubjectKey"),
            "StudyEventData": self._keep("StudyEventData", "StudyEventRepeatKey"),
            "FormData": self._form,
            "ItemGroupData": self._group,
        }

    def startElementNS(  # noqa: N802 the name that SAX gives
        self, name: tuple[str | None, str], qname: str | None, attrs: Any
    ) -> None:
        own = name[1] if name[0] == ODM_NAMESPACE else ""
        if not self._open and own != "ODM":
            raise Refused(Reason("odm_other", "The file is not CDISC ODM-XML 1.3."))
        self._open.append(own)
        plain = {key[1]: value for key, value in attrs.items() if key[0] is None}
        if plain.get("TransactionType") == "Remove":
            self._fault("Nothing is removed by a file; correct it on the form.")
        if own.startswith("ItemData"):
            self._item(plain)
        elif own in self._starts:
            self._starts[own](plain)

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802
        own = self._open.pop()
        text = "".join(self._text or []).strip()
        if own == "ProtocolName":
            self.found.words.protocols[self._place.get("Study", "")] = text
        elif own == "TranslatedText" and self._open[-1:] == ["Symbol"]:
            self._name_unit(text)
        elif own.startswith("ItemData") and self._answer is not None:
            self._answer.text = self._answer.text or text
            self._answer = None
        elif own == "ItemGroupData":
            self._row = None
        self._text = None if own in ("ProtocolName", "TranslatedText") else self._text
        if own.startswith("ItemData"):
            self._text = None

    def characters(self, content: str) -> None:
        if self._text is not None and len(self._text) < _LONGEST_TEXT:
            self._text.append(content)

    def _line(self) -> int:
        locator: Any = self._locator  # type: ignore[attr-defined]  # set by setDocumentLocator
        return int(locator.getLineNumber() or 0)

    def _fault(self, sentence: str) -> None:
        line = self._line()
        self.found.faults.append(Reason("line", sentence, f"line {line}"))

    def _keep(self, element: str, attribute: str) -> Callable[[Mapping[str, str]], None]:
        def keep(given: Mapping[str, str]) -> None:
            self._place[element] = given.get(attribute, "")

        return keep

    def _collect(self, _given: Mapping[str, str]) -> None:
        self._text = []

    def _root(self, given: Mapping[str, str]) -> None:
        if given.get("ODMVersion", ODM_VERSIONS[-1]) not in ODM_VERSIONS:
            raise Refused(Reason("odm_other", "The file is not CDISC ODM-XML 1.3."))

    def _unit(self, given: Mapping[str, str]) -> None:
        self._defined = given.get("OID", "")
        self.found.words.unit_names[self._defined] = {given.get("Name", "")} - {""}

    def _name_unit(self, text: str) -> None:
        if "MeasurementUnit" in self._open and text:
            self.found.words.unit_names[self._defined].add(text)

    def _unit_ref(self, given: Mapping[str, str]) -> None:
        oid = given.get("MeasurementUnitOID", "")
        if self._answer is not None:
            self._answer.unit = oid
        elif self._open[-2:-1] == ["ItemDef"]:
            self.found.words.item_units.setdefault(self._defined, []).append(oid)

    def _define(self, given: Mapping[str, str]) -> None:
        self._defined = given.get("OID", "")

    def _alias(self, given: Mapping[str, str]) -> None:
        words, parent = self.found.words, self._open[-2]
        context, name = given.get("Context", ""), given.get("Name", "")
        if parent == "MeasurementUnit" and context == _UCUM:
            words.unit_names[self._defined].add(name)
        elif parent == "ItemDef" and context == ODM_ALIAS:
            words.item_names[self._defined] = name
        elif parent == "FormDef" and context == ODM_ALIAS:
            words.form_names[self._defined] = name

    def _clinical(self, given: Mapping[str, str]) -> None:
        self.found.studies.append((self._line(), given.get("StudyOID", "")))

    def _form(self, given: Mapping[str, str]) -> None:
        self._place["FormData"] = given.get("FormOID", "")
        self._place["FormRepeatKey"] = given.get("FormRepeatKey", "")

    def _group(self, given: Mapping[str, str]) -> None:
        form = self._place.get("FormData", "")
        if "ClinicalData" not in self._open:  # reference data are of another kind
            return
        if form in DERIVED_FORMS:
            self.found.derived += 1
            return
        if len(self.found.rows) >= MOST_ODM_ROWS:
            raise Refused(Reason("odm_long", f"The file has more than {MOST_ODM_ROWS} rows."))
        visit = self._place.get("StudyEventData") or self._place.get("FormRepeatKey") or "1"
        self._row = OdmRow(
            self._line(),
            self._place.get("SubjectData", ""),
            form,
            visit,
            given.get("ItemGroupRepeatKey", ""),
        )
        self.found.rows.append(self._row)

    def _item(self, given: Mapping[str, str]) -> None:
        if self._row is None:
            return
        self._answer = OdmAnswer(
            given.get("ItemOID", ""),
            given.get("Value", ""),
            given.get("MeasurementUnitOID", ""),
            is_null=given.get("IsNull") == "Yes",
        )
        self._row.answers.append(self._answer)
        self._text = []
