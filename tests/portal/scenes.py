"""Scenes for tests: a study with people, participants and images, each made through the services."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from studyportal.cli.management.commands.evaluate import packaged_plan
from studyportal.clinical.rules import read_reference
from studyportal.clinical.services import enter_reference
from studyportal.core.models import User
from studyportal.imaging.models import ImagingSeries, ScanPair
from studyportal.imaging.selectors import pair_of
from studyportal.imaging.services import check_series, receive_series
from studyportal.imaging.states import PairStatus, SeriesRole
from studyportal.outcomes.models import DataCut
from studyportal.outcomes.rules import read_scores
from studyportal.outcomes.selectors import unmeasured_of
from studyportal.outcomes.services import (
    ask_opening,
    enter_scores,
    freeze_cut,
    measure_cut_pair,
    open_results,
)
from studyportal.participants.models import Participant
from studyportal.participants.rules import Answer, ScreeningFacts
from studyportal.participants.services import enrol_participant, screen_participant
from studyportal.protocol.selectors import content_of, packaged_text
from studyportal.protocol.services import activate_protocol, load_protocol
from studyportal.sites.models import Site
from studyportal.sites.rules import SITE_ROLES, Role
from studyportal.sites.selectors import site_by_code
from studyportal.sites.services import give_role, open_sites
from studyportal.syntheses.models import ModelRelease, SyntheticSeries
from studyportal.syntheses.selectors import current_primary
from studyportal.syntheses.services import (
    claim_job,
    move_release,
    name_primary_release,
    record_result,
    register_release,
    request_synthesis,
)
from studyportal.syntheses.states import JobStatus, ReleaseStatus
from studyportal.tasks.devices import devices_of_machine
from studyportal.tasks.gpu import running
from synthesis.contract import TranslationResult
from synthesis.data import PhantomPair, draw_participant, make_phantom, scanner_of, write_dicom
from synthesis.data.cohort import reference_units
from synthesis.data.reader_scores import draw_scores

SCREENED_ON = date(2026, 1, 10)
MET_AT_SCREENING = {
    "INC-01": Answer.MET,
    "INC-02": Answer.MET,
    "INC-03": Answer.MET,
    "EXC-01": Answer.NOT_MET,
    "EXC-02": Answer.UNKNOWN,
    "EXC-03": Answer.UNKNOWN,
    "EXC-04": Answer.UNKNOWN,
}


def open_study() -> None:
    """The registered protocol is in force and its sites recruit."""
    version = activate_protocol(version=load_protocol(text=packaged_text(), by=None), by=None)
    open_sites(protocol=content_of(version), by=None)


def site(code: str) -> Site:
    found = site_by_code(code)
    assert found is not None
    return found


def person(role: Role, *, at: str = "SPH") -> User:
    """A person with one role, named after it; the same again when asked again."""
    name = f"{role.value}-{at}" if role in SITE_ROLES else role.value
    user, created = User.objects.get_or_create(username=name)
    if created:
        give_role(user=user, role=role, site=site(at) if role in SITE_ROLES else None, by=None)
    return User.objects.get(pk=user.pk)


def facts(**changes: object) -> ScreeningFacts:
    """What a coordinator writes down of an eligible person, with changes; `answers` are merged."""
    answers = {**MET_AT_SCREENING, **changes.pop("answers", {})}  # type: ignore[dict-item]
    plain = ScreeningFacts(
        site_code="SPH",
        sex="M",
        age_years=60,
        screening_date=SCREENED_ON,
        consent_date=SCREENED_ON,
        consent_version="1.0",
        answers=answers,
    )
    return replace(plain, **changes)


def enrolled(*, at: str = "SPH") -> Participant:
    by = person(Role.COORDINATOR, at=at)
    participant = screen_participant(site=site(at), facts=facts(site_code=at), by=by)
    return enrol_participant(participant=participant, by=by)


def sent(
    participant: Participant, role: SeriesRole, where: Path, *, option: str = ""
) -> ImagingSeries:
    """Files of a folder (or one file) were received; intake has not looked at them yet."""
    files = sorted(where.iterdir()) if where.is_dir() else [where]
    by = person(Role.COORDINATOR, at=participant.site.code)
    return receive_series(participant=participant, role=role, files=files, by=by, option=option)


def taken_in(
    participant: Participant, role: SeriesRole, where: Path, *, option: str = ""
) -> ImagingSeries:
    """Files were received and intake has judged them."""
    series = check_series(series=sent(participant, role, where, option=option))
    return ImagingSeries.objects.select_related("pair__participant__site").get(pk=series.pk)


def ready_pair(images: Path, *, at: str = "SPH", outlines: bool = False) -> ScanPair:
    """CT and PET of a phantom are accepted and form a ready pair."""
    participant = enrolled(at=at)
    taken_in(participant, SeriesRole.SOURCE, images / "CT")
    taken_in(participant, SeriesRole.REFERENCE, images / "PET")
    if outlines:
        taken_in(participant, SeriesRole.OUTLINES, images / "LESIONS" / "seg.dcm")
    pair = pair_of(participant)
    assert pair is not None
    assert pair.status == PairStatus.READY
    return pair


def released(folder: Path) -> ModelRelease:
    """The model in this folder is registered and released, and named for the primary analysis if none is."""
    operator = person(Role.SYNTHESIS_OPERATOR)
    release = register_release(folder=folder, by=operator)
    for target in (ReleaseStatus.VALIDATED, ReleaseStatus.RELEASED):
        release = move_release(release=release, target=target, reason="for a test", by=operator)
    if current_primary() is None:
        by = person(Role.STUDY_PI)
        name_primary_release(release=release, seed=0, reason="for a test", by=by)
    return release


def small_phantom(seed: int) -> PhantomPair:
    """A whole chest in few, thick slices."""
    scanner = replace(
        scanner_of("SPH"), shape=(26, 96, 96), spacing_zyx_mm=(9.8, 400 / 96, 400 / 96)
    )
    return make_phantom(draw_participant(seed), scanner)


def write_small_phantom(seed: int, folder: Path) -> Path:
    """CT, PET and outlines of a small phantom as DICOM."""
    write_dicom(small_phantom(seed), folder)
    return folder


_TRANSLATED: dict[tuple[str, str], TranslationResult] = {}
_SCRATCH: list[tempfile.TemporaryDirectory[str]] = []


def synthesised(pair: ScanPair, release: ModelRelease) -> SyntheticSeries:
    """A synthetic PET that the child made; the same CT and release are translated once per session."""
    by = person(Role.SYNTHESIS_OPERATOR)
    job = claim_job(job_id=request_synthesis(pair=pair, release=release, seed=0, by=by).pk)
    assert job is not None
    key = (job.source.manifest_sha256, release.digest)
    if key not in _TRANSLATED:
        _SCRATCH.append(tempfile.TemporaryDirectory())
        _TRANSLATED[key] = running._translate(
            job, Path(_SCRATCH[-1].name) / "out", devices_of_machine("cpu")[0]
        )
    done = record_result(job=job, result=_TRANSLATED[key])
    assert done.status == JobStatus.SUCCEEDED, done.reason
    return SyntheticSeries.objects.get(job=done)


def quick_plan() -> str:
    """The packaged analysis plan with few replicates."""
    return packaged_plan().replace("bootstrap_replicates = 2000", "bootstrap_replicates = 100")


def measured_cut(
    phantom: Callable[[int], Path], model: Path, *, seeds: tuple[int, ...], unsealed: bool = True
) -> DataCut:
    """A frozen cut of as many pairs as seeds, with reference standard and scores, measured and opened."""
    release = released(model)
    for seed in seeds:
        pair = ready_pair(phantom(seed), outlines=True)
        synthesised(pair, release)
        keep_truth(pair.participant, seed)
    by = person(Role.STATISTICIAN)
    cut = freeze_cut(name="first", release=release, plan_text=quick_plan(), by=by)
    for cut_pair in unmeasured_of(cut):
        measure_cut_pair(cut_pair=cut_pair)
    return opened(cut) if unsealed else cut


def opened(cut: DataCut) -> DataCut:
    """The final analysis of the cut is opened by two people."""
    first, second = person(Role.STATISTICIAN), person(Role.STUDY_PI)
    opening = ask_opening(cut=cut, point="final", why="for a test", by=first)
    open_results(opening=opening, why="agreed", by=second)
    return cut


def keep_truth(participant: Participant, seed: int) -> None:
    """Reference standard and reader scores of a phantom are entered."""
    units = reference_units(draw_participant(seed))
    by = person(Role.COORDINATOR, at=participant.site.code)
    text = ";".join(f"{u.key}={'positive' if u.positive else 'negative'}" for u in units)
    entries, faults = read_reference(text)
    assert faults == []
    enter_reference(participant=participant, entries=entries, source="simulation", by=by)
    scores, faults = read_scores(draw_scores(seed, units), low=0, high=100)
    assert faults == []
    enter_scores(participant=participant, entries=scores, by=by)
