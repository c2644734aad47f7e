"""Ties the primary analysis of a protocol version to one release with one seed; every other one is exploratory."""

from __future__ import annotations

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.protocol.selectors import active_version
from studyportal.sites.rules import Action
from studyportal.sites.services import require
from studyportal.syntheses.models import ModelRelease, PrimaryRelease
from studyportal.syntheses.selectors import current_primary
from studyportal.syntheses.services.requests import refuse_seed
from studyportal.syntheses.states import PRIMARY_RELEASE, PrimaryStatus, ReleaseStatus


@transaction.atomic
def name_primary_release(
    *, release: ModelRelease, seed: int, reason: str, by: User
) -> PrimaryRelease:
    """The primary analysis under the protocol in force rests on this release with this seed.

    Raises
    ------
    Refused
        Without a reason, when the release is not released, or when a primary cut was frozen with another one.
    """
    require(by, Action.NAME_PRIMARY_RELEASE)
    refuse_seed(seed)
    if not reason.strip():
        raise Refused(
            Reason("reason_missing", "Say why this release is the primary one.", "reason")
        )
    if release.status != ReleaseStatus.RELEASED:
        sentence = f"{release} is {release.status}; only a released model can be the primary one."
        raise Refused(Reason("release_not_released", sentence))
    version = active_version()
    former = current_primary()
    if former is not None and (former.release_id, former.seed) == (release.pk, seed):
        return former
    if former is not None:
        _replace(former, reason=reason, by=by)
    row = PrimaryRelease.objects.create(
        protocol_version=version,
        release=release,
        seed=seed,
        status=PrimaryStatus.NAMED,
        named_because=reason.strip(),
        named_at=clock.now(),
        named_by=by,
    )
    begin(row, PRIMARY_RELEASE, by=by, reason=reason)
    sentence = f"{row} was named for the primary analysis of {version}."
    record("name_primary_release", row, sentence, by=by, reason=reason)
    return row


@transaction.atomic
def seal_primary_release(*, primary: PrimaryRelease, by: User) -> PrimaryRelease:
    """A primary cut was frozen with this release: it stays for this version of the protocol."""
    if primary.status == PrimaryStatus.SEALED:
        return primary
    reason = "the first primary data cut was frozen with it"
    advance(primary, PRIMARY_RELEASE, PrimaryStatus.SEALED, by=by, reason=reason)
    sentence = f"{primary} is the primary release of {primary.protocol_version} for good."
    record("seal_primary_release", primary, sentence, by=by, reason=reason)
    return primary


def _replace(former: PrimaryRelease, *, reason: str, by: User) -> None:
    if former.status == PrimaryStatus.SEALED:
        sentence = (
            f"A primary data cut of {former.protocol_version} was frozen with {former}. "
            "Another primary release needs a new version of the protocol."
        )
        raise Refused(Reason("primary_sealed", sentence))
    advance(former, PRIMARY_RELEASE, PrimaryStatus.REPLACED, by=by, reason=reason)
