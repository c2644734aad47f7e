"""Reads of signatures. Every read computes the digest of what was signed anew and compares it with the one signed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from studyportal.clinical.models import Form, FormUnlock, Signature
from studyportal.clinical.rules import CANONICAL_FORMAT
from studyportal.clinical.selectors.canonical import casebook_digest, form_digests
from studyportal.clinical.states import FormStatus, UnlockStatus
from studyportal.participants.selectors import removed_ids
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, site_ids

if TYPE_CHECKING:
    from studyportal.participants.models import Participant
    from studyportal.sites.models import Site


@dataclass(frozen=True)
class Casebook:
    """Every form of one participant that was opened, with the digests of what stands now."""

    participant: Participant
    forms: tuple[Form, ...]
    digests: dict[UUID, str]
    sha256: str


@dataclass(frozen=True)
class CheckedSignature:
    """A signature and what its record says now; `changed` are the forms that are not what was signed."""

    signature: Signature
    computed: str
    changed: tuple[Form, ...] = ()

    @property
    def voided(self) -> bool:
        """Whether it was voided when the record was changed."""
        return self.signature.voided_at is not None

    @property
    def readable(self) -> bool:
        """Whether it was made under the canonical text that this release writes."""
        return self.signature.format == CANONICAL_FORMAT

    @property
    def agrees(self) -> bool:
        """Whether the record is what was signed."""
        return self.readable and self.computed == self.signature.sha256

    @property
    def counts(self) -> bool:
        """Whether it stands: not voided, and the record is what was signed."""
        return self.agrees and not self.voided

    @property
    def broken(self) -> bool:
        """Whether the record was changed past the portal: nobody voided the signature, yet the digests differ."""
        return not self.agrees and not self.voided


def signatures_of(participant: Participant) -> list[CheckedSignature]:
    """Signatures on the casebook and the forms of one participant, oldest first."""
    return checked(_kept().filter(participant=participant))


def signatures_on(form: Form) -> list[CheckedSignature]:
    """Signatures on one form, oldest first."""
    return checked(_kept().filter(form=form))


def signatures_at(site: Site) -> list[CheckedSignature]:
    """Signatures on every record of a site, by participant, oldest first."""
    return checked(unchecked_at(site))


def unchecked_at(site: Site) -> QuerySet[Signature]:
    """The same before any digest is computed, for a page that shows some of them."""
    rows = _kept().filter(participant__site=site)
    return rows.order_by("participant__code", "signed_at", "id")


def every_signature() -> QuerySet[Signature]:
    """All signatures, for the command that verifies them; sealed records among them."""
    people = ("signed_by", "voided_by")
    return Signature.objects.select_related("participant__site", "form__participant__site", *people)


def signatures_visible_to(user: Person) -> QuerySet[Signature]:
    """Signatures on records of the sites at which the person sees participants."""
    return _kept().filter(participant__site__in=site_ids(user, Action.SEE_PARTICIPANTS))


def standing_on(participant: Participant, forms: Iterable[Form]) -> QuerySet[Signature]:
    """Signatures that were not voided on any of these forms, and on the casebook that holds them."""
    on = Q(form__in=[form.pk for form in forms]) | Q(form=None)
    return Signature.objects.filter(on, participant=participant, voided_at=None)


def checked(signatures: Iterable[Signature]) -> list[CheckedSignature]:
    """Each signature with the digest of its record now; of many with as many reads as of one."""
    rows = list(signatures)
    books = casebooks({row.participant for row in rows if row.form_id is None})
    alone = {row.form for row in rows if row.form is not None and row.participant_id not in books}
    digests = form_digests(alone)
    for book in books.values():
        digests |= book.digests
    return [_checked(row, books, digests) for row in rows]


def _checked(
    row: Signature, books: Mapping[UUID, Casebook], digests: Mapping[UUID, str]
) -> CheckedSignature:
    if row.form is not None:
        computed = digests.get(row.form.pk, "")
        return CheckedSignature(row, computed, (row.form,) if computed != row.sha256 else ())
    book = books[row.participant_id]
    different = [one for one in book.forms if row.forms_sha256.get(str(one.pk)) != digests[one.pk]]
    return CheckedSignature(row, book.sha256, tuple(different))


def casebook_of(participant: Participant) -> Casebook:
    """The casebook of one participant as it stands now."""
    return casebooks([participant])[participant.pk]


def casebooks(participants: Collection[Participant]) -> dict[UUID, Casebook]:
    """Casebooks of several participants, by participant."""
    forms: dict[UUID, list[Form]] = {one.pk: [] for one in participants}
    rows = Form.objects.filter(participant__in=list(forms)).order_by("kind", "occurrence")
    every = list(rows.select_related("participant__site", "completed_by", "verified_by"))
    for form in every:
        forms[form.participant_id].append(form)
    digests = form_digests(every)
    found = {}
    for one in participants:
        own = {form.pk: digests[form.pk] for form in forms[one.pk]}
        digest = casebook_digest(one, forms[one.pk], own)
        found[one.pk] = Casebook(one, tuple(forms[one.pk]), own, digest)
    return found


def form_statuses(participants: Collection[Participant]) -> dict[UUID, list[str]]:
    """The status of every form of these participants that was opened, by participant."""
    found: dict[UUID, list[str]] = {one.pk: [] for one in participants}
    rows = Form.objects.filter(participant__in=list(found)).order_by()
    for participant_id, status in rows.values_list("participant_id", "status"):
        found[participant_id].append(status)
    return found


def signed_without_signature() -> QuerySet[Form]:
    """Forms that say they are signed or locked although no signature on them stands."""
    standing = Signature.objects.filter(voided_at=None).exclude(form=None)
    signed = Form.objects.filter(status__in=(FormStatus.SIGNED, FormStatus.LOCKED))
    return signed.exclude(pk__in=standing.values("form")).select_related("participant")


def open_unlock_of(form: Form) -> FormUnlock | None:
    """The unlocking that waits for a second person."""
    rows = FormUnlock.objects.filter(form=form, status=UnlockStatus.ASKED)
    return rows.select_related("asked_by", "form__participant__site").first()


def unlock_for(user: Person, unlock_id: UUID) -> FormUnlock | None:
    """The unlocking, or None when it does not exist or the person may not lock there."""
    rows = FormUnlock.objects.filter(
        pk=unlock_id, form__participant__site__in=site_ids(user, Action.LOCK_DATA)
    ).exclude(form__participant__in=removed_ids())
    return rows.select_related("asked_by", "form__participant__site").first()


def unlocks_waiting(user: Person) -> QuerySet[FormUnlock]:
    """Unlockings that wait for a second person, at the sites where the person may lock."""
    rows = FormUnlock.objects.filter(
        status=UnlockStatus.ASKED,
        form__participant__site__in=site_ids(user, Action.LOCK_DATA),
    )
    return rows.select_related("asked_by", "form__participant__site")


def _kept() -> QuerySet[Signature]:
    return every_signature().exclude(participant__in=removed_ids())
