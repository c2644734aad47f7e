"""Reads of imaging, scoped to what the person may see."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings
from django.db.models import Case, Count, OuterRef, Q, QuerySet, Subquery, Sum, When

from studyportal.core.storage import DamagedFile, read_bytes, verified_path
from studyportal.imaging import rules
from studyportal.imaging.models import (
    DerivedVolume,
    Finding,
    ImagingSeries,
    OutlineSet,
    PatientBinding,
    ScanPair,
)
from studyportal.imaging.states import (
    IN_INTAKE,
    Grade,
    PairStatus,
    SeriesRole,
    SeriesStatus,
    VolumeKind,
)
from studyportal.participants.selectors import latest_answers
from studyportal.protocol.selectors import active_protocol
from studyportal.sites.rules import Action
from studyportal.sites.selectors import Person, site_ids

if TYPE_CHECKING:
    from pydicom import Dataset

    from studyportal.participants.models import Participant

RECIPE = 1  # of the volumes for the viewer; a higher number makes all of them anew


def pairs_visible_to(user: Person) -> QuerySet[ScanPair]:
    """Pairs of the sites at which the person may see images."""
    return ScanPair.objects.filter(
        participant__site__in=site_ids(user, Action.SEE_IMAGES)
    ).select_related("participant", "participant__site")


def pair_for(user: Person, pair_id: UUID) -> ScanPair | None:
    """The pair, or None when it does not exist or the person may not see it."""
    return pairs_visible_to(user).filter(pk=pair_id).first()


def series_visible_to(user: Person) -> QuerySet[ImagingSeries]:
    """Series of the sites at which the person may see images."""
    return ImagingSeries.objects.filter(
        pair__participant__site__in=site_ids(user, Action.SEE_IMAGES)
    ).select_related("pair", "pair__participant", "pair__participant__site")


def outlines_visible_to(user: Person) -> QuerySet[ImagingSeries]:
    """The outlines that count of each pair, as series, at the sites where the person may see images."""
    counting = OutlineSet.objects.filter(
        pair=OuterRef("pair"), series__status=SeriesStatus.ACCEPTED
    ).order_by("-made_at")
    return series_visible_to(user).filter(
        role=SeriesRole.OUTLINES,
        status=SeriesStatus.ACCEPTED,
        outline_set=Subquery(counting.values("pk")[:1]),
    )


def series_for(user: Person, series_id: UUID) -> ImagingSeries | None:
    """The series, or None when it does not exist or the person may not see it."""
    return series_visible_to(user).filter(pk=series_id).first()


def pair_of(participant: Participant) -> ScanPair | None:
    """The participant's pair, once it was opened."""
    return ScanPair.objects.filter(participant=participant).first()


def open_findings(pair: ScanPair) -> QuerySet[Finding]:
    """Findings that count now, worst first."""
    worst_first = Case(
        When(grade=Grade.EXCLUDE, then=0), When(grade=Grade.WARNING, then=1), default=2
    )
    return (
        Finding.objects.filter(pair=pair, superseded=False)
        .select_related("series", "accepted_by")
        .order_by(worst_first, "rule", "found_at")
    )


def accepted_series(pair: ScanPair, role: SeriesRole) -> ImagingSeries | None:
    """The series that holds this role in the pair."""
    return ImagingSeries.objects.filter(pair=pair, role=role, status=SeriesStatus.ACCEPTED).first()


def stored_paths(manifest_sha256: str) -> list[Path]:
    """Paths of the files of a stored series, in slice order, each verified now.

    Raises
    ------
    DamagedFile
        When a file is missing or damaged.
    """
    return [verified_path(sha256) for sha256 in stored_digests(manifest_sha256)]


def stored_digests(manifest_sha256: str) -> list[str]:
    """Digests of the files of a stored series, in slice order.

    Raises
    ------
    DamagedFile
        When the manifest is missing or damaged.
    """
    return [entry["sha256"] for entry in json.loads(read_bytes(manifest_sha256))["files"]]


