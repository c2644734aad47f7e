"""Links to a hospital's patient are forgotten when consent is withdrawn or the images are purged."""

from datetime import date
from pathlib import Path

import pytest
from django.conf import settings as live
from pydicom import Dataset

from studyportal.core import spool
from studyportal.core.models import AuditEvent
from studyportal.core.spool import Batch, Ending, Identity, Outcome
from studyportal.core.storage import digest_of
from studyportal.imaging.models import Arrival, ArrivalConflict, ImagingSeries, PatientBinding
from studyportal.imaging.selectors import patient_key
from studyportal.imaging.services import forget_withdrawn, purge_series
from studyportal.imaging.states import SeriesRole
from studyportal.participants.models import Consent
from studyportal.tasks.sweep import sweep
from tests.bad_bytes import changed, few_slices
from tests.portal.scenes import enrolled, taken_in

pytestmark = pytest.mark.django_db(transaction=True)
CT, PET = SeriesRole.SOURCE, SeriesRole.REFERENCE
KEPT = Identity("a" * 32, "5" * 32, "d" * 64)


@pytest.fixture
def few(phantom, tmp_path) -> Path:
    for kind in ("CT", "PET"):
        (tmp_path / kind).mkdir()
        for name, content in few_slices(phantom() / kind, slice(5)).items():
            (tmp_path / kind / name).write_bytes(content)
    return tmp_path


@pytest.fixture(autouse=True)
def place(settings, tmp_path):
    settings.SPOOL_DIR = tmp_path / "spool"


def received(identity: Identity) -> Batch:
    batch = Batch(site_code="SPH", way="c_store", sender="GE")
    temporary = batch.incoming()
    temporary.write_bytes(b"an image")
    batch.settle(temporary, identity, sha256=digest_of(temporary))
    batch.end(Ending.RELEASED)
    return batch


def arrived(series: ImagingSeries) -> Arrival:
    """The series came over the network, with an image that came twice."""
    arrival = Arrival.objects.create(
        site=series.pair.participant.site, status="assigned", way="c_store", sender="GE",
        series_key=KEPT.series_key, study_key="6" * 32, patient_key="7" * 64, series=series,
        first_at=series.opened_at, last_at=series.opened_at,
    )  # fmt: skip
    for refused in ("8" * 64, "9" * 64):
        ArrivalConflict.objects.create(
            arrival=arrival, instance_key=KEPT.instance_key, kept_sha256=KEPT.digest,
            refused_sha256=refused, sender="GE", found_at=series.opened_at,
        )  # fmt: skip
    return arrival


def ledger() -> str:
    return "".join(path.read_text() for path in Path(live.SPOOL_DIR).glob("*/ledger/*"))


def withdrawn(participant) -> None:
    Consent.objects.filter(participant=participant).update(withdrawn_on=date(2026, 3, 1))


def test_after_withdrawal_no_keyed_hash_of_the_patient_is_left(study, few):
    participant = enrolled()
    series = taken_in(participant, CT, few / "CT")
    arrival = arrived(series)
    received(KEPT)
    received(Identity("b" * 32, "c" * 32, "e" * 64))
    withdrawn(participant)

    sweep()

    assert not PatientBinding.objects.exists()
    arrival.refresh_from_db()
    assert (arrival.patient_key, arrival.study_key, arrival.series_key) == ("", "", "")
    kept = ArrivalConflict.objects.values_list("instance_key", "kept_sha256", "refused_sha256")
    assert not {KEPT.instance_key, KEPT.digest, "8" * 64, "9" * 64} & {
        word for row in kept for word in row
    }
    series.refresh_from_db()
    assert (series.status, series.received_digest) == ("accepted", "")
    assert "a" * 32 not in ledger()
    assert "d" * 64 not in ledger()
    assert "b" * 32 in ledger()
    event = AuditEvent.objects.get(verb="forget_identity")
    assert event.reason == "The participant withdrew consent."


def test_a_participant_with_a_standing_consent_is_not_forgotten(study, few):
    participant = enrolled()
    taken_in(participant, CT, few / "CT")
    withdrawn(participant)
    Consent.objects.create(participant=participant, version="1.1", signed_on=date(2026, 3, 2))
    assert forget_withdrawn() == 0
    assert PatientBinding.objects.count() == 1


def test_forgetting_twice_is_noted_once(study, few):
    participant = enrolled()
    taken_in(participant, CT, few / "CT")
    withdrawn(participant)
    assert (forget_withdrawn(), forget_withdrawn()) == (1, 0)
    assert AuditEvent.objects.filter(verb="forget_identity").count() == 1


def test_images_of_the_patient_that_wait_in_the_inbox_go_with_the_link(study, few):
    participant = enrolled()
    series = taken_in(participant, CT, few / "CT")
    binding = PatientBinding.objects.get()
    waiting = Arrival.objects.create(
        site=participant.site, status="waiting", way="c_store", sender="GE", series_key="1" * 32,
        patient_key=binding.patient_key, first_at=series.opened_at, last_at=series.opened_at,
    )  # fmt: skip
    withdrawn(participant)
    forget_withdrawn()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.patient_key, waiting.series_key) == ("discarded", "", "")


def test_the_link_goes_with_the_last_accepted_series_and_not_before(study, few):
    participant = enrolled()
    first, second = taken_in(participant, CT, few / "CT"), taken_in(participant, PET, few / "PET")
    purge_series(series=first, by=None, reason="sent by mistake")
    assert PatientBinding.objects.count() == 1
    purge_series(series=second, by=None, reason="sent by mistake")
    assert PatientBinding.objects.count() == 0


def of_another_examination(dataset: Dataset) -> None:
    dataset.StudyInstanceUID = "1.2.826.0.1.3680043.8.498.77"


def test_a_forgotten_patient_may_be_bound_anew_and_not_to_two_participants(study, few):
    participant, other = enrolled(), enrolled()
    taken_in(participant, CT, few / "CT")
    key = PatientBinding.objects.get().patient_key
    withdrawn(participant)
    forget_withdrawn()
    for path in (
        few / "PET"
    ).iterdir():  # what is stored of the first examination stays the first one's
        path.write_bytes(changed(path.read_bytes(), of_another_examination))
    taken_in(other, PET, few / "PET")
    assert PatientBinding.objects.get().patient_key == key
    assert key != patient_key("somebody else", "SPH")


def test_what_was_forgotten_can_come_again_and_the_rest_of_the_ledger_still_counts(study):
    received(KEPT)
    neighbour = Identity("a" * 31 + "b", "c" * 32, "e" * 64)  # in the same part of the ledger
    received(neighbour)
    spool.forget("SPH", [KEPT.instance_key])
    batch = Batch(site_code="SPH", way="c_store", sender="GE")
    assert batch.look_up(KEPT) is None
    assert batch.look_up(neighbour) == Outcome.SAME
    received(KEPT)
    assert batch.look_up(KEPT) == Outcome.SAME
