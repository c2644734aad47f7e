"""Refusals of the reader in a coordinator's words: what is wrong, in which file, what to re-send.

File names of a hospital can name a person; files are told by their position in the upload.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from evaluation.imaging import Reason
from studyportal.imaging.rules.findings import Finding, Value

_MORE = re.compile(r"(\d+) more files have the same fault")
_SHOWN_POSITIONS = 5


@dataclass(frozen=True)
class RefusalText:
    """Words for one kind of refusal.

    `per_file` refusals begin with the files they are about; `detail` ones keep the reader's own
    sentence in front, which holds numbers and places but never a file name.
    """

    wrong: str
    resend: str
    per_file: bool = False
    detail: bool = False


_AGAIN = "Export the whole series again from the scanner or the archive and send it."
_WITHOUT = "Send the series without it."
_SERIES_ALONE = "Send one folder that holds one series and nothing else."
_GEOMETRY = {
    "missing_slice": "Send the whole series again; no slice may be left out.",
    "irregular_spacing": "Send a reconstruction with evenly spaced slices.",
    "gantry_tilt": "Tilted scans cannot be used; send a reconstruction without gantry tilt.",
    "in_plane_shift": "Send the original reconstruction, without later shifts.",
    "duplicate_position": "Send each slice once, and one reconstruction only.",
    "orientation": "Send one reconstruction whose slices are all parallel.",
    "mixed_series": _SERIES_ALONE,
}
REFUSAL_TEXTS: Mapping[str, RefusalText] = MappingProxyType(
    {name: RefusalText("", resend, detail=True) for name, resend in _GEOMETRY.items()}
    | {
        "no_files": RefusalText("No file arrived.", "Choose the folder of the series and send it."),
        "not_dicom": RefusalText(
            "not an image from a scanner, or damaged on the way",
            "Remove what is no image, export damaged files again, and send the series.",
            per_file=True,
        ),
        "cut_file": RefusalText("incomplete: the end is missing", _AGAIN, per_file=True),
        "pixel_content": RefusalText(
            "without usable image values: the picture in it cannot be read", _AGAIN, per_file=True
        ),
        "too_large": RefusalText("too large for one slice", _AGAIN, per_file=True),
        "too_costly": RefusalText(
            "made so that reading takes more memory or time than an image of a scanner ever does",
            "Remove what is no image, and send the series again.",
            per_file=True,
        ),
        "conflict": RefusalText(
            "here already under the same identifier (SOPInstanceUID) with other content; the first one was kept",
            "Find out which of the two is right. If it is the new one, have the kept images "
            "discarded first, then send the series again.",
            per_file=True,
        ),
        "lossy": RefusalText(
            "compressed with loss, so that its values can no longer be measured",
            "Send the original images without lossy compression.",
            per_file=True,
        ),
        "transfer_syntax": RefusalText(
            "stored in a form that cannot be read here",
            "Ask for an export without compression and send that.",
            per_file=True,
        ),
        "zipped": RefusalText(
            "a zip, which is not unpacked here", "Unpack it and send the folder.", per_file=True
        ),
        "identifier": RefusalText(
            "written against the standard: an identifier (UID) is none",
            "Have the series exported by the scanner or the archive itself and send that.",
            per_file=True,
        ),
        "deflated": RefusalText(
            "packed as a whole (deflated), and such a file can unpack to any size",
            "Ask for an export without compression and send that.",
            per_file=True,
        ),
        "big_endian": RefusalText(
            "stored in big-endian order, which the standard has withdrawn",
            "Ask for an export in little-endian order and send that.",
            per_file=True,
        ),
        "value_representation": RefusalText(
            "written against the standard: an entry has an unknown or a wrong type (VR)",
            "Have the series exported by the scanner or the archive itself and send that.",
            per_file=True,
        ),
        "pixel_surplus": RefusalText(
            "longer than its picture: something stands after the last pixel", _AGAIN, per_file=True
        ),
        "secondary_capture": RefusalText(
            "a screen capture (Secondary Capture), not an image of the scanner",
            _WITHOUT,
            per_file=True,
        ),
        "structured_report": RefusalText(
            "a report (Structured Report), such as a dose report", _WITHOUT, per_file=True
        ),
        "encapsulated_document": RefusalText(
            "a document inside a DICOM file, such as a PDF", _WITHOUT, per_file=True
        ),
        "presentation_state": RefusalText(
            "a presentation state, not an image", _WITHOUT, per_file=True
        ),
        "dicomdir": RefusalText(
            "the table of contents of a disc (DICOMDIR)", _WITHOUT, per_file=True
        ),
        "multiframe": RefusalText(
            "one of several slices in one file, which is not read yet",
            "Ask for an export with one file per slice and send that.",
            per_file=True,
        ),
        "modality": RefusalText(
            "neither CT nor PET", "Send the folder of the CT or of the PET only.", per_file=True
        ),
        "sop_class": RefusalText(
            "not an original CT or PET image but a copy of another kind (such as a screenshot)",
            "Send the original series from the scanner.",
            per_file=True,
        ),
        "localizer": RefusalText(
            "an overview picture, not a slice", "Send the series without it.", per_file=True
        ),
        "synthetic": RefusalText(
            "marked as synthetic, not as taken by a scanner",
            "Send the acquired images; computed ones are never accepted as such.",
            per_file=True,
        ),
        "no_series": RefusalText(
            "not assigned to any series", "Send only the files of the series.", per_file=True
        ),
        "rescale": RefusalText(
            "The images do not say how their stored numbers become measured values.",
            "Send the original reconstruction from the scanner.",
        ),
        "no_geometry": RefusalText(
            "The images do not say where in the body each slice lies.",
            "Send the original reconstruction from the scanner.",
        ),
        "mixed_frame_of_reference": RefusalText(
            "The folder holds images of two examination positions.", _SERIES_ALONE
        ),
        "mixed_patient": RefusalText(
            "The folder holds images of more than one person.",
            "Check the folder, and send the images of this participant only.",
        ),
        "burned_in": RefusalText(
            "said to have text burned into the picture, which can name the patient",
            "Send the original series from the scanner.",
            per_file=True,
        ),
        "seal_other_key": RefusalText("", "Ask the data manager for the key.", detail=True),
        "seal_broken": RefusalText("", "De-identify the originals again.", detail=True),
        "seal_mixed": RefusalText("", _SERIES_ALONE, detail=True),
        "seal_participant": RefusalText("", "Send the right folder.", detail=True),
    }
)
_SUV_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "units": "the unit of its values is missing or not usable",
        "dose": "the injected dose is missing or zero",
        "half_life": "the half-life of the tracer is missing",
        "weight": "the body weight is missing, zero or impossible",
        "injection_time": "the time of injection is missing",
        "scan_time": "the times of injection and scan are missing or do not fit together",
        "frame_time": "the time or duration of a slice is missing",
        "decay_correction": "it does not say how the decay of the tracer was corrected",
        "decay": "it is not stated to be corrected for decay",
        "attenuation": "it is not stated to be corrected for attenuation",
        "intercept": "its zero value is shifted",
        "suv_type": "the kind of uptake value it states is unknown",
        "philips_factor": "the scanner maker's own scale factors are missing",
        "height": "the body height is missing or impossible",
        "sex": "the sex is not stated",
        "modality": "it is no PET",
        "slices_disagree": "its slices state different doses, times, weights or units",
        "mass": "weight, height and sex together give no possible lean or ideal mass",
    }
)


def refusal_sentences(reasons: Iterable[Reason], *, files: Sequence[str] = ()) -> tuple[str, ...]:
    """One sentence per kind of refusal, in the order of first appearance.

    Parameters
    ----------
    reasons
        What the reader of `evaluation.imaging` gave.
    files
        Names of the files in the order they were sent, so that a file can be told by position.
    """
    return tuple(found.sentence for found in refusal_findings(reasons, files=files))


def refusal_findings(reasons: Iterable[Reason], *, files: Sequence[str] = ()) -> list[Finding]:
    """The same refusals as findings that exclude the series."""
    alike: dict[str, list[Reason]] = {}
    for reason in reasons:
        alike.setdefault(reason.id, []).append(reason)
    return [_finding(kind, same, files) for kind, same in alike.items()]


def nameless(refused: Reason) -> str:
    """What is wrong with one file, without the name that the reader's sentence holds."""
    text = REFUSAL_TEXTS.get(refused.id)
    wrong = text.wrong if text is not None and text.wrong else "not usable as an image"
    return f"{wrong[0].upper()}{wrong[1:].removesuffix('.')}."


