"""The forms as ODM metadata: events, forms, groups, items with units, ranges and codes, and when a question is asked."""

from __future__ import annotations

from collections.abc import Iterator

from studyportal.clinical.rules import (
    ABSENT_LABELS,
    FORMS,
    ODM_ALIAS,
    ODM_TYPES,
    Absent,
    Code,
    Field,
    FormDefinition,
    Kind,
    Label,
    event_oid,
    form_oid,
    group_oid,
    item_oid,
    items_of,
    list_oid,
    metadata_oid,
    repeats_rows,
    unit_oid,
)
from studyportal.exports.rules import (
    FORM_STATUSES,
    PARTICIPANTS_TABLE,
    REFERENCE,
    Dataset,
    Variable,
)
from studyportal.exports.services.odm.xml import OdmWriter

CASEBOOK, DERIVED = "SE.CASEBOOK", "SE.DERIVED"
STATUS_LIST, ABSENT_LIST = "CL.FORM_STATUS", "CL.ABSENT"
# What follows from the forms, or was entered at screening: it leaves, and is never taken in. Form → its table.
DERIVED_TABLES = {"participant": PARTICIPANTS_TABLE, "reference": REFERENCE}
_KEYS = frozenset({"participant", "site"})  # of tables; in ODM they are SubjectKey and SiteRef
_EVENTS = {
    CASEBOOK: Label("Casebook", "病例报告册"),
    "SE.FOLLOW_UP": Label("Follow-up", "随访"),
    DERIVED: Label("Screening facts and reference standard", "筛选信息与参考标准"),
}


def derived_variables(dataset: Dataset) -> tuple[Variable, ...]:
    """Columns of a derived table that are items."""
    return tuple(one for one in dataset.variables if one.name not in _KEYS)


def write_units(xml: OdmWriter) -> None:
    """Units of measurement in UCUM, each once."""
    units = {field.unit for form in FORMS.values() for field in form.fields if field.unit}
    for unit in sorted(units | {"a"}):
        with xml.element("MeasurementUnit", OID=unit_oid(unit), Name=unit):
            with xml.element("Symbol"):
                xml.text("TranslatedText", unit, **{"xml:lang": "en"})
            xml.empty("Alias", Context="UCUM", Name=unit)


def write_metadata(xml: OdmWriter) -> None:
    """The version of the forms that is in force."""
    with xml.element("MetaDataVersion", OID=metadata_oid(), Name=metadata_oid()):
        with xml.element("Protocol"):
            for number, oid in enumerate(_EVENTS, start=1):
                xml.empty("StudyEventRef", StudyEventOID=oid, OrderNumber=number, Mandatory="No")
        _events(xml)
        _forms(xml)
        _groups(xml)
        _items(xml)
        _lists(xml)
        for form in FORMS.values():
            _conditions(xml, form)


def _forms(xml: OdmWriter) -> None:
    for form in FORMS.values():
        _form(xml, form.key, form.title, alias=form.key)
    for key, dataset in DERIVED_TABLES.items():
        _form(xml, key, dataset.title, alias="")


def _groups(xml: OdmWriter) -> None:
    for form in FORMS.values():
        _group(xml, form)
    for key, dataset in DERIVED_TABLES.items():
        _derived_group(xml, key, dataset)


def _items(xml: OdmWriter) -> None:
    for form in FORMS.values():
        for oid, field, absent in items_of(form):
            _item(xml, form, field, oid, absent=absent)
    for key, dataset in DERIVED_TABLES.items():
        _derived_items(xml, key, dataset)


def _events(xml: OdmWriter) -> None:
    for oid, label in _EVENTS.items():
        repeats = "Yes" if oid == "SE.FOLLOW_UP" else "No"
        kind = "Unscheduled" if repeats == "Yes" else "Common"
        with xml.element("StudyEventDef", OID=oid, Name=label.en, Repeating=repeats, Type=kind):
            xml.translated("Description", label)
            keys = [form.key for form in FORMS.values() if event_oid(form) == oid]
            for number, key in enumerate(keys or DERIVED_TABLES, start=1):
                mandatory = "Yes" if key in FORMS and FORMS[key].expected else "No"
                xml.empty("FormRef", FormOID=form_oid(key), OrderNumber=number, Mandatory=mandatory)


def _form(xml: OdmWriter, key: str, title: Label, *, alias: str) -> None:
    with xml.element("FormDef", OID=form_oid(key), Name=title.en, Repeating="No"):
        xml.translated("Description", title)
        xml.empty("ItemGroupRef", ItemGroupOID=group_oid(key), OrderNumber=1, Mandatory="Yes")
        if alias:
            xml.empty("Alias", Context=ODM_ALIAS, Name=alias)


def _group(xml: OdmWriter, form: FormDefinition) -> None:
    repeats = "Yes" if repeats_rows(form) else "No"
    oid = group_oid(form.key)
    with xml.element("ItemGroupDef", OID=oid, Name=form.title.en, Repeating=repeats):
        xml.translated("Description", form.row_label if repeats == "Yes" else form.title)
        for number, (item, field, absent) in enumerate(items_of(form), start=1):
            condition = _condition_oid(form, field) if field.asked_if else None
            xml.empty(
                "ItemRef",
                ItemOID=item,
                OrderNumber=number,
                # Where it may be unknown, a value is not mandatory: the answer beside it says why.
                Mandatory="Yes" if field.required and not field.absent and not absent else "No",
                CollectionExceptionConditionOID=condition,
            )


