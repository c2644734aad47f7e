"""What the screening measured, held against limits; and what becomes of a pair that is judged with it."""

import dataclasses
import json

import pytest

from evaluation.screening import Measured, unchecked
from studyportal.imaging.models import Finding, PairScreening
from studyportal.imaging.rules import check_pair, rank_reconstructions, screened_from_json
from studyportal.imaging.selectors import screening_origin
from studyportal.imaging.services import screen_pair, screening, settle_pair
from studyportal.imaging.states import PairStatus
from studyportal.protocol.rules import parse
from studyportal.protocol.selectors import packaged_text
from tests import factories as make
from tests.portal.test_imaging_rules_checks import CT, PET, ids

LIMITS = parse(packaged_text()).imaging
SOUND = {
    "metal": {"metal_ml": 0.5, "streak_ratio": 3.0, "first_z_mm": 0.0, "last_z_mm": 4.0},
    "truncation": {"slices_share": 0.05},
    "liver": {"suv_mean": 9.0, "suv_median": 3.0, "outlined": 0.0, "volume_ml": 200.0},
    "blood_pool": {"suv_mean": 0.8, "suv_median": 9.0, "outlined": 1.0},
    "breathing": {"mismatch_mm": -15.0},
    "halo": {"ring_ratio": 0.5},
    "laterality": {"margin": -0.05, "dice": 0.97, "dice_mirrored": 0.98},
    "registration": {"residual_mm": 10.0, "turn_degrees": 0.0},
}


def found(check="", *, pet=PET, **values):
    measured = {name: Measured(one) for name, one in SOUND.items()}
    if check:
        measured[check] = Measured({**SOUND[check], **values})
    return ids(check_pair(CT, pet, LIMITS, screened=measured, glucose_mmol_per_l=5.0))


@pytest.mark.parametrize(
    ("check", "values", "expected"),
    [
        ("", {}, []),
        ("metal", {"metal_ml": 0.6}, ["metal_streaks"]),
        ("metal", {"metal_ml": 0.6, "streak_ratio": 1.5}, ["metal"]),
        ("truncation", {"slices_share": 0.06}, ["ct_truncated"]),
        ("liver", {"suv_median": 3.1}, ["liver_uptake"]),
        ("liver", {"suv_median": 1.2}, ["liver_uptake"]),
        ("blood_pool", {"suv_mean": 0.7}, ["blood_pool_uptake"]),
        ("breathing", {"mismatch_mm": 16.0}, ["respiratory_mismatch"]),
        ("halo", {"ring_ratio": 0.49}, ["halo"]),
        ("laterality", {"margin": -0.06}, ["mirrored"]),
        ("laterality", {"margin": -0.06, "dice_mirrored": 0.94}, []),  # the outlines speak against it
        ("registration", {"residual_mm": 10.1}, ["moved"]),
    ],
)  # fmt: skip
def test_the_screening_finds(check, values, expected):
    assert found(check, **values) == expected


@pytest.mark.parametrize(
    ("uid", "residual", "expected"),
    [("2.25.8", 10.0, ["position_measured"]), ("2.25.8", 11.0, ["other_position"]),
     ("", 9.0, ["position_measured"]), ("", 11.0, ["position_unknown"])],
)  # fmt: skip
def test_another_position_counts_as_the_same_when_the_images_lie_on_each_other(
    uid, residual, expected
):
    pet = dataclasses.replace(PET, frame_of_reference_uid=uid)
    assert found("registration", pet=pet, residual_mm=residual) == expected


def test_only_exchanged_sides_and_another_position_stand_in_the_way():
    worst = {name: Measured({**one, "metal_ml": 9.0, "slices_share": 1.0, "suv_median": 9.0,
                             "suv_mean": 9.0, "mismatch_mm": 40.0, "ring_ratio": 0.1,
                             "residual_mm": 40.0}) for name, one in SOUND.items()}  # fmt: skip
    grades = {
        f.id: f.grade for f in check_pair(CT, PET, LIMITS, screened=worst, glucose_mmol_per_l=20.0)
    }
    assert set(grades) == {
        "metal_streaks", "ct_truncated", "liver_uptake", "blood_pool_uptake", "glucose",
        "respiratory_mismatch", "halo", "moved",
    }  # fmt: skip
    assert set(grades.values()) == {"warning"}


def test_what_was_not_measured_is_no_finding():
    blind = {name: unchecked("Not in view.") for name in SOUND}
    assert ids(check_pair(CT, PET, LIMITS, screened=blind)) == ["glucose_unknown"]


