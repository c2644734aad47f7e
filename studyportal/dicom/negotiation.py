"""Whom the receiver talks with and about what: an association request is accepted with its contexts, or rejected."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pydicom.uid import UID
from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext, build_context, negotiate_as_acceptor

from studyportal.dicom.accepted import SOP_CLASSES, TRANSFER_SYNTAXES, VERIFICATION
from studyportal.dicom.wire import PDU_BYTES

_UserInformation = (
    MaximumLengthNotification
    | ImplementationClassUIDNotification
    | ImplementationVersionNameNotification
)
_APPLICATION = "1.2.840.10008.3.1.1.1"
_FIRST_VERSION = 1


@dataclass(frozen=True)
class Rejection:
    """Result, source and reason of A-ASSOCIATE-RJ (PS3.8 9.3.4)."""

    result: int
    source: int
    reason: int


CALLING_UNKNOWN, CALLED_UNKNOWN = Rejection(1, 1, 3), Rejection(1, 1, 7)
TOO_MANY = Rejection(2, 3, 2)  # for now: the sender may try again
_OTHER_APPLICATION, _OTHER_PROTOCOL = Rejection(1, 1, 2), Rejection(1, 2, 2)


@dataclass(frozen=True)
class Context:
    """What was agreed on for one presentation context."""

    sop_class: str
    transfer_syntax: str


class RequestBroken(ValueError):
    """The bytes are no association request."""


class AssociationRequest:
    """A request as it came, and the two answers to it."""

    def __init__(self, content: bytes) -> None:
        """Read the whole unit, its head included.

        Raises
        ------
        RequestBroken
            When it cannot be read.
        """
        try:
            unit = A_ASSOCIATE_RQ()
            unit.decode(content)
            asked = unit.to_primitive()
            self.calling = (asked.calling_ae_title or "").strip()
            self.called = (asked.called_ae_title or "").strip()
            self._version, self._application = (
                unit.protocol_version,
                str(asked.application_context_name),
            )
            self._contexts = list(asked.presentation_context_definition_list)
        except Exception as error:
            raise RequestBroken("An association request could not be read.") from error
        self._asked = asked

    @property
    def fault(self) -> Rejection | None:
        """Why nobody could be accepted who asks like this."""
        if not self._version & _FIRST_VERSION:
            return _OTHER_PROTOCOL
        return None if self._application == _APPLICATION else _OTHER_APPLICATION

    def accept(self) -> tuple[bytes, Mapping[int, Context]]:
        """The accepting answer, and the contexts that both sides can use, by their number."""
        contexts, _roles = negotiate_as_acceptor(self._contexts, list(_offered()))
        answer = A_ASSOCIATE()
        answer.application_context_name = UID(_APPLICATION)
        answer.calling_ae_title, answer.called_ae_title = self.calling, self.called
        answer.result, answer.result_source = 0, 1
        answer.presentation_context_definition_results_list = contexts
        answer.user_information.extend(_about_us())
        usable = {
            context.context_id: Context(
                str(context.abstract_syntax), str(context.transfer_syntax[0])
            )
            for context in contexts
            if context.result == 0 and context.context_id is not None
        }
        return A_ASSOCIATE_AC(answer).encode(), usable


def rejecting(why: Rejection) -> bytes:
    """The rejecting answer."""
    answer = A_ASSOCIATE()
    answer.result, answer.result_source, answer.diagnostic = why.result, why.source, why.reason
    return A_ASSOCIATE_RJ(answer).encode()


@lru_cache(maxsize=1)
def _offered() -> tuple[PresentationContext, ...]:
    syntaxes = list(TRANSFER_SYNTAXES)
    images = [build_context(sop_class, syntaxes) for sop_class in SOP_CLASSES]
    return (build_context(VERIFICATION), *images)


def _about_us() -> list[_UserInformation]:
    longest = MaximumLengthNotification()
    longest.maximum_length_received = PDU_BYTES
    who = ImplementationClassUIDNotification()
    who.implementation_class_uid = PYNETDICOM_IMPLEMENTATION_UID
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = PYNETDICOM_IMPLEMENTATION_VERSION
    return [longest, who, version]
