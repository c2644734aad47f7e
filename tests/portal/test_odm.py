"""CDISC ODM-XML 1.3.2: its structure, what comes back out of what went in, and what is refused."""

import re

import pytest
from lxml import etree

from studyportal.clinical.models import Form
from studyportal.clinical.rules import FORMS, Absent, PartialDate
from studyportal.clinical.selectors import rows_of
from studyportal.clinical.services import import_odm
from studyportal.clinical.services.odm_file import read_odm
from studyportal.clinical.states import FormStatus
from studyportal.core.errors import Refused
from studyportal.exports.states import DataFormat
from studyportal.sites.rules import Role
from tests.portal.scenes import enrolled, person
from tests.portal.test_exports_clinical import case, entry, exported

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("study")]
ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
STUDY = "ST.NCT07243873"
HEAD = (
    '<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" ODMVersion="1.3.2" FileType="Snapshot" '
    'FileOID="1" CreationDateTime="2026-11-26T00:00:00">'
)


def sent(participant, body, *, study=STUDY, before=""):
    """A file with rows of one participant, as another system would send it."""
    return (
        f'{HEAD}{before}<ClinicalData StudyOID="{study}" MetaDataVersionOID="MDV.1.0">'
        f'<SubjectData SubjectKey="{participant.code}"><StudyEventData StudyEventOID="SE.CASEBOOK">'
        f"{body}</StudyEventData></SubjectData></ClinicalData></ODM>"
    ).encode()


def baseline(*items):
    inner = "".join(items)
    return (
        f'<FormData FormOID="F.BASELINE"><ItemGroupData ItemGroupOID="IG.BASELINE">{inner}'
        "</ItemGroupData></FormData>"
    )


def item(name, value, form="BASELINE"):
    return f'<ItemData ItemOID="IT.{form}.{name}" Value="{value}"/>'


def document(**options):
    return entry(exported(DataFormat.ODM, **options)[1], "odm.xml")


def answers(xml):
    """Every answer to a form in a document, by event, row and item; what is derived is left out."""
    root = etree.fromstring(xml)
    found = {}
    for group in root.iter(f"{ODM}ItemGroupData"):
        form = group.getparent()
        event = form.getparent()
        if event.get("StudyEventOID") == "SE.DERIVED":
            continue
        for one in group.iter(f"{ODM}ItemData"):
            key = (event.get("StudyEventRepeatKey"), group.get("ItemGroupRepeatKey"))
            found[(*key, one.get("ItemOID"))] = (one.get("Value"), one.get("IsNull"))
    return found


def test_what_went_out_comes_in_and_goes_out_the_same():
    first = case()
    out = document()
    assert len(answers(out)) > 20
    second = enrolled()
    own = etree.fromstring(out)
    for subject in own.iter(f"{ODM}SubjectData"):
        if subject.get("SubjectKey") != first.code:
            subject.getparent().remove(subject)
        else:
            subject.set("SubjectKey", second.code)
    done = import_odm(content=etree.tostring(own), name="a.xml", by=person(Role.COORDINATOR))
    assert (done.rows, done.forms, done.complete) == (3, 2, 1)
    again = etree.fromstring(document())
    for subject in list(again.iter(f"{ODM}SubjectData")):
        if subject.get("SubjectKey") != second.code:
            subject.getparent().remove(subject)
    # Free text did not leave, so the second form lacks it and nothing else.
    assert answers(etree.tostring(again)) == answers(out)


def test_references_in_a_document_lead_somewhere_and_identifiers_stand_once():
    case()
    root = etree.fromstring(document())
    version = root.find(f".//{ODM}MetaDataVersion")
    oids = [one.get("OID") for one in version if one.get("OID")]
    assert len(oids) == len(set(oids))
    defined = {one.get("OID") for one in root.iter() if one.get("OID")}
    for one in root.iter(etree.Element):
        for name, value in one.attrib.items():
            if name.endswith("OID") and name not in ("OID", "FileOID"):
                assert value in defined, (one.tag, name, value)


