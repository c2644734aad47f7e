"""The seal by which files that this study de-identified are known again.

De-identifying a file twice would move its dates twice and hash its UIDs twice. So each file that is
de-identified carries a keyed digest of what a second run has to leave as it is: the participant code,
every UID, every date and the link to the patient. An intact seal means that whoever made them held the
key of the study; everything the seal does not cover is cleaned again. What claims a seal that does not
fit is refused.
"""

import hmac
import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from evaluation.imaging import Reason
from studyportal.imaging.rules.element_rules import DEEPEST
from studyportal.imaging.rules.element_values import texts_of
from studyportal.imaging.rules.identity_echo import UNREADABLE
from studyportal.imaging.rules.pseudonym import (
    DeidentificationKey,
    PseudonymContext,
    patient_link,
)
from studyportal.imaging.rules.safe_private import raw_text, shifted_safe_tags
from studyportal.imaging.rules.unheard import unheard

SITE_CREATOR = "STUDYPORTAL SITE"
_SITE_GROUP = 0x0013
_LINK = 0x01
_METHOD = Tag(0x0012, 0x0063)
_COVERED_KINDS = frozenset({"UI", "DA", "DT"})
_IDENTITY = frozenset({Tag(0x0010, 0x0010), Tag(0x0010, 0x0020)})
_SEAL = re.compile(r"SEAL ([0-9a-f]{8}) ([0-9a-f]{32})")
_LINK_DIGITS = re.compile(r"[0-9a-f]{64}")


class Standing(StrEnum):
    """What the seal of a file says."""

    UNSEALED = "unsealed"
    INTACT = "intact"
    OTHER_KEY = "other-key"
    BROKEN = "broken"


class SealError(ValueError):
    """A file claims to be de-identified by this study and is not, or is another participant's."""


def seal_of(dataset: Dataset, key: DeidentificationKey) -> str:
    """The seal that fits the dataset as it is, for the second value of DeidentificationMethod."""
    return seal_of_lines(_covered(dataset, depth=0), key)


def seal_of_lines(lines: Iterable[str], key: DeidentificationKey) -> str:
    """The seal over lines that stand for a dataset: `first_lines` of it, then `lines_of` each element by tag."""
    digest = key.digest("seal", "\n".join(lines))
    return f"SEAL {key.fingerprint} {digest[:16].hex()}"


def standing_of(dataset: Dataset, key: DeidentificationKey) -> Standing:
    """Whether the dataset is sealed, and by whom; never raises for what it holds."""
    claimed = _claimed(dataset)
    if claimed is None:
        return Standing.UNSEALED
    if claimed[1] != key.fingerprint:
        return Standing.OTHER_KEY
    try:
        with unheard():
            fitting = seal_of(dataset, key)
    except UNREADABLE:
        return Standing.BROKEN
    fits = hmac.compare_digest(claimed[0].encode(), fitting.encode())
    return Standing.INTACT if fits else Standing.BROKEN


def seal_reasons(headers: Iterable[Dataset], context: PseudonymContext) -> tuple[Reason, ...]:
    """Why sealed headers cannot be taken for this participant; none where nothing is wrong."""
    headers = list(headers)
    standings = {standing_of(header, context.key) for header in headers}
    found = [Reason(*_REASONS[one], "(0012,0063)") for one in _REASONS if one in standings]
    if len(standings) > 1 and Standing.INTACT in standings and not found:
        found.append(Reason("seal_mixed", _MIXED, "(0012,0063)"))
    if not found and Standing.INTACT in standings and _code(headers) != context.participant_code:
        sentence = f"These images were de-identified at the site for another participant than {context.participant_code}."
        found.append(Reason("seal_participant", sentence, "(0010,0020)"))
    return tuple(found)


def site_link(dataset: Dataset) -> str:
    """The link to the patient that the site's own run wrote; empty where there is none."""
    try:
        block = dataset.private_block(_SITE_GROUP, SITE_CREATOR)
        link = raw_text(dataset, block.get_tag(_LINK))
    except UNREADABLE:
        return ""
    return link if _LINK_DIGITS.fullmatch(link) else ""


def patient_link_of(dataset: Dataset, key: DeidentificationKey, *, site_code: str) -> str:
    """Keyed digest of the patient whom a file names; empty where it names none.

    A file that the site de-identified names the participant instead, and holds the digest.
    """
    if standing_of(dataset, key) is Standing.INTACT:
        return site_link(dataset)
    named = "\\".join(_texts(dataset, Tag(0x0010, 0x0020)))
    return patient_link(key, patient_id=named, site_code=site_code) if named else ""


def write_site_link(dataset: Dataset, link: str) -> None:
    """The link stands in a private block, which the portal takes out again."""
    block = dataset.private_block(_SITE_GROUP, SITE_CREATOR, create=True)
    block.add_new(_LINK, "LO", link)


_REASONS = {
    Standing.OTHER_KEY: (
        "seal_other_key",
        "These images were de-identified with another key than that of this study.",
    ),
    Standing.BROKEN: (
        "seal_broken",
        "These images were changed after they were de-identified at the site.",
    ),
}
_MIXED = "Some of these images were de-identified at the site and some were not."


def _code(headers: Iterable[Dataset]) -> str:
    codes = {text for header in headers for text in _texts(header, Tag(0x0010, 0x0020))}
    return codes.pop() if len(codes) == 1 else ""


def _claimed(dataset: Dataset) -> re.Match[str] | None:
    for text in _texts(dataset, _METHOD):
        if match := _SEAL.fullmatch(text):
            return match
    return None


def _texts(dataset: Dataset, tag: BaseTag) -> list[str]:
    try:
        with unheard():
            return texts_of(dataset[tag]) if tag in dataset else []
    except UNREADABLE:
        return []


def _covered(dataset: Dataset, *, depth: int) -> Iterator[str]:
    """One line for each value that a second run leaves as it is, in the order of tags."""
    if depth > DEEPEST:
        raise SealError("nested deeper than any image")
    yield from first_lines(dataset) if depth == 0 else _private_lines(dataset, depth=depth)
    for tag in sorted(tag for tag in dataset.keys() if not tag.is_private):  # noqa: SIM118
        yield from lines_of(dataset[tag], depth=depth)


def first_lines(private: Dataset) -> Iterator[str]:
    """The lines that a dataset's seal begins with; they rest on its private elements alone."""
    yield f"link={site_link(private)}"
    yield from _private_lines(private, depth=0)


def _private_lines(dataset: Dataset, *, depth: int) -> Iterator[str]:
    for tag in shifted_safe_tags(dataset):
        yield f"{depth} {tag}={raw_text(dataset, tag)}"


def lines_of(element: DataElement, *, depth: int = 0) -> Iterator[str]:
    """One line for each value of an element, and of what is nested in it, that a second run leaves as it is."""
    if element.VR == "SQ":
        for part in element.value:
            yield f"{depth} {element.tag}"
            yield from _covered(part, depth=depth + 1)
    elif element.VR in _COVERED_KINDS or element.tag in _IDENTITY:
        text = "\\".join(texts_of(element))
        if text:  # some programs leave empty elements out
            yield f"{depth} {element.tag}={text}"