def _derived_group(xml: OdmWriter, key: str, dataset: Dataset) -> None:
    repeats = "Yes" if dataset is REFERENCE else "No"
    oid = group_oid(key)
    with xml.element("ItemGroupDef", OID=oid, Name=dataset.title.en, Repeating=repeats):
        xml.translated("Description", dataset.title)
        for number, one in enumerate(derived_variables(dataset), start=1):
            xml.empty(
                "ItemRef", ItemOID=item_oid(key, one.name), OrderNumber=number, Mandatory="No"
            )


def _item(xml: OdmWriter, form: FormDefinition, field: Field, oid: str, *, absent: bool) -> None:
    name = f"{field.name}_absent" if absent else field.name
    alias = f"{form.key}.{field.name}{'.absent' if absent else ''}"
    kind = Kind.CHOICE if absent else field.kind
    comment = None if field.exported else "Free text; it is taken in and never leaves."
    with xml.element(
        "ItemDef",
        OID=oid,
        Name=name,
        DataType=ODM_TYPES[kind],
        Length=8 if absent else _length(field),
        SignificantDigits=field.decimals if kind is Kind.DECIMAL else None,
        Comment=comment,
    ):
        label = _why(field) if absent else field.label
        xml.translated("Description", label)
        xml.translated("Question", label)
        if field.unit and not absent:
            xml.empty("MeasurementUnitRef", MeasurementUnitOID=unit_oid(field.unit))
        if not absent:
            _ranges(xml, field)
        if kind is Kind.CHOICE:
            listed = ABSENT_LIST if absent else list_oid(form.key, field.name)
            xml.empty("CodeListRef", CodeListOID=listed)
        xml.empty("Alias", Context=ODM_ALIAS, Name=alias)


def _why(field: Field) -> Label:
    return Label(f"{field.label.en}: why there is none", f"{field.label.zh}：无值原因")


def _length(field: Field) -> int | None:
    if field.kind is Kind.CHOICE:
        return max(len(value) for value in field.values)
    if field.kind in (Kind.WHOLE, Kind.DECIMAL):
        return len(str(int(field.high or 0))) + (field.decimals + 1 if field.decimals else 0)
    return field.longest if field.kind is Kind.TEXT else None


def _ranges(xml: OdmWriter, field: Field) -> None:
    limits = [("Hard", "GE", field.low), ("Hard", "LE", field.high)]
    if field.expected:
        limits += [("Soft", "GE", field.expected[0]), ("Soft", "LE", field.expected[1])]
    for force, comparator, limit in limits:
        if limit is not None:
            with xml.element("RangeCheck", Comparator=comparator, SoftHard=force):
                xml.text("CheckValue", f"{limit:g}")


def _derived_items(xml: OdmWriter, key: str, dataset: Dataset) -> None:
    for one in derived_variables(dataset):
        oid = item_oid(key, one.name)
        length = one.longest if one.kind is Kind.TEXT else 3
        if one.codes:
            length = max(len(code.value) for code in one.codes)
        with xml.element(
            "ItemDef", OID=oid, Name=one.name, DataType=ODM_TYPES[one.kind], Length=length
        ):
            xml.translated("Description", one.label)
            if one.unit:
                xml.empty("MeasurementUnitRef", MeasurementUnitOID=unit_oid(one.unit))
            if one.codes:
                xml.empty("CodeListRef", CodeListOID=list_oid(key, one.name))


def _lists(xml: OdmWriter) -> None:
    for oid, name, codes in _code_lists():
        with xml.element("CodeList", OID=oid, Name=name, DataType="text"):
            for number, code in enumerate(codes, start=1):
                with xml.element("CodeListItem", CodedValue=code.value, OrderNumber=number):
                    xml.translated("Decode", code.label)


def _code_lists() -> Iterator[tuple[str, str, tuple[Code, ...]]]:
    for form in FORMS.values():
        for field in form.fields:
            if field.kind is Kind.CHOICE:
                yield list_oid(form.key, field.name), field.label.en, field.codes
    for key, dataset in DERIVED_TABLES.items():
        for one in derived_variables(dataset):
            if one.codes:
                yield list_oid(key, one.name), one.label.en, one.codes
    yield STATUS_LIST, "Status of the form", FORM_STATUSES
    words = tuple(Code(one, ABSENT_LABELS[one]) for one in Absent)
    yield ABSENT_LIST, "Why there is no value", words


def _condition_oid(form: FormDefinition, field: Field) -> str:
    return f"CN.{form.key.upper()}.{field.name.upper()}"


def _conditions(xml: OdmWriter, form: FormDefinition) -> None:
    """When a question is not asked; ODM names the exception, the forms name the rule."""
    for field in form.fields:
        if field.asked_if is None:
            continue
        other = form.field(field.asked_if.field)
        among = [other.label_of(value) for value in sorted(field.asked_if.among)]
        label = Label(
            f"Not asked unless “{other.label.en}” is: {', '.join(one.en for one in among)}.",
            f"除非“{other.label.zh}”为：{'、'.join(one.zh for one in among)}，否则不询问。",
        )
        with xml.element("ConditionDef", OID=_condition_oid(form, field), Name=label.en):
            xml.translated("Description", label)