ORDER = {
    "ODM": "Study AdminData ReferenceData ClinicalData Association",
    "Study": "GlobalVariables BasicDefinitions MetaDataVersion",
    "GlobalVariables": "StudyName StudyDescription ProtocolName",
    "MeasurementUnit": "Symbol Alias",
    "MetaDataVersion": (
        "Include Protocol StudyEventDef FormDef ItemGroupDef ItemDef CodeList ImputationMethod "
        "Presentation ConditionDef MethodDef"
    ),
    "StudyEventDef": "Description FormRef Alias",
    "FormDef": "Description ItemGroupRef ArchiveLayout Alias",
    "ItemGroupDef": "Description ItemRef Alias",
    "ItemDef": (
        "Description Question ExternalQuestion MeasurementUnitRef RangeCheck CodeListRef Role Alias"
    ),
    "RangeCheck": "CheckValue MeasurementUnitRef ErrorMessage",
    "CodeListItem": "Decode Alias",
    "ConditionDef": "Description FormalExpression Alias",
    "AdminData": "User Location SignatureDef",
    "SignatureDef": "Meaning LegalReason",
    "SubjectData": "AuditRecord Signature InvestigatorRef SiteRef Annotation StudyEventData",
    "StudyEventData": "AuditRecord Signature Annotation FormData",
    "FormData": "AuditRecord Signature ArchiveLayoutRef Annotation ItemGroupData",
    "ItemGroupData": "AuditRecord Signature Annotation ItemData",
    "ItemData": "AuditRecord Signature MeasurementUnitRef Annotation",
    "AuditRecord": "UserRef LocationRef DateTimeStamp ReasonForChange SourceID",
    "Signature": "UserRef LocationRef SignatureRef DateTimeStamp CryptoBindingManifest",
    "Flag": "FlagValue FlagType",
}
NEEDED = {
    "ODM": "FileType FileOID CreationDateTime",
    "StudyEventDef": "OID Name Repeating Type",
    "FormDef": "OID Name Repeating",
    "ItemGroupDef": "OID Name Repeating",
    "ItemDef": "OID Name DataType",
    "ItemRef": "ItemOID Mandatory",
    "CodeList": "OID Name DataType",
    "MeasurementUnit": "OID Name",
    "Location": "OID Name",
    "MetaDataVersionRef": "StudyOID MetaDataVersionOID EffectiveDate",
    "Annotation": "SeqNum",
    "ItemData": "ItemOID",
}


def test_elements_stand_in_the_order_of_the_standard_and_carry_what_it_requires():
    case()
    root = etree.fromstring(document())
    for one in root.iter(etree.Element):
        tag = etree.QName(one).localname
        if tag in ORDER:
            places = [ORDER[tag].split().index(etree.QName(child).localname) for child in one]
            assert places == sorted(places), tag
        for name in NEEDED.get(tag, "").split():
            assert one.get(name), (tag, name)


def test_definitions_speak_both_languages_and_say_units_ranges_and_conditions():
    case()
    root = etree.fromstring(document())
    weight = root.find(f'.//{ODM}ItemDef[@OID="IT.BASELINE.WEIGHT_KG"]')
    words = {one.get("{http://www.w3.org/XML/1998/namespace}lang"): one.text
             for one in weight.find(f"{ODM}Question")}  # fmt: skip
    assert words == {"en": "Weight", "zh-Hans": "体重"}
    assert weight.find(f"{ODM}MeasurementUnitRef").get("MeasurementUnitOID") == "MU.kg"
    hard = [one for one in weight.iter(f"{ODM}RangeCheck") if one.get("SoftHard") == "Hard"]
    assert [(one.get("Comparator"), one[0].text) for one in hard] == [("GE", "10"), ("LE", "400")]
    quit_on = root.find(f'.//{ODM}ItemRef[@ItemOID="IT.BASELINE.QUIT_ON"]')
    assert quit_on.get("CollectionExceptionConditionOID") == "CN.BASELINE.QUIT_ON"
    assert weight.get("DataType") == "float"
    listed = root.find(f'.//{ODM}CodeList[@OID="CL.BASELINE.SMOKING"]')
    assert [one.get("CodedValue") for one in listed] == list(
        FORMS["baseline"].field("smoking").values
    )


