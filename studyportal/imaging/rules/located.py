"""Refusals with the list of the files they are about, told so that the sender finds them."""

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from evaluation.imaging import Reason
from studyportal.imaging.rules.findings import Finding
from studyportal.imaging.rules.refusals import REFUSAL_TEXTS

_SHOWN = 5
_DIGITS = 8


@dataclass(frozen=True)
class ReceivedFile:
    """A received file: its SHA-256, and the number that the scanner gave the image, where it can be read.

    The name it had at the hospital can name a person and is not known here; whoever sent it can find it by either.
    """

    sha256: str
    number: int | None = None


@dataclass(frozen=True)
class Located:
    """A reason with the files it is about; none where it is about the series as a whole."""

    reason: Reason
    files: tuple[ReceivedFile, ...] = ()


def located_finding(located: Located) -> Finding:
    """The refusal as a finding that excludes the series; `values` lists the digests of its files."""
    sentence = _sentence(located)
    digests = tuple(file.sha256 for file in located.files)
    tags = (located.reason.tag,) if located.reason.tag else ()
    values = {"tags": tags, "count": max(1, len(digests)), "files": digests}
    return Finding(located.reason.id, "exclude", sentence, MappingProxyType(values))


def named(files: Sequence[ReceivedFile]) -> str:
    """The files in words: by the numbers of the images, else by the first digits of their digests."""
    numbers = sorted(file.number for file in files if file.number is not None)
    if len(numbers) == len(files):
        word, shown = "Image", [str(number) for number in numbers]
    else:
        word, shown = "File", sorted(file.sha256[:_DIGITS] for file in files)
    rest = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return f"{word}{'s' if len(shown) > 1 else ''} {', '.join(shown[:_SHOWN])}{rest}"


def _sentence(located: Located) -> str:
    text = REFUSAL_TEXTS.get(located.reason.id)
    files = located.files
    if text is None:
        return _nameless(located)
    if text.detail:
        return f"{located.reason.sentence} {text.resend}"
    if text.per_file:
        subject = f"{named(files)} {'is' if len(files) == 1 else 'are'}" if files else "A file is"
        return f"{subject} {text.wrong}. {text.resend}"
    apart = (
        f" {named(files)} {'does' if len(files) == 1 else 'do'} not fit the others."
        if files
        else ""
    )
    return f"{text.wrong}{apart} {text.resend}"


def _nameless(located: Located) -> str:
    sentence = located.reason.sentence
    for file in located.files:
        sentence = sentence.replace(file.sha256, named([file]))
    return sentence
