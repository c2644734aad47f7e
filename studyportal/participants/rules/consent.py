"""Which consent form counts where and when, and who must sign again. No clock, no database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from studyportal.core.errors import Reason

LONGEST_VERSION = 20


class Language(StrEnum):
    """Languages in which a consent form can be approved."""

    CHINESE = "zh"
    ENGLISH = "en"


@dataclass(frozen=True)
class Offer:
    """One approved version of the consent form in one language at one site, and while it could be signed."""

    version: str
    language: Language
    valid_from: date
    valid_until: date | None
    requires_reconsent: bool
    reconsent_by: date | None


@dataclass(frozen=True)
class Signature:
    """What a participant signed, or says to have signed."""

    version: str
    language: str
    signed_on: date


@dataclass(frozen=True)
class Need:
    """A newer version must be signed: since when, and from which day nothing new is collected without it."""

    version: str
    since: date
    blocks_from: date

    def blocks(self, today: date) -> bool:
        """Whether collecting stands still today."""
        return today >= self.blocks_from

    @property
    def sentence(self) -> str:
        return (
            f"Version {self.version} of the consent form must be signed before anything new is collected "
            f"(needed since {self.since.isoformat()})."
        )


def signature_faults(
    signature: Signature,
    *,
    offers: Sequence[Offer],
    of_protocol: Iterable[str],
    today: date,
) -> tuple[Reason, ...]:
    """Why this signature cannot be kept, in words; empty when it can.

    A version that the site declared counts with its dates and languages. One that only the protocol names has
    none, so neither is asked for.
    """
    if signature.signed_on > today:
        return (Reason("consent_future", "The consent date lies in the future.", "consent_date"),)
    declared = [offer for offer in offers if offer.version == signature.version]
    if declared:
        return _offer_faults(signature, declared)
    known = sorted({*of_protocol, *(offer.version for offer in offers)})
    if signature.version in of_protocol:
        return ()
    sentence = f"Consent version “{signature.version}” is not one of: {', '.join(known)}."
    return (Reason("consent_version", sentence, "consent_version"),)


def _offer_faults(signature: Signature, declared: Sequence[Offer]) -> tuple[Reason, ...]:
    spoken = [offer for offer in declared if offer.language == signature.language]
    if not spoken:
        languages = " or ".join(sorted(offer.language for offer in declared))
        sentence = (
            f"Say in which language version {signature.version} was signed; here it is approved in "
            f"{languages}."
        )
        return (Reason("consent_language", sentence, "consent_language"),)
    offer = spoken[0]
    if signature.signed_on < offer.valid_from:
        sentence = (
            f"Version {offer.version} was approved here on {offer.valid_from.isoformat()}; it cannot have been "
            f"signed on {signature.signed_on.isoformat()}."
        )
        return (Reason("consent_before_approval", sentence, "consent_date"),)
    if offer.valid_until is not None and signature.signed_on >= offer.valid_until:
        sentence = (
            f"Version {offer.version} was replaced here on {offer.valid_until.isoformat()}. Have the newer "
            "version signed."
        )
        return (Reason("consent_replaced", sentence, "consent_version"),)
    return ()


def need_of(signed: Iterable[str], offers: Sequence[Offer], *, today: date) -> Need | None:
    """What somebody who signed these versions must sign now; None when nothing, or when nothing was signed at all."""
    versions = frozenset(signed)
    asked = [o for o in offers if o.requires_reconsent and o.valid_from <= today]
    if not versions or not asked:
        return None
    newest = max(asked, key=lambda offer: offer.valid_from)
    enough = {o.version for o in offers if o.valid_from >= newest.valid_from}
    if versions & enough:
        return None
    return Need(newest.version, newest.valid_from, newest.reconsent_by or newest.valid_from)


def offer_faults(offer: Offer, *, former: Sequence[Offer]) -> tuple[Reason, ...]:
    """Why this version cannot be declared at the site, in words; empty when it can."""
    faults = []
    if not 0 < len(offer.version) <= LONGEST_VERSION:
        sentence = f"Give the version a name of at most {LONGEST_VERSION} letters."
        faults.append(Reason("version_name", sentence, "version"))
    same = [f for f in former if f.language == offer.language]
    if any(f.version == offer.version for f in same):
        sentence = f"Version {offer.version} is declared here in this language already."
        faults.append(Reason("version_exists", sentence, "version"))
    later = [f for f in same if f.version != offer.version and f.valid_from >= offer.valid_from]
    if later:
        sentence = (
            f"Version {later[-1].version} counts from {later[-1].valid_from.isoformat()}; a newer one counts from a "
            "later day."
        )
        faults.append(Reason("version_order", sentence, "valid_from"))
    if offer.reconsent_by is not None and not offer.requires_reconsent:
        sentence = "A last day to sign again is said only where signing again is required."
        faults.append(Reason("reconsent_by", sentence, "reconsent_by"))
    if offer.reconsent_by is not None and offer.reconsent_by < offer.valid_from:
        sentence = "The last day to sign again lies before the version counts."
        faults.append(Reason("reconsent_by", sentence, "reconsent_by"))
    return tuple(faults)