def test_a_missing_value_is_null_with_its_reason_and_a_partial_date_stays_partial():
    case()
    found = answers(document())
    assert found[None, None, "IT.BASELINE.GLUCOSE_MMOL_L"] == (None, "Yes")
    assert found[None, None, "IT.BASELINE.GLUCOSE_MMOL_L.ABSENT"] == ("not_done", None)
    assert found[None, None, "IT.BASELINE.QUIT_ON"] == ("2019-02", None)
    assert found[None, "4R", "IT.NODES.EXAMINED_ON"] == ("2026", None)


def test_who_changed_a_form_stands_as_a_code():
    case()
    root = etree.fromstring(document())
    record = root.find(f".//{ODM}FormData/{ODM}AuditRecord")
    assert re.fullmatch(r"USR\.\d+", record.find(f"{ODM}UserRef").get("UserOID"))
    assert record.find(f"{ODM}DateTimeStamp").text
    assert not list(root.iter(f"{ODM}FullName", f"{ODM}LoginName", f"{ODM}ReasonForChange"))


def test_a_file_of_another_system_is_understood_by_its_aliases_and_units():
    participant = enrolled()
    words = (
        '<Study OID="X"><GlobalVariables><StudyName>x</StudyName><StudyDescription>x'
        "</StudyDescription><ProtocolName>NCT07243873</ProtocolName></GlobalVariables>"
        '<BasicDefinitions><MeasurementUnit OID="U1" Name="kilogram"><Symbol><TranslatedText>kg'
        "</TranslatedText></Symbol></MeasurementUnit></BasicDefinitions>"
        '<MetaDataVersion OID="M" Name="M"><FormDef OID="VS" Name="VS" Repeating="No">'
        '<Alias Context="StudyPortal" Name="baseline"/></FormDef>'
        '<ItemDef OID="W" Name="W" DataType="float"><MeasurementUnitRef MeasurementUnitOID="U1"/>'
        '<Alias Context="StudyPortal" Name="baseline.weight_kg"/></ItemDef></MetaDataVersion></Study>'
    )
    body = (
        '<FormData FormOID="VS"><ItemGroupData ItemGroupOID="VS"><ItemDataFloat ItemOID="W">70.5'
        "</ItemDataFloat></ItemGroupData></FormData>"
    )
    content = sent(participant, body, study="X", before=words)
    import_odm(content=content, name="x.xml", by=person(Role.COORDINATOR))
    assert str(rows_of(Form.objects.get())[""]["weight_kg"]) == "70.5"


def test_answers_come_in_with_partial_dates_and_reasons():
    participant = enrolled()
    body = baseline(
        item("SMOKING", "former"), item("QUIT_ON", "2019-02"),
        '<ItemData ItemOID="IT.BASELINE.HEIGHT_CM" IsNull="Yes"/>',
        item("HEIGHT_CM.ABSENT", "unknown"),
    )  # fmt: skip
    import_odm(content=sent(participant, body), name="x.xml", by=person(Role.COORDINATOR))
    form = Form.objects.get()
    row = rows_of(form)[""]
    assert (row["quit_on"], row["height_cm"]) == (PartialDate(2019, 2), Absent.UNKNOWN)
    assert (form.status, form.source) == (FormStatus.DRAFT, "x.xml")


