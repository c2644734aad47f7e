"""Model releases: registered from a verified folder, moved through their states."""

from pathlib import Path

from django.db import transaction

from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import advance, begin, record
from studyportal.sites.rules import Action
from studyportal.sites.services import require
from studyportal.syntheses.models import ModelRelease
from studyportal.syntheses.states import MODEL_RELEASE, ReleaseStatus
from synthesis.registry import ReleaseRefusedError, load_release
from synthesis.registry.release import PACKAGED


@transaction.atomic
def register_release(*, folder: Path, by: User) -> ModelRelease:
    """The release is a candidate, its digests verified; registering it again changes nothing.

    Raises
    ------
    Refused
        When a digest does not match or the folder is not a release.
    """
    require(by, Action.REGISTER_RELEASE)
    try:
        release = load_release(folder)
    except ReleaseRefusedError as refusal:
        raise Refused(Reason("release_refused", str(refusal))) from refusal
    existing = ModelRelease.objects.filter(digest=release.digest).first()
    if existing is not None:
        return existing
    if ModelRelease.objects.filter(name=release.name, version=release.version).exists():
        raise Refused(
            Reason(
                "version_exists",
                f"{release.name} {release.version} is registered already with other content.",
            )
        )
    row = ModelRelease.objects.create(
        name=release.name,
        version=release.version,
        family=release.family,
        digest=release.digest,
        weights_sha256=release.weights_sha256,
        folder=_place(folder),
        card=release.card,
        status=ReleaseStatus.CANDIDATE,
        registered_at=clock.now(),
    )
    begin(row, MODEL_RELEASE, by=by)
    record("register_release", row, f"Model release {row} was registered.", by=by)
    return row


@transaction.atomic
def move_release(
    *, release: ModelRelease, target: ReleaseStatus, reason: str, by: User
) -> ModelRelease:
    """The release stands in another state, for this reason."""
    require(by, Action.REGISTER_RELEASE)
    if not reason.strip():
        raise Refused(Reason("reason_missing", "Say why the release moves."))
    advance(release, MODEL_RELEASE, target, by=by, reason=reason)
    record(
        "move_release", release, f"Model release {release} became {target}.", by=by, reason=reason
    )
    return release


def _place(folder: Path) -> str:
    # A packaged release is named by itself, so that an installation can move.
    resolved = folder.resolve()
    return (
        f"packaged:{resolved.name}"
        if resolved.parent == PACKAGED.resolve()
        else f"folder:{resolved}"
    )
