"""De-identification of one DICOM dataset, driven by the table of PS3.15 E.1-1.

What an element may be is decided from its tag alone (`rule_for`), before its value is read;
only what stays is read, and what cannot be read goes. Nothing here repeats a value in words.
"""

import copy
import re
from collections.abc import Callable, Mapping

from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from studyportal.imaging.rules.declaration import declare, file_meta
from studyportal.imaging.rules.deidentification_report import DeidentificationReport, report_of
from studyportal.imaging.rules.element_rules import DEEPEST, Rule, name_of, rule_for
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
from studyportal.imaging.rules.outline_attributes import holds_outlines
from studyportal.imaging.rules.outline_texts import OUTLINE_TEXTS, cleaned_name
from studyportal.imaging.rules.pixel_surplus import trim_pixels
from studyportal.imaging.rules.pseudonym import PseudonymContext, remap_uid, text_code
from studyportal.imaging.rules.safe_private import creator_of, safe_element
from studyportal.imaging.rules.seal import SealError, Standing, seal_reasons, standing_of
from studyportal.imaging.rules.synthetic_mark import SYNTHETIC_WORD, bears_synthetic_mark
from studyportal.imaging.rules.unheard import unheard

__all__ = ["DEEPEST", "deidentify"]
_CODED_TEXTS = frozenset({"StudyDescription", "SeriesDescription", "ProtocolName"})
_CODE_OF_TEXT = re.compile(r"TEXT-[0-9A-F]{8}")
_TECHNICAL_TEXT = frozenset({"LO", "SH", "ST", "LT", "UT", "UC", "CS"})


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

    A file that bears an intact seal of this study for this participant was de-identified before: its
    UIDs, dates and codes stay as they are, everything else is cleaned as ever, and what comes out is
    what the first run gave.

    Raises
    ------
    SealError
        When the file claims to be de-identified by this study and its seal does not fit, or is for
        another participant.
    """
    with unheard():
        if wrong := seal_reasons([dataset], context):
            raise SealError(wrong[0].sentence)
        walk = Walk(dataset, context, approved_texts)
        cleaned = walk.cleaned(dataset, depth=0)
        if bears_synthetic_mark(dataset):
            cleaned.SyntheticData = "YES"  # whichever mark it bore, this one outlives the texts
        declare(cleaned, context)
        cleaned.file_meta = file_meta(dataset, cleaned)
        if trim_pixels(cleaned):
            walk.note(Rule.PIXEL_SURPLUS_REMOVED, Tag("PixelData"), "held more than its pixels")
        cleaned.preamble = b"\0" * 128  # a preamble can hide another file format
    return cleaned, walk.report()


class Walk:
    """One pass over one file; holds the counts, and what the rules need to know."""

    def __init__(self, root: Dataset, context: PseudonymContext, approved: frozenset[str]) -> None:
        self.context = context
        self.approved = approved
        self.outlines = holds_outlines(root)
        self.again = standing_of(root, context.key) is Standing.INTACT
        self.days = 0 if self.again else context.date_offset_days
        self.echo = None if self.again else echo_pattern(root)
        self.done: list[tuple[Rule, str]] = []
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
        return report_of(self.done, self.notes, again=self.again)

    def count(self, rule: Rule, tag: BaseTag) -> None:
        self.done.append((rule, name_of(tag)))

    def cleaned(self, dataset: Dataset, *, depth: int) -> Dataset:
        """A new dataset with what may stay of this one."""
        result = Dataset()
        for tag in sorted(dataset.keys()):
            self.clean_element(dataset, tag, result, depth=depth)
        return result

    def clean_element(
        self, dataset: Dataset, tag: BaseTag, result: Dataset, *, depth: int = 0
    ) -> None:
        """What may stay of one element stands in the result."""
        if tag.element == 0 and not tag.is_private:
            return  # group lengths are counted anew by the writer
        self.depth = depth
        rule = rule_for(tag, depth=depth, outlines=self.outlines)
        if rule is Rule.PRIVATE_REMOVED:
            self._private(dataset, tag, result)
        else:
            self._standard(dataset, tag, rule, result)

    def _standard(self, dataset: Dataset, tag: BaseTag, rule: Rule, result: Dataset) -> None:
        act = self.acts.get(rule)
        if act is None:
            self.count(rule, tag)
            return
        try:
            kept = act(_readable(dataset, tag))
        except UNREADABLE:
            self.note(Rule.BROKEN_REMOVED, tag, "could not be read and was removed")
            return
        self.count(rule, tag)
        if kept is not None:
            result[tag] = kept

    def _private(self, dataset: Dataset, tag: BaseTag, result: Dataset) -> None:
        try:
            creator = creator_of(dataset, tag)
            kept = creator and safe_element(dataset, tag, creator=creator, days=self.days)
        except UNREADABLE:
            self.note(Rule.BROKEN_REMOVED, tag, "could not be read and was removed")
            return
        if creator is None or kept is None:
            self.count(Rule.PRIVATE_REMOVED, tag)
            return
        self.count(Rule.PRIVATE_KEPT, tag)
        result[creator.tag] = creator
        result[tag] = kept

    def note(self, rule: Rule, tag: BaseTag, what: str) -> None:
        self.count(rule, tag)
        name = keyword_for_tag(tag)
        self.notes[f"{tag} {name} {what}." if name else f"{tag} {what}."] = None

    def _uid(self, element: DataElement) -> DataElement:
        if self.again:
            return _each(element, UID)
        return _each(element, lambda uid: UID(remap_uid(self.context.key, uid)))

    def _date(self, element: DataElement) -> DataElement:
        shift = shifted_date if element.VR == "DA" else shifted_datetime
        return _each(element, lambda text: shift(text, self.days))

    def _text(self, element: DataElement) -> DataElement | None:
        texts = texts_of(element)
        if not texts:
            return _with_value(element, "")
        if all(text in self.approved and not self._echoes(text) for text in texts):
            return _with_value(element, _own(element.value))
        if element.keyword in OUTLINE_TEXTS:
            return _with_value(element, self._name(element.keyword, " ".join(texts)))
        if any(SYNTHETIC_WORD in text.upper() for text in texts):
            return _with_value(element, SYNTHETIC_WORD)  # the mark survives, its words do not
        if self.again and all(map(_CODE_OF_TEXT.fullmatch, texts)):
            return _with_value(element, _own(element.value))
        if element.keyword in _CODED_TEXTS:
            return _with_value(element, text_code(self.context, " ".join(texts)))
        return _with_value(element, "AGENT") if element.keyword == "ContrastBolusAgent" else None

    def _name(self, keyword: str, name: str) -> str:
        """How a region, or what drew it, may be called."""
        cleaned = cleaned_name(keyword, name, self.context, coded=self.again)
        return text_code(self.context, name) if cleaned and self._echoes(cleaned) else cleaned

    def _sequence(self, element: DataElement) -> DataElement | None:
        depth = self.depth + 1
        if depth > DEEPEST or element.VR != "SQ":
            raise BrokenValueError("not a sequence of an image")
        cleaned = Sequence([self.cleaned(part, depth=depth) for part in element.value])
        return _with_value(element, cleaned)

    def _technical(self, element: DataElement) -> DataElement | None:
        if element.VR in _TECHNICAL_TEXT and any(map(self._echoes, texts_of(element))):
            self.note(Rule.IDENTITY_ECHO_REMOVED, element.tag, "repeated an identifier")
            return None
        return _with_value(element, _own(element.value))

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


def _own(value: object) -> object:
    """The value, for an element of another dataset; what cannot be changed can be shared."""
    return value if isinstance(value, str | bytes | float | int) else copy.deepcopy(value)


def _each(element: DataElement, change: Callable[[str], str]) -> DataElement:
    values = [change(text) if text else "" for text in texts_of(element)]
    return _with_value(element, values[0] if len(values) == 1 else values or "")


def _characteristic(element: DataElement) -> DataElement:
    if element.keyword == "PatientAge":
        return _each(element, capped_age)
    if element.keyword == "PatientSex":
        return _each(element, lambda sex: sex if sex in {"M", "F", "O"} else "")
    return _with_value(element, _own(element.value))