def reason(reason_id: str, sentence: str, tag: str = "") -> Reason:
    """A reason as the reader of images gives it, for refusals of our own."""
    return Reason(reason_id, sentence, tag)


def suv_reason_sentence(refused: Reason) -> str:
    """Why no uptake value can be computed, with the entry of the file that it rests on."""
    words = _SUV_WORDS.get(refused.id)
    if words is None:
        return refused.sentence
    entry = f" (entry {refused.tag})" if refused.tag else ""
    return f"{words[0].upper()}{words[1:]}{entry}."


def _finding(kind: str, same: Sequence[Reason], files: Sequence[str]) -> Finding:
    sentence = _sentence(kind, same, files)
    tags = tuple(dict.fromkeys(one.tag for one in same if one.tag))
    values: Mapping[str, Value] = MappingProxyType({"tags": tags, "count": _count(same)})
    return Finding(kind, "exclude", sentence, values)


def _sentence(kind: str, same: Sequence[Reason], files: Sequence[str]) -> str:
    text = REFUSAL_TEXTS.get(kind)
    if text is None:
        return " ".join(_nameless(one.sentence, files) for one in same)
    if text.detail:
        return f"{' '.join(one.sentence for one in same)} {text.resend}"
    if not text.per_file:
        return f"{text.wrong} {text.resend}"
    return f"{_which(same, files)} {text.wrong}. {text.resend}"


def _which(same: Sequence[Reason], files: Sequence[str]) -> str:
    """The files by position where that is known, else their number, with the verb."""
    count = _count(same)
    places = sorted(place for one in same if (place := _position(one, files)) is not None)
    if not places:
        return "One file is" if count == 1 else f"{count} files are"
    of_all = f" of {len(files)}" if len(files) > 1 else ""
    if count == 1:
        return f"File {places[0]}{of_all} is"
    shown = ", ".join(str(place) for place in places[:_SHOWN_POSITIONS])
    rest = count - len(places[:_SHOWN_POSITIONS])
    return f"Files {shown}{of_all}{f' and {rest} more' if rest else ''} are"


def _count(same: Sequence[Reason]) -> int:
    more = [int(match[1]) for one in same if (match := _MORE.match(one.sentence))]
    return len(same) - len(more) + sum(more)


def _position(one: Reason, files: Sequence[str]) -> int | None:
    """Place of the file that the sentence names, counted from 1."""
    places = [k for k, name in enumerate(files, start=1) if _names(one.sentence, name)]
    return max(places, key=lambda k: len(files[k - 1]), default=None)


def _names(sentence: str, name: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", sentence) is not None


def _nameless(sentence: str, files: Sequence[str]) -> str:
    for place, name in sorted(enumerate(files, start=1), key=lambda pair: -len(pair[1])):
        if _names(sentence, name):
            return sentence.replace(name, f"File {place}")
    return sentence
