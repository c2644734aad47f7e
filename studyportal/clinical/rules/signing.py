"""What a signature says and binds: meanings in words, the canonical text of a record, its digest. No clock, no database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from studyportal.clinical.rules.fields import Label
from studyportal.clinical.states import FormStatus
from studyportal.core.errors import Reason

# Raised whenever the canonical text of the same record changes; each signature keeps the one it was made under.
CANONICAL_FORMAT = 1
PROOF_LASTS = timedelta(minutes=2)
# Signing and locking a form do not change what was signed, so all three read the same.
_AS_SIGNED = frozenset({FormStatus.VERIFIED, FormStatus.SIGNED, FormStatus.LOCKED})


class Meaning(StrEnum):
    """What somebody says by signing. Source: 21 CFR 11.50(a)(3)."""

    APPROVAL = "approval"
    RESPONSIBILITY = "responsibility"
    REVIEW = "review"


class ProofWay(StrEnum):
    """How the signer showed again who they are."""

    PASSWORD = "password"  # noqa: S105 a word
    CODE = "code"


MEANINGS: Mapping[Meaning, Label] = {
    Meaning.APPROVAL: Label(
        "Approval: I have reviewed this record and confirm that it is complete and correct.",
        "批准：本人已审核此记录，确认其完整、准确。",
    ),
    Meaning.RESPONSIBILITY: Label(
        "Responsibility: I take responsibility for this record and for how it was obtained.",
        "负责：本人对此记录及其获取过程负责。",
    ),
    Meaning.REVIEW: Label("Review: I have reviewed this record.", "审核：本人已审核此记录。"),
}
WAYS: Mapping[ProofWay, Label] = {
    ProofWay.PASSWORD: Label("password", "密码"),
    ProofWay.CODE: Label("one-time code", "一次性验证码"),
}


def canonical_text(record: Mapping[str, Any]) -> str:
    """The one way to write the record: keys in order, no spaces, text as it is, numbers as the database keeps them."""
    return json.dumps(
        record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def digest_of(record: Mapping[str, Any]) -> str:
    """SHA-256 of the record's canonical text in UTF-8."""
    return hashlib.sha256(canonical_text(record).encode()).hexdigest()


def canonical_status(status: str) -> str:
    """The status as a signature binds it: verified, or what was made of it since."""
    return FormStatus.VERIFIED.value if status in _AS_SIGNED else str(status)


def proof_is_fresh(proved_at: datetime, *, now: datetime) -> bool:
    """Whether the proof was given for this signing and not for another one before."""
    return timedelta(0) <= now - proved_at <= PROOF_LASTS


@dataclass(frozen=True)
class Signing:
    """What one act of signing rests on: its meaning, the proof given for it, and the digest of what was shown."""

    meaning: str
    way: str
    proved_at: datetime
    seen: str


def signing_faults(signing: Signing, *, now: datetime, sha256: str) -> list[Reason]:
    """Why this cannot be a signature of the record with this digest; empty when it can."""
    faults = []
    if signing.meaning not in list(Meaning):
        faults.append(Reason("meaning_unknown", "Say what your signature means.", "meaning"))
    if signing.way not in list(ProofWay) or not proof_is_fresh(signing.proved_at, now=now):
        sentence = "Show again who you are: the proof counts for this signature alone."
        faults.append(Reason("proof_old", sentence, "proof"))
    if signing.seen != sha256:
        sentence = "The record changed after you had looked at it. Look at it again, then sign."
        faults.append(Reason("record_changed", sentence))
    return faults
