"""XML written element by element; nothing but open elements stays in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from studyportal.clinical.rules import ODM_NAMESPACE, Label
from studyportal.exports.rules import written_safe

ENGLISH, CHINESE = "en", "zh-Hans"


class OdmWriter:
    """Elements of ODM in the default namespace, one on a line. Attributes without a value are left out."""

    def __init__(self, stream: BinaryIO) -> None:
        self._made = XMLGenerator(stream, encoding="utf-8", short_empty_elements=True)
        self._made.startDocument()
        self._depth = 0

    @contextmanager
    def element(self, name: str, **attributes: object) -> Iterator[None]:
        """What is written inside lies in this element."""
        self._break()
        self._made.startElement(name, AttributesImpl(_texts(attributes)))
        self._depth += 1
        yield
        self._depth -= 1
        self._break()
        self._made.endElement(name)

    def empty(self, name: str, **attributes: object) -> None:
        """An element with attributes only."""
        self._break()
        self._made.startElement(name, AttributesImpl(_texts(attributes)))
        self._made.endElement(name)

    def text(self, name: str, words: str, **attributes: object) -> None:
        """An element with words."""
        self._break()
        self._made.startElement(name, AttributesImpl(_texts(attributes)))
        self._made.characters(str(written_safe(words)))
        self._made.endElement(name)

    def translated(self, name: str, label: Label) -> None:
        """The words in both languages."""
        with self.element(name):
            for language, words in ((ENGLISH, label.en), (CHINESE, label.zh)):
                self.text("TranslatedText", words, **{"xml:lang": language})

    def close(self) -> None:
        """The document ends."""
        self._made.characters("\n")
        self._made.endDocument()

    def _break(self) -> None:
        self._made.ignorableWhitespace("\n" + " " * self._depth)


def namespace() -> dict[str, str]:
    """The declaration on the root."""
    return {"xmlns": ODM_NAMESPACE}


def _texts(attributes: dict[str, object]) -> dict[str, str]:
    return {
        name: str(written_safe(str(value)))
        for name, value in attributes.items()
        if value not in (None, "")
    }
