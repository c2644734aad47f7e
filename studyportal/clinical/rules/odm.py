"""How the forms are called in CDISC ODM-XML 1.3.2: one identifier for each event, form, row and answer, both ways.

Source: CDISC Operational Data Model, version 1.3.2 (2013). An answer that says why there is no value is an answer of
its own beside it, as every reader of ODM understands it so; the value's own is then empty by `IsNull`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studyportal.clinical.rules.definitions import DEFINITION_VERSION, FORMS
from studyportal.clinical.rules.fields import Field, Kind
from studyportal.clinical.rules.parts import FormDefinition, Rows

ODM_NAMESPACE = "http://www.cdisc.org/ns/odm/v1.3"
ODM_VERSIONS = ("1.3", "1.3.1", "1.3.2")
# Files of other systems say by an alias of this context which of our questions theirs is: form, or form.field.
ODM_ALIAS = "StudyPortal"
# Data that follow from the forms; they leave, and are never taken in.
DERIVED_FORMS = ("F.PARTICIPANT", "F.REFERENCE")
_ABSENT = ".ABSENT"

ODM_TYPES: Mapping[Kind, str] = {
    Kind.CHOICE: "text",
    Kind.WHOLE: "integer",
    Kind.DECIMAL: "float",
    Kind.DATE: "date",
    Kind.PARTIAL_DATE: "partialDate",
    Kind.TEXT: "text",
}


@dataclass(frozen=True)
class OdmItem:
    """Which question an item of ODM is; `absent` is the one that says why there is no value."""

    form: str
    field: str
    absent: bool = False


def study_oid(registry_number: str) -> str:
    """The study."""
    return f"ST.{registry_number}"


def metadata_oid() -> str:
    """This version of the forms."""
    return f"MDV.{DEFINITION_VERSION}"


def event_oid(form: FormDefinition) -> str:
    """The event at which a form is filled in; visits repeat, everything else is one casebook."""
    return f"SE.{form.key.upper()}" if form.repeats else "SE.CASEBOOK"


def form_oid(key: str) -> str:
    """A form."""
    return f"F.{key.upper()}"


def group_oid(key: str) -> str:
    """The rows of a form."""
    return f"IG.{key.upper()}"


def item_oid(key: str, field: str, *, absent: bool = False) -> str:
    """One question, or why there is no answer to it."""
    return f"IT.{key.upper()}.{field.upper()}{_ABSENT if absent else ''}"


def list_oid(key: str, field: str) -> str:
    """The codes of a choice."""
    return f"CL.{key.upper()}.{field.upper()}"


def unit_oid(unit: str) -> str:
    """A unit of measurement (UCUM)."""
    return f"MU.{unit}"


def repeats_rows(form: FormDefinition) -> bool:
    """Whether rows of the form repeat under a key."""
    return form.rows is not Rows.ONE


def items_of(form: FormDefinition) -> list[tuple[str, Field, bool]]:
    """Identifier, field and whether it says why there is no value, in the order of the form."""
    found = []
    for field in form.fields:
        found.append((item_oid(form.key, field.name), field, False))
        if field.absent:
            found.append((item_oid(form.key, field.name, absent=True), field, True))
    return found


def _items() -> Mapping[str, OdmItem]:
    found = {}
    for form in FORMS.values():
        for oid, field, absent in items_of(form):
            found[oid] = OdmItem(form.key, field.name, absent)
    return found


ODM_ITEMS: Mapping[str, OdmItem] = _items()
ODM_FORMS: Mapping[str, str] = {form_oid(key): key for key in FORMS}
# What an alias may say.
ODM_NAMES: Mapping[str, OdmItem] = {
    f"{one.form}.{one.field}{'.absent' if one.absent else ''}": one for one in ODM_ITEMS.values()
}
