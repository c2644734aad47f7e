"""Model releases: taken in from a folder or a zip, verified, moved through their states."""

from pathlib import Path
from typing import IO

from django.db import transaction
from django.db.models import QuerySet

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.sites.rules import Action
from studyportal.sites.services import require
from studyportal.syntheses.models import ModelRelease
from studyportal.syntheses.selectors import current_primary, folder_of, gate_of
from studyportal.syntheses.services.release_files import zip_of_bundle, zip_of_release
from studyportal.syntheses.services.release_process import require_fit
from studyportal.syntheses.services.release_store import copy_release, keep, staged
from studyportal.syntheses.states import MODEL_RELEASE, ReleaseStatus
from synthesis.registry import (
    Release,
    ReleaseRefusedError,
    load_release,
    read_heads,
    unpack_release,
)
from synthesis.registry.release import PACKAGED


def register_release(*, folder: Path, by: User) -> ModelRelease:
    """The release in a folder is a candidate, verified and kept; registering it again changes nothing.

    Raises
    ------
    Refused
        When a digest does not match, the weights do not fit, or the folder is not a release.
    """
    require(by, Action.REGISTER_RELEASE)
    if folder.resolve().parent == PACKAGED.resolve():
        return _register(_verified(folder), f"packaged:{folder.resolve().name}", by)
    with staged() as place:
        copy_release(folder, place)
        return _take_in(place, by)


def import_release(*, archive: IO[bytes], by: User) -> ModelRelease:
    """The release in a zip is a candidate, verified and kept; nothing that it holds was run.

    Raises
    ------
    Refused
        When the zip holds anything but a release, and for what `register_release` refuses.
    """
    require(by, Action.REGISTER_RELEASE)
    with staged() as place:
        try:
            unpack_release(archive, place)
        except ReleaseRefusedError as refusal:
            raise Refused(Reason("release_refused", str(refusal), "archive")) from refusal
        return _take_in(place, by)


@transaction.atomic
def move_release(
    *, release: ModelRelease, target: ReleaseStatus, reason: str, by: User
) -> ModelRelease:
    """The release stands in another state, for this reason; a validated one has passed the gate.

    Raises
    ------
    Refused
        With every criterion of the release gate that is not met, and what was measured; or when the
        release that the primary analysis rests on should be retired.
    """
    require(by, Action.REGISTER_RELEASE)
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why the release moves."))
    if target == ReleaseStatus.VALIDATED and release.status == ReleaseStatus.CANDIDATE:
        _require_gate(release)
    if target == ReleaseStatus.RETIRED:
        _refuse_primary(release)
    advance(release, MODEL_RELEASE, target, by=by, reason=reason)
    record(
        "move_release", release, f"Model release {release} became {target}.", by=by, reason=reason
    )
    return release


def hand_out_release(*, release: ModelRelease, by: User) -> Path:
    """The zip of a release, verified again; who took it is kept.

    Raises
    ------
    Refused
        When its folder is gone or was changed.
    """
    require(by, Action.REGISTER_RELEASE)
    path = zip_of_release(folder_of(release), release.digest)
    sentence = f"Model release {release} was downloaded."
    record("hand_out_release", release, sentence, by=by)
    return path


def hand_out_bundle(*, release: ModelRelease, by: User) -> Path:
    """The zip of a release as a MONAI bundle, made when first asked for; who took it is kept.

    Raises
    ------
    Refused
        When the release makes no PET of a CT, or its folder is gone or was changed.
    """
    require(by, Action.REGISTER_RELEASE)
    path = zip_of_bundle(folder_of(release), release.digest)
    sentence = f"Model release {release} was downloaded as a MONAI bundle."
    record("hand_out_bundle", release, sentence, by=by)
    return path


def _require_gate(release: ModelRelease) -> None:
    gate = gate_of(release)
    if not gate.passed:
        raise Refused(
            *(Reason(row.id, f"{row.sentence} Found: {row.shown}") for row in gate.reasons)
        )


def _refuse_primary(release: ModelRelease) -> None:
    primary = current_primary()
    if primary is not None and primary.release_id == release.pk:
        sentence = f"The primary analysis of {primary.protocol_version} rests on {release}; name another one before it retires."
        raise Refused(Reason("primary_release", sentence))


def _take_in(place: Path, by: User) -> ModelRelease:
    release = _verified(place)
    row = _existing(release)
    if row is not None:
        return row
    require_fit(folder=place, digest=release.digest)
    with transaction.atomic():  # without a row nothing speaks of what lies in the store
        return _register(release, keep(place, release.digest), by)


def _verified(folder: Path) -> Release:
    try:
        release = load_release(folder)
        read_heads(release.weights)
    except ReleaseRefusedError as refusal:
        raise Refused(Reason("release_refused", str(refusal))) from refusal
    return release


def _existing(release: Release) -> ModelRelease | None:
    row = ModelRelease.objects.filter(digest=release.digest).first()
    if row is None and _named(release).exists():
        sentence = f"{release.title} is registered already with other content."
        raise Refused(Reason("version_exists", sentence))
    return row


def _named(release: Release) -> QuerySet[ModelRelease]:
    return ModelRelease.objects.filter(name=release.name, version=release.version)


@transaction.atomic
def _register(release: Release, place: str, by: User) -> ModelRelease:
    row = _existing(release)
    if row is not None:
        return row
    row = ModelRelease.objects.create(
        name=release.name,
        version=release.version,
        family=release.family,
        digest=release.digest,
        weights_sha256=release.weights_sha256,
        folder=place,
        card=release.card,
        status=ReleaseStatus.CANDIDATE,
        registered_at=clock.now(),
    )
    begin(row, MODEL_RELEASE, by=by)
    record("register_release", row, f"Model release {row} was registered.", by=by)
    return row
