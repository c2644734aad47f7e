"""De-identification of one DICOM dataset, driven by the table of PS3.15 E.1-1.

What an element may be is decided from its tag alone (`rule_for`), before its value is read;
only what stays is read, and what cannot be read goes. Nothing here repeats a value in words.
"""

import copy
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.uid import UID, ExplicitVRLittleEndian

from evaluation.imaging.instance import synthetic_marks
from studyportal.imaging.rules.confidentiality import (
    OPTIONS,
    RETAINED_CHARACTERISTICS,
    TABLE_VERSION,
    ConfidentialAttribute,
    table_by_tag,
)
from studyportal.imaging.rules.element_values import (
    BrokenValueError,
    capped_age,
    check_kind,
    checked_time,
    shifted_date,
    shifted_datetime,
    texts_of,
)
from studyportal.imaging.rules.identity_echo import UNREADABLE, echo_pattern
from studyportal.imaging.rules.image_attributes import IMAGE_ATTRIBUTES, ROOT_ONLY
from studyportal.imaging.rules.pseudonym import PseudonymContext, remap_uid, text_code
from studyportal.imaging.rules.safe_private import creator_of, safe_element

IMPLEMENTATION_CLASS_UID = UID("2.25.271828059482150396471846107925360421387")
IMPLEMENTATION_VERSION = "STUDYPORTAL_1"
METHOD = f"StudyPortal; {TABLE_VERSION}"
SYNTHETIC_WORD = "SYNTHETIC"
DEEPEST = 16  # sequences nested deeper than any image of the standard nests them
_CODED_TEXTS = frozenset({"StudyDescription", "SeriesDescription", "ProtocolName"})
_TECHNICAL_TEXT = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "CS"})


class Rule(StrEnum):
    """What happened to an element; reports count these."""

    PARTICIPANT_CODE = "participant-code"
    PROFILE_REMOVED = "profile-removed"
    PROFILE_EMPTIED = "profile-emptied"
    UID_REPLACED = "uid-replaced"
    DATE_SHIFTED = "date-shifted"
    CLOCK_TIME_KEPT = "clock-time-kept"
    CHARACTERISTIC_KEPT = "characteristic-kept"
    TEXT_CLEANED = "text-cleaned"
    OUTSIDE_IMAGE_REMOVED = "outside-image-removed"
    OVERLAY_REMOVED = "overlay-or-curve-removed"
    PRIVATE_REMOVED = "private-removed"
    PRIVATE_KEPT = "safe-private-kept"
    SEQUENCE_SEARCHED = "sequence-searched"
    IMAGE_ATTRIBUTE_KEPT = "image-attribute-kept"
    IDENTITY_ECHO_REMOVED = "identity-echo-removed"
    BROKEN_REMOVED = "broken-removed"


@dataclass(frozen=True)
class DeidentificationReport:
    """How many elements each rule acted on, and what could not be read; never a value."""

    actions: Mapping[str, int]
    notes: tuple[str, ...]
    options: tuple[str, ...] = tuple(OPTIONS)
    table_version: str = TABLE_VERSION


def merged_reports(reports: Iterable[DeidentificationReport]) -> DeidentificationReport:
    """One report of a series: counts added, each note once, in order of first appearance."""
    actions: Counter[str] = Counter()
    notes: dict[str, None] = {}
    for report in reports:
        actions.update(report.actions)
        notes.update(dict.fromkeys(report.notes))
    return DeidentificationReport(MappingProxyType(dict(sorted(actions.items()))), tuple(notes))