def test_limits_of_a_scanner_at_a_site_replace_those_of_the_site():
    text = (
        packaged_text()
        + """
[[imaging_limits]]
site = "SPH"
manufacturer = ""
model = ""
because = "own procedure"
limits = { uptake_minutes_max = 100.0, liver_suv_max = 3.5 }

[[imaging_limits]]
site = "SPH"
manufacturer = "GE"
model = "Discovery"
because = "slower bed"
limits = { uptake_minutes_max = 110 }
"""
    )
    protocol = parse(text)
    at = {"site": "SPH", "manufacturer": "ge ", "model": "DISCOVERY"}
    here = protocol.imaging_at(**at)
    assert here.uptake_minutes_max == 110
    assert here.screening is not None
    assert here.screening.liver_suv_max == 3.5
    assert [entry.because for entry in protocol.limits_here(**at)] == [
        "own procedure",
        "slower bed",
    ]
    assert protocol.imaging_at(site="SEH", manufacturer="GE", model="Discovery") == protocol.imaging


@pytest.mark.parametrize(
    ("row", "said"),
    [('site = ""\nlimits = { dose_mbq_max = 800.0 }', "name a site"),
     ('site = "XYZ"\nlimits = { dose_mbq_max = 800.0 }', "not a site of the protocol"),
     ('site = "SPH"\nlimits = { colour = 1 }', "no limit is called colour"),
     ('site = "SPH"\nlimits = { dose_mbq_max = "x" }', "of the wrong kind"),
     ('site = "SPH"\nlimits = { dose_mbq_max = 1.0 }', "dose_mbq_min must not be above"),
     ('site = "SPH"\nlimits = {}', "no limit is given")],
)  # fmt: skip
def test_limits_of_a_place_that_cannot_hold_are_refused(row, said):
    head = '\n[[imaging_limits]]\nmanufacturer = ""\nmodel = ""\nbecause = "own"\n'
    with pytest.raises(ValueError, match=said):
        parse(packaged_text() + head + row + "\n")


def test_the_reconstruction_that_shares_the_position_of_the_pet_is_proposed_before_any_other():
    sharp = dataclasses.replace(
        CT, kernel="B70f", spacing_mm=(1.0, 0.9, 0.9), slice_thickness_mm=1.0
    )
    thick = dataclasses.replace(CT, kernel="B40f", slice_thickness_mm=5.0)
    away = dataclasses.replace(CT, kernel="B40f", frame_of_reference_uid="2.25.99")
    for candidates in ([sharp, thick, away], [away, thick, sharp]):
        ranked = rank_reconstructions(candidates, PET, LIMITS)
        assert [candidates[r.candidate] for r in ranked] == [thick, sharp, away]
    assert "same position as the PET" in ranked[0].facts
    assert "kernel B40f, for soft tissue" in ranked[0].facts


@pytest.fixture
def queried(db):
    """A complete pair of two positions, as intake leaves it."""
    make.ProtocolVersionFactory()
    pair = make.ScanPairFactory(complete=True, query_open=True)
    for series in pair.series.all():
        summary = json.loads(
            json.dumps(dataclasses.asdict(PET if series.role == "reference" else CT))
        )
        summary["frame_of_reference_uid"] = f"2.25.{series.role}"
        type(series).objects.filter(pk=series.pk).update(summary=summary)
    return pair


def test_a_pair_of_two_positions_becomes_ready_when_the_screening_measured_that_they_agree(
    queried, monkeypatch
):
    measured = {
        "registration": {"values": {"residual_mm": 3.0, "turn_degrees": 0.1}, "unchecked": ""}
    }
    answer = screening._Answer(measured, "", 5.0, 700.0)
    monkeypatch.setattr(screening, "_screened", lambda _pair: answer)
    row = screen_pair(pair=queried)
    queried.refresh_from_db()
    assert queried.status == PairStatus.READY
    assert screened_from_json(row.measured)["registration"].values["residual_mm"] == 3.0
    assert screen_pair(pair=queried) == row
    assert PairScreening.objects.get().origin_sha256 == screening_origin(queried)


def test_a_screening_that_could_not_be_finished_is_said_and_holds_nothing_up(queried, monkeypatch):
    monkeypatch.setattr(screening, "CPU_SECONDS", 0)
    monkeypatch.setattr(screening, "_request", lambda _pair: {"memory_bytes": 1, "cpu_seconds": 1})
    row = screen_pair(pair=queried)
    assert "ended early" in row.fault
    found = Finding.objects.get(pair=queried, rule="screening_failed")
    assert found.grade == "info"
    assert settle_pair(pair=queried).status == PairStatus.QUERY_OPEN