def files_of_manifest(manifest_sha256: str) -> frozenset[str]:
    """The manifest and the files it lists; the manifest alone where it is gone already."""
    if not manifest_sha256:
        return frozenset()
    try:
        return frozenset({manifest_sha256, *stored_digests(manifest_sha256)})
    except DamagedFile:
        return frozenset({manifest_sha256})


def notes_of(series_id: UUID) -> Path:
    """Where intake notes which files it is about to store, so that those of a killed worker can be found."""
    return quarantine_of(series_id) / ".stored"


def noted_files(series_id: UUID) -> frozenset[str]:
    """Digests of the files that intake stored or was about to store for a series that is not accepted yet."""
    notes = notes_of(series_id)
    words = notes.read_text("ascii").split() if notes.is_file() else []
    return frozenset(word for word in words if len(word) == 64)


def latest_outlines(pair: ScanPair) -> OutlineSet | None:
    """The outlines that count."""
    kept = OutlineSet.objects.filter(pair=pair, series__status=SeriesStatus.ACCEPTED)
    return kept.order_by("-made_at").first()


def quarantine_of(series_id: UUID) -> Path:
    """Folder of files received and not yet de-identified."""
    return Path(settings.QUARANTINE_DIR) / str(series_id)


def waiting_files(series_id: UUID) -> list[str]:
    """Digests of the files received and not yet de-identified, sorted."""
    return sorted(path.name for path in quarantine_of(series_id).glob("[0-9a-f]*"))


def every_pair() -> QuerySet[ScanPair]:
    """All pairs, for data cuts and the portal's own work."""
    return ScanPair.objects.select_related("participant", "participant__site").order_by(
        "participant__code"
    )


def ready_pairs() -> QuerySet[ScanPair]:
    """Pairs that may be synthesised and evaluated."""
    return every_pair().filter(status=PairStatus.READY)


def every_series() -> QuerySet[ImagingSeries]:
    """All series, for the portal's own work."""
    return ImagingSeries.objects.select_related(
        "pair", "pair__participant", "pair__participant__site"
    )


def patient_key(patient_id: str, site_code: str) -> str:
    """Keyed digest of a hospital's patient identifier; the identifier cannot be had back from it."""
    return rules.patient_link(study_key(), patient_id=patient_id, site_code=site_code)


def study_key() -> rules.DeidentificationKey:
    """The key of the study, on which all pseudonyms hang."""
    return rules.DeidentificationKey(settings.DEIDENTIFICATION_KEY.encode())


def patient_key_of(header: Dataset, site_code: str) -> str:
    """Keyed digest of the patient whom a header names; empty where it names none."""
    return rules.patient_link_of(header, study_key(), site_code=site_code)


def bound_participant(patient_id: str, site_code: str) -> str:
    """Code of the participant to whom this patient is bound; empty when to none."""
    if not patient_id:
        return ""
    bound = PatientBinding.objects.filter(
        patient_key=patient_key(patient_id, site_code)
    ).select_related("participant")
    return next((binding.participant.code for binding in bound), "")


def finding_for(user: Person, finding_id: UUID) -> Finding | None:
    """The finding, or None when it does not exist or the person may not see it."""
    return (
        Finding.objects.filter(pair__participant__site__in=site_ids(user, Action.SEE_IMAGES))
        .select_related("pair", "pair__participant", "pair__participant__site", "series")
        .filter(pk=finding_id)
        .first()
    )


def series_of_pair(pair: ScanPair) -> QuerySet[ImagingSeries]:
    """Every series that was sent for the pair, oldest first."""
    return ImagingSeries.objects.filter(pair=pair).select_related("sent_by")


def open_upload(participant: Participant, role: SeriesRole) -> ImagingSeries | None:
    """The upload in this role that was begun and not completed."""
    return ImagingSeries.objects.filter(
        pair__participant=participant, role=role, status=SeriesStatus.RECEIVING
    ).first()


def stored_bytes() -> int:
    """Bytes of all stored series, for the health page."""
    return ImagingSeries.objects.aggregate(total=Sum("stored_bytes"))["total"] or 0