def deidentify(
    dataset: Dataset,
    *,
    context: PseudonymContext,
    approved_texts: frozenset[str] = frozenset(),
) -> tuple[Dataset, DeidentificationReport]:
    """A copy without identity, and the report of what was done; the input is not changed.

    Parameters
    ----------
    dataset : pydicom.Dataset
        One file as read, pixels included.
    context : PseudonymContext
        Participant code, key and date offset that stand in for the person.
    approved_texts : frozenset[str]
        Descriptions the site has approved word for word; other free text is coded or removed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote the values they complain of
        walk = _Walk(dataset, context, approved_texts)
        cleaned = walk.cleaned(dataset, depth=0)
        if synthetic_marks(dataset):
            cleaned.SyntheticData = "YES"  # whichever mark it bore, this one outlives the texts
        _declare(cleaned, context)
        cleaned.file_meta = _file_meta(dataset, cleaned)
        cleaned.preamble = b"\0" * 128  # a preamble can hide another file format
    return cleaned, walk.report()


def rule_for(tag: BaseTag, *, depth: int) -> Rule:
    """The rule an element falls under by its tag and depth (0: root), whatever its value."""
    if tag.is_private:
        return Rule.PRIVATE_REMOVED
    if tag.group & 0xFF00 in {0x5000, 0x6000}:
        return Rule.OVERLAY_REMOVED
    row = table_by_tag().get(tag)
    keyword = keyword_for_tag(tag)
    if tag not in IMAGE_ATTRIBUTES or (depth > 0 and keyword in ROOT_ONLY):
        return Rule.OUTSIDE_IMAGE_REMOVED if row is None else Rule.PROFILE_REMOVED
    if keyword in {"PatientName", "PatientID"}:
        return Rule.PARTICIPANT_CODE
    vr = dictionary_VR(tag)
    return _rule_by_kind(vr) if row is None else _rule_by_row(row, vr)


def _rule_by_kind(vr: str) -> Rule:
    """An image attribute the table does not name: its kind of value says what to do."""
    if vr == "PN":
        return Rule.PROFILE_EMPTIED
    kinds = {
        "DA": Rule.DATE_SHIFTED,
        "DT": Rule.DATE_SHIFTED,
        "TM": Rule.CLOCK_TIME_KEPT,
        "UI": Rule.UID_REPLACED,
        "SQ": Rule.SEQUENCE_SEARCHED,
    }
    return kinds.get(vr, Rule.IMAGE_ATTRIBUTE_KEPT)


def _rule_by_row(row: ConfidentialAttribute, vr: str) -> Rule:
    """An image attribute the table names: a claimed option first, else the Basic Profile."""
    if row.allows("modified_dates"):
        return Rule.DATE_SHIFTED if vr in {"DA", "DT"} else Rule.CLOCK_TIME_KEPT
    if row.allows("patient") and row.keyword in RETAINED_CHARACTERISTICS:
        return Rule.CHARACTERISTIC_KEPT
    if row.allows("descriptors"):
        return Rule.TEXT_CLEANED
    if "U" in row.basic:
        return Rule.SEQUENCE_SEARCHED if vr == "SQ" else Rule.UID_REPLACED
    return Rule.PROFILE_EMPTIED if "Z" in row.basic else Rule.PROFILE_REMOVED


class _Walk:
    """One pass over one file; holds the counts, and what the rules need to know."""

    def __init__(self, root: Dataset, context: PseudonymContext, approved: frozenset[str]) -> None:
        self.context = context
        self.approved = approved
        self.echo = echo_pattern(root)
        self.actions: Counter[str] = Counter()
        self.notes: dict[str, None] = {}
        self.depth = 0
        self.acts: Mapping[Rule, Callable[[DataElement], DataElement | None]] = {
            Rule.PARTICIPANT_CODE: lambda e: _with_value(e, context.participant_code),
            Rule.PROFILE_EMPTIED: lambda e: _with_value(e, [] if e.VR == "SQ" else ""),
            Rule.UID_REPLACED: self._uid,
            Rule.DATE_SHIFTED: self._date,
            Rule.CLOCK_TIME_KEPT: lambda e: _each(e, checked_time),
            Rule.CHARACTERISTIC_KEPT: _characteristic,
            Rule.TEXT_CLEANED: self._text,
            Rule.SEQUENCE_SEARCHED: self._sequence,
            Rule.IMAGE_ATTRIBUTE_KEPT: self._technical,
        }

    def report(self) -> DeidentificationReport:
        counts = MappingProxyType(dict(sorted(self.actions.items())))
        return DeidentificationReport(counts, tuple(self.notes))

    def cleaned(self, dataset: Dataset, *, depth: int) -> Dataset:
        """A new dataset with what may stay of this one."""
        result = Dataset()
        for tag in sorted(dataset.keys()):
            if tag.element == 0 and not tag.is_private:
                continue  # group lengths are counted anew by the writer
            self.depth = depth
            rule = rule_for(tag, depth=depth)
            if rule is Rule.PRIVATE_REMOVED:
                self._private(dataset, tag, result)
            else:
                self._standard(dataset, tag, rule, result)
        return result

    def _standard(self, dataset: Dataset, tag: BaseTag, rule: Rule, result: Dataset) -> None:
        act = self.acts.get(rule)
        if act is None:
            self.actions[rule] += 1
            return
        try:
            kept = act(_readable(dataset, tag))
        except UNREADABLE:
            self._note(Rule.BROKEN_REMOVED, tag, "could not be read and was removed")
            return
        self.actions[rule] += 1
        if kept is not None:
            result[tag] = kept

    def _private(self, dataset: Dataset, tag: BaseTag, result: Dataset) -> None:
        try:
            creator = creator_of(dataset, tag)
            days = self.context.date_offset_days
            kept = creator and safe_element(dataset, tag, creator=creator, days=days)
        except UNREADABLE:
            self._note(Rule.BROKEN_REMOVED, tag, "could not be read and was removed")
            return
        if creator is None or kept is None:
            self.actions[Rule.PRIVATE_REMOVED] += 1
            return
        self.actions[Rule.PRIVATE_KEPT] += 1
        result[creator.tag] = creator
        result[tag] = kept

    def _note(self, rule: Rule, tag: BaseTag, what: str) -> None:
        self.actions[rule] += 1
        name = keyword_for_tag(tag)
        self.notes[f"{tag} {name} {what}." if name else f"{tag} {what}."] = None

    def _uid(self, element: DataElement) -> DataElement:
        return _each(element, lambda uid: UID(remap_uid(self.context.key, uid)))

    def _date(self, element: DataElement) -> DataElement:
        shift = shifted_date if element.VR == "DA" else shifted_datetime
        return _each(element, lambda text: shift(text, self.context.date_offset_days))

    def _text(self, element: DataElement) -> DataElement | None:
        texts = texts_of(element)
        if not texts:
            return _with_value(element, "")
        if all(text in self.approved and not self._echoes(text) for text in texts):
            return _with_value(element, copy.deepcopy(element.value))
        if any(SYNTHETIC_WORD in text.upper() for text in texts):
            return _with_value(element, SYNTHETIC_WORD)  # the mark survives, its words do not
        if element.keyword in _CODED_TEXTS:
            return _with_value(element, text_code(self.context, " ".join(texts)))
        return _with_value(element, "AGENT") if element.keyword == "ContrastBolusAgent" else None

    def _sequence(self, element: DataElement) -> DataElement | None:
        depth = self.depth + 1
        if depth > DEEPEST or element.VR != "SQ":
            raise BrokenValueError("not a sequence of an image")
        cleaned = Sequence([self.cleaned(part, depth=depth) for part in element.value])
        return _with_value(element, cleaned)

    def _technical(self, element: DataElement) -> DataElement | None:
        if element.VR in _TECHNICAL_TEXT and any(map(self._echoes, texts_of(element))):
            self._note(Rule.IDENTITY_ECHO_REMOVED, element.tag, "repeated an identifier")
            return None
        return _with_value(element, copy.deepcopy(element.value))

    def _echoes(self, text: str) -> bool:
        return self.echo is not None and self.echo.search(text.casefold()) is not None


def _readable(dataset: Dataset, tag: BaseTag) -> DataElement:
    """The element, read; raises where its kind is not the one the standard gives this tag."""
    element = dataset[tag]
    standard = dictionary_VR(tag)
    if standard != element.VR and element.VR not in standard.split(" or "):
        raise BrokenValueError("another kind of value than the standard says")
    check_kind(element)
    return element


def _with_value(element: DataElement, value: object) -> DataElement:
    """A new element with this value; pydicom's checks stay off, they quote what they refuse."""
    return DataElement(
        element.tag,
        element.VR,
        Sequence(value) if element.VR == "SQ" and isinstance(value, list) else value,
        is_undefined_length=element.is_undefined_length,
        already_converted=True,
    )