ROWS = [
    (item("WEIGHT_KG", "7000"), "between 10 and 400"),
    (item("SHOE_SIZE", "42"), "no question of the form"),
    (item("SMOKING", "sometimes"), "not one of"),
    (item("HEIGHT_CM.ABSENT", "lost"), "no reason for a missing value"),
    (item("HEIGHT_CM", "171") + item("HEIGHT_CM.ABSENT", "unknown"), "why there is none"),
    (item("SMOKING", "never") + item("QUIT_ON", "2019"), "is not asked"),
    (item("EXAMINED_ON", "2026-02"), "needs year, month and day"),
    (('<ItemData ItemOID="IT.BASELINE.GLUCOSE_MMOL_L" Value="5.4">'
     '<MeasurementUnitRef MeasurementUnitOID="MU.mg/dL"/></ItemData>'), "comes in “mg/dL”"),
    ('<ItemData ItemOID="IT.BASELINE.SEX" Value="M" TransactionType="Remove"/>', "Nothing is removed"),
]  # fmt: skip


@pytest.mark.parametrize(("items", "why"), ROWS)
def test_a_fault_is_told_with_its_line_and_nothing_is_kept(items, why):
    participant = enrolled()
    content = sent(participant, baseline(items).replace("<FormData", "\n\n<FormData"))
    with pytest.raises(Refused, match=why) as refusal:
        import_odm(content=content, name="x.xml", by=person(Role.COORDINATOR))
    assert all(reason.where.startswith("line 3") for reason in refusal.value.reasons)
    assert not Form.objects.exists()


def test_an_item_of_another_system_without_a_unit_is_not_guessed():
    participant = enrolled()
    words = (
        '<Study OID="ST.NCT07243873"><MetaDataVersion OID="M" Name="M">'
        '<ItemDef OID="W" Name="W" DataType="float"><Alias Context="StudyPortal" '
        'Name="baseline.weight_kg"/></ItemDef></MetaDataVersion></Study>'
    )
    body = baseline('<ItemData ItemOID="W" Value="70"/>')
    with pytest.raises(Refused, match="does not say in which unit"):
        import_odm(
            content=sent(participant, body, before=words), name="x", by=person(Role.COORDINATOR)
        )


def test_a_file_reaches_only_participants_whose_forms_one_fills_in():
    elsewhere = enrolled(at="SEH")
    with pytest.raises(Refused, match="You have no participant"):
        import_odm(
            content=sent(elsewhere, baseline(item("SEX", "M"))), name="x",
            by=person(Role.COORDINATOR),
        )  # fmt: skip


def test_data_of_another_study_are_refused():
    content = sent(enrolled(), baseline(item("SEX", "M")), study="ST.NCT00000001")
    with pytest.raises(Refused, match="another study"):
        import_odm(content=content, name="x", by=person(Role.COORDINATOR))


LAUGHS = '<!DOCTYPE ODM [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE ODM [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
BROKEN = [
    (LAUGHS.encode() + HEAD.encode() + b"&b;</ODM>", "document type"),
    (OUTSIDE.encode() + HEAD.encode() + b"&x;</ODM>", "document type"),
    (b'<!DOCTYPE ODM SYSTEM "http://example.org/x.dtd">' + HEAD.encode() + b"</ODM>", "document type"),
    (b"not xml", "not XML"),
    (b"", "not XML"),
    (HEAD.encode(), "not XML"),
    (b"<html/>", "not CDISC ODM"),
    (HEAD.replace("1.3.2", "2.0").encode() + b"</ODM>", "not CDISC ODM"),
    (b'<ODM xmlns="http://www.cdisc.org/ns/odm/v2.0"/>', "not CDISC ODM"),
    (b'<?xml version="1.0" encoding="no-such"?><ODM/>', "not XML"),
    (b"x" * (30 * 2**20 + 1), "larger than 30 MB"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "why"), BROKEN)
def test_what_is_no_plain_odm_is_refused_in_words(content, why):
    with pytest.raises(Refused, match=why):
        read_odm(content)