def worst_first(pairs: QuerySet[ScanPair]) -> QuerySet[ScanPair]:
    """The pairs with how many findings are open, those that need somebody first."""
    order = Case(
        When(status=PairStatus.QUERY_OPEN, then=0),
        When(status=PairStatus.CHECKING, then=1),
        When(status=PairStatus.AWAITING_IMAGES, then=2),
        When(status=PairStatus.READY, then=3),
        default=4,
    )
    current = Q(findings__superseded=False, findings__accepted_at=None)
    return pairs.annotate(
        blocking=Count("findings", filter=current & Q(findings__grade=Grade.EXCLUDE)),
        warnings=Count("findings", filter=current & Q(findings__grade=Grade.WARNING)),
        preview=_preview(SeriesRole.SOURCE),
        reference_preview=_preview(SeriesRole.REFERENCE),
    ).order_by(order, "-blocking", "-warnings", "participant__code")


def _preview(role: SeriesRole) -> Subquery:
    series = ImagingSeries.objects.filter(
        pair=OuterRef("pk"), role=role, status=SeriesStatus.ACCEPTED
    ).exclude(preview_sha256="")
    return Subquery(series.values("pk")[:1])


def received_series_of(participants: Iterable[Participant]) -> QuerySet[ImagingSeries]:
    """Series of these participants that wait for intake: images first, then the outlines drawn on them."""
    outlines_last = Case(When(role=SeriesRole.OUTLINES, then=1), default=0)
    rows = every_series().filter(pair__participant__in=list(participants), status__in=IN_INTAKE)
    return rows.order_by("pair__participant__code", outlines_last, "opened_at")


def unjudged_pairs() -> list[ScanPair]:
    """Ready pairs whose images nobody has judged for artefacts yet."""
    answers, code = latest_answers(), active_protocol().code_of("artefacts")
    return [
        pair
        for pair in ready_pairs()
        if answers.get(pair.participant_id, {}).get(code, ("unknown", ""))[0] == "unknown"
    ]


def unsettled_series() -> QuerySet[ImagingSeries]:
    """Series that wait for intake and can be taken in; outlines without a PET to lie on cannot."""
    placed = Q(pair__series__role=SeriesRole.REFERENCE, pair__series__status=SeriesStatus.ACCEPTED)
    waiting = every_series().filter(status__in=IN_INTAKE)
    return waiting.filter(~Q(role=SeriesRole.OUTLINES) | placed).distinct()


def derived_volume(kind: VolumeKind, origin_sha256: str) -> DerivedVolume | None:
    """The volume that was made for the viewer, or says why it cannot be; None while nobody made it."""
    return DerivedVolume.objects.filter(
        kind=kind, origin_sha256=origin_sha256, recipe=RECIPE
    ).first()


def digests_in_use(digests: Collection[str]) -> frozenset[str]:
    """Those of the digests that rows which count rest on: stored series, outlines and volumes that are not given up."""
    asked = list(digests)
    accepted = ImagingSeries.objects.filter(status=SeriesStatus.ACCEPTED)
    kept = OutlineSet.objects.filter(series__status=SeriesStatus.ACCEPTED)
    columns = (
        accepted.filter(manifest_sha256__in=asked).values_list("manifest_sha256", flat=True),
        accepted.filter(preview_sha256__in=asked).values_list("preview_sha256", flat=True),
        kept.filter(masks_sha256__in=asked).values_list("masks_sha256", flat=True),
        DerivedVolume.objects.filter(sha256__in=asked).values_list("sha256", flat=True),
        DerivedVolume.objects.filter(facts__depth_sha256__in=asked).values_list(
            "facts__depth_sha256", flat=True
        ),
    )
    return frozenset(digest for column in columns for digest in column)


def difference_origin(reference: str, synthetic: str) -> str:
    """What a difference is kept under: a digest of the manifests of both images."""
    return hashlib.sha256(f"{synthetic} minus {reference}".encode()).hexdigest()


def outlines_of(pair: ScanPair) -> QuerySet[OutlineSet]:
    """Every set of outlines of the pair, the one that counts first."""
    return (
        OutlineSet.objects.filter(pair=pair, series__status=SeriesStatus.ACCEPTED)
        .select_related("drawn_by", "series", "series__sent_by", "reference")
        .order_by("-made_at")
    )
