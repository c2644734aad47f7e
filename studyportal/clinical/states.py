from enum import StrEnum

from studyportal.core.states import machine


class FormStatus(StrEnum):
    DRAFT = "draft"
    COMPLETE = "complete"
    VERIFIED = "verified"
    SIGNED = "signed"
    LOCKED = "locked"


# Back to draft always means: with a reason, to be corrected. A lock is lifted before anything can be corrected.
FORM = machine(
    "form",
    FormStatus,
    FormStatus.DRAFT,
    draft="complete",
    complete="verified draft",
    verified="signed draft",
    signed="locked draft",
    locked="signed",
)
EDITABLE = (FormStatus.DRAFT,)
CORRECTABLE = (FormStatus.COMPLETE, FormStatus.VERIFIED, FormStatus.SIGNED)


class UnlockStatus(StrEnum):
    """What became of the wish to unlock a locked form."""

    ASKED = "asked"
    GRANTED = "granted"
    DECLINED = "declined"


FORM_UNLOCK = machine(
    "form unlock",
    UnlockStatus,
    UnlockStatus.ASKED,
    asked="granted declined",
    granted="",
    declined="",
)