def _each(element: DataElement, change: Callable[[str], str]) -> DataElement:
    values = [change(text) if text else "" for text in texts_of(element)]
    return _with_value(element, values[0] if len(values) == 1 else values or "")


def _characteristic(element: DataElement) -> DataElement:
    if element.keyword == "PatientAge":
        return _each(element, capped_age)
    if element.keyword == "PatientSex":
        return _each(element, lambda sex: sex if sex in {"M", "F", "O"} else "")
    return _with_value(element, copy.deepcopy(element.value))


def _declare(cleaned: Dataset, context: PseudonymContext) -> None:
    """The attributes by which a de-identified file says so, present even where none came in."""
    cleaned.PatientName = cleaned.PatientID = context.participant_code
    cleaned.PatientBirthDate = ""
    cleaned.SpecificCharacterSet = "ISO_IR 192"  # texts were decoded; one set writes all of them
    cleaned.PatientIdentityRemoved = "YES"
    cleaned.DeidentificationMethod = METHOD
    cleaned.DeidentificationMethodCodeSequence = Sequence(
        _code(value, meaning) for value, meaning in OPTIONS.items()
    )
    cleaned.LongitudinalTemporalInformationModified = "MODIFIED"


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue = value
    code.CodingSchemeDesignator = "DCM"
    code.CodeMeaning = meaning
    return code


def _file_meta(dataset: Dataset, cleaned: Dataset) -> FileMetaDataset:
    """File meta information written anew: nothing of the sender's is carried over."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(str(cleaned.get("SOPClassUID", "")))
    meta.MediaStorageSOPInstanceUID = UID(str(cleaned.get("SOPInstanceUID", "")))
    read = getattr(dataset, "file_meta", FileMetaDataset())
    meta.TransferSyntaxUID = read.get("TransferSyntaxUID", ExplicitVRLittleEndian)
    meta.ImplementationClassUID = IMPLEMENTATION_CLASS_UID
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION
    return meta
