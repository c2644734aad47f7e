"""Whether a file says of itself that it is synthetic, asked without trusting any value in it."""

from pydicom.dataset import Dataset

from studyportal.imaging.rules.element_values import texts_of
from studyportal.imaging.rules.identity_echo import UNREADABLE

SYNTHETIC_WORD = "SYNTHETIC"
_MARKED_TEXTS = ("SeriesDescription", "ImageComments", "DerivationDescription")
MARKS = ("SyntheticData", *_MARKED_TEXTS)  # and the names of private blocks
_LAST_CREATOR = 0xFF


def bears_synthetic_mark(dataset: Dataset) -> bool:
    """True with any one mark: the attribute made for it, a text, the name of a private block."""
    if "YES" in _texts(dataset, "SyntheticData"):
        return True
    if any(SYNTHETIC_WORD in text for name in _MARKED_TEXTS for text in _texts(dataset, name)):
        return True
    tags = list(dataset.keys())  # iterating the dataset itself would read every value
    creators = [tag for tag in tags if tag.is_private and tag.element <= _LAST_CREATOR]
    return any(SYNTHETIC_WORD in _raw(dataset.get_item(tag).value) for tag in creators)


def _texts(dataset: Dataset, keyword: str) -> list[str]:
    try:
        return [text.upper() for text in texts_of(dataset[keyword])] if keyword in dataset else []
    except UNREADABLE:
        return []


def _raw(value: object) -> str:
    # Whatever was read or not read of a private element: its text as it stands in the file.
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value)
    return text.upper()
