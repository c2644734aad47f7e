"""Reference objects made in code: voxels of known SUV, stored as each kind of header says.

The same kinds as the published digital reference objects (Vacha et al. 2026), which hold 0.20, 1.00
and 4.00; the truth of each case is the physics written down here, not the code under test.
"""

import math

import numpy as np
import pytest

from evaluation.imaging import read_series, suv_factor
from tests.evaluation.imaging_series import COLUMNS, ROWS, injected, pet_slice, write_series

HALF_LIFE_S = 6586.2
DOSE_BQ = 368.08e6
WEIGHT_G, HEIGHT_CM = 70_000.0, 175.0
SUV = np.tile(np.resize([0.2, 1.0, 4.0], (ROWS, COLUMNS)), (4, 1, 1))
HOUR = 2 ** (-3600 / HALF_LIFE_S)  # what an hour leaves


def stored(tmp_path, per_suv, *, dose=None, ge_scan="", slopes=(0.75,) * 4, **changes):
    """Write SUV times ``per_suv`` (one number, or one per slice) and read the SUV of it."""
    slices = []
    for k, per in enumerate(np.broadcast_to(per_suv, 4)):
        pixels = np.rint(SUV[k] * per / slopes[k]).astype(np.int16)
        made = pet_slice(4.0 * k, pixels, slope=slopes[k])
        given = {"RadionuclideTotalDose": f"{DOSE_BQ:.0f}", **(dose or {})}
        made.RadiopharmaceuticalInformationSequence = [injected(**given)]
        made.ActualFrameDuration, made.FrameReferenceTime = "300000", "150000"
        made.PatientSex = "O"
        for keyword, value in changes.items():
            setattr(made, keyword, value[k] if isinstance(value, tuple) else value)
        if ge_scan:
            made.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", ge_scan)
        slices.append(made)
    return read_series(write_series(tmp_path, slices))


def assert_suv(series, tolerance=0.01):
    assert np.abs(series.suv_volume().array - SUV).max() <= tolerance


AT_INJECTION = DOSE_BQ / WEIGHT_G
AN_HOUR_LATER = AT_INJECTION * HOUR


def test_corrected_to_the_start_of_the_scan(tmp_path):
    assert_suv(stored(tmp_path, AN_HOUR_LATER))


def test_slopes_that_differ_from_slice_to_slice_an_integer_first(tmp_path):
    assert_suv(stored(tmp_path, AN_HOUR_LATER, slopes=(1.0, 0.75, 1.5, 0.999)))


def test_corrected_to_the_administration(tmp_path):
    assert_suv(stored(tmp_path, AT_INJECTION, DecayCorrection="ADMIN"))


def test_a_series_time_after_the_acquisition_is_passed_over_for_the_frame_reference(tmp_path):
    # The acquisition at 11:15 has its mean activity 149.6 s later, 1049.6 s after the scan's start.
    decay = math.log(2) / HALF_LIFE_S
    middle = math.log(decay * 300 / (1 - math.exp(-decay * 300))) / decay
    series = stored(
        tmp_path,
        AN_HOUR_LATER,
        SeriesTime="113000",
        AcquisitionTime="111500",
        FrameReferenceTime=str(round((900 + middle) * 1000)),
    )

    assert_suv(series)
    assert series.suv_conversion().rule.endswith("frame_reference_time)")
    assert "suv_rules_disagree" in [f.id for f in series.suv_conversion().findings]


def test_the_scan_start_of_ge_goes_before_the_series_time(tmp_path):
    series = stored(
        tmp_path, AN_HOUR_LATER, ge_scan="20250110110000.00", SeriesTime="103000",
        AcquisitionTime="110000",
    )  # fmt: skip

    assert_suv(series)
    assert series.suv_conversion().disagreement == pytest.approx(1 - 2 ** (-1800 / HALF_LIFE_S))


def test_without_decay_correction_each_bed_has_its_own_factor(tmp_path):
    decay = math.log(2) / HALF_LIFE_S
    starts = np.array([3600.0, 3600.0, 3900.0, 3900.0])
    mean_of_frame = (1 - math.exp(-decay * 300)) / (decay * 300)
    series = stored(
        tmp_path,
        AT_INJECTION * 2 ** (-starts / HALF_LIFE_S) * mean_of_frame,
        DecayCorrection="NONE",
        CorrectedImage=["NORM", "ATTN", "SCAT"],
        AcquisitionTime=("110000", "110000", "110500", "110500"),
        FrameReferenceTime=("150000", "150000", "450000", "450000"),
    )
    conversion = series.suv_conversion()

    assert_suv(series)
    assert list(conversion.alternatives) == ["series_time_and_frame_reference"]
    assert conversion.disagreement < 1e-3
    assert conversion.findings == ()


def test_a_contradiction_about_the_decay_is_a_finding(tmp_path):
    series = stored(tmp_path, AN_HOUR_LATER, DecayCorrection="NONE")
    assert "decay_contradiction" in [f.id for f in series.suv_conversion().findings]


def test_without_decay_correction_a_frame_reference_that_tells_another_story_is_a_finding(tmp_path):
    series = stored(
        tmp_path, AN_HOUR_LATER, DecayCorrection="NONE", CorrectedImage=["ATTN"],
        FrameReferenceTime="1500000",
    )  # fmt: skip
    conversion = series.suv_conversion()

    assert conversion.disagreement == pytest.approx(2 ** (1350.4 / HALF_LIFE_S) - 1, rel=1e-3)
    assert [f.id for f in conversion.findings] == ["suv_rules_disagree"]


def test_the_dose_in_megabecquerel(tmp_path):
    assert_suv(stored(tmp_path, AN_HOUR_LATER, dose={"RadionuclideTotalDose": "368.08"}))


def test_an_injection_before_midnight_and_a_scan_after_it(tmp_path):
    late = {"RadiopharmaceuticalStartTime": "233000"}
    assert_suv(
        stored(tmp_path, AN_HOUR_LATER, dose=late, SeriesTime="003000", AcquisitionTime="003000")
    )


def test_only_a_start_date_and_time(tmp_path):
    given = {
        "RadiopharmaceuticalStartTime": None,
        "RadiopharmaceuticalStartDateTime": "20250110100000",
    }
    assert_suv(stored(tmp_path, AN_HOUR_LATER, dose=given))


def test_a_shifted_start_date_leaves_the_clock(tmp_path):
    given = {"RadiopharmaceuticalStartDateTime": "19500101100000"}
    series = stored(tmp_path, AN_HOUR_LATER, dose=given)

    assert_suv(series)
    assert [f.id for f in series.suv_conversion().findings] == ["clock_only"]


def test_another_half_life(tmp_path):
    gallium = {"RadionuclideHalfLife": "4057.7"}
    assert_suv(stored(tmp_path, AT_INJECTION * 2 ** (-3600 / 4057.7), dose=gallium))


LEAN = {
    "LBM": [1.10 * 70 - 120 * (70 / 175) ** 2, 1.07 * 70 - 148 * (70 / 175) ** 2],
    "LBMJAMES128": [1.10 * 70 - 128 * (70 / 175) ** 2, 1.07 * 70 - 148 * (70 / 175) ** 2],
    "LBMJANMA": [
        9270 * 70 / (6680 + 216 * 70 / 1.75**2),
        9270 * 70 / (8780 + 244 * 70 / 1.75**2),
    ],
    "IBW": [48.0 + 1.06 * (175 - 152), 45.5 + 0.91 * (175 - 152)],
}


@pytest.mark.parametrize("suv_type", LEAN)
@pytest.mark.parametrize("sex", ["M", "F", "O"])
def test_suv_of_another_mass_becomes_suv_of_the_weight(tmp_path, suv_type, sex):
    man, woman = LEAN[suv_type]
    mass_kg = {"M": man, "F": woman, "O": (man + woman) / 2}[sex]
    slopes = (0.001,) * 4
    assert_suv(
        stored(tmp_path, mass_kg / 70, slopes=slopes, Units="GML", SUVType=suv_type, PatientSex=sex)
    )


def test_suv_of_the_weight_is_taken_as_it_is(tmp_path):
    assert_suv(stored(tmp_path, 1.0, slopes=(0.001,) * 4, Units="GML", SUVType="BW"))


def test_a_missing_suv_type_means_body_weight_and_the_rule_says_so(tmp_path):
    series = stored(tmp_path, 1.0, slopes=(0.001,) * 4, Units="GML", SUVType=None)

    assert_suv(series)
    assert "SUV type empty" in series.suv_conversion().rule


def test_suv_of_the_surface_becomes_suv_of_the_weight(tmp_path):
    surface_cm2 = 71.84 * 70**0.425 * 175**0.725
    assert_suv(stored(tmp_path, surface_cm2 / WEIGHT_G, slopes=(0.0001,) * 4, Units="CM2ML"))


@pytest.mark.parametrize(
    ("zone", "minutes"), [("+0100", 60), ("", 0), ("+0000", 0), ("-0330", -210), ("noon", 0)]
)
def test_an_injection_with_its_offset_from_utc_is_brought_to_the_time_of_the_header(zone, minutes):
    made = pet_slice(0.0)
    made.TimezoneOffsetFromUTC = zone or None
    made.RadiopharmaceuticalInformationSequence = [
        injected(
            RadiopharmaceuticalStartTime=None,
            RadiopharmaceuticalStartDateTime="20250110093000+0000",
        )
    ]
    assert suv_factor(made).decay_seconds == 5400 - 60 * minutes


def test_two_statements_of_the_injection_that_differ_are_a_finding():
    made = pet_slice(0.0)
    made.RadiopharmaceuticalInformationSequence = [
        injected(RadiopharmaceuticalStartDateTime="20250110093000")
    ]
    conversion = suv_factor(made)

    assert conversion.decay_seconds == 5400
    ratio = conversion.alternatives["injection_start_time"] / conversion.factor
    assert ratio == pytest.approx(2 ** (-1800 / HALF_LIFE_S))
    assert [f.id for f in conversion.findings] == ["suv_rules_disagree"]


def test_of_beds_with_one_acquisition_time_the_first_counts():
    beds = []
    for reference_ms in ("750000", "450000", "150000"):
        made = pet_slice(0.0)
        made.SeriesTime, made.FrameReferenceTime = "120000", reference_ms
        made.ActualFrameDuration = "300000"
        beds.append(made)

    assert suv_factor(beds).decay_seconds == pytest.approx(3600, abs=0.5)


def test_an_acquisition_past_midnight_is_not_the_first():
    beds = []
    for clock in ("235500", "000500"):
        made = pet_slice(0.0)
        made.SeriesTime, made.AcquisitionTime, made.AcquisitionDate = None, clock, None
        made.FrameReferenceTime = "0"
        made.RadiopharmaceuticalInformationSequence = [
            injected(RadiopharmaceuticalStartTime="225500")
        ]
        beds.append(made)

    assert suv_factor(beds).decay_seconds == 3600


def test_a_scan_that_begins_at_the_injection_is_no_oddity():
    made = pet_slice(0.0)
    made.RadiopharmaceuticalInformationSequence = [injected(RadiopharmaceuticalStartTime="110000")]
    conversion = suv_factor(made)

    assert (conversion.decay_seconds, conversion.findings) == (0.0, ())


@pytest.mark.parametrize(("half_life_s", "refused"), [("360", False), ("359.9", True)])
def test_ten_half_lives_are_the_longest_uptake(half_life_s, refused):
    made = pet_slice(0.0)  # an hour after the injection
    made.RadiopharmaceuticalInformationSequence = [injected(RadionuclideHalfLife=half_life_s)]
    found = [reason.id for reason in suv_factor(made).refusals]

    assert found == (["scan_time"] if refused else [])


@pytest.mark.parametrize(("clock", "refused"), [("230000", False), ("225959", True)])
def test_twelve_hours_are_the_longest_uptake_of_a_short_lived_nuclide(clock, refused):
    made = pet_slice(0.0)  # at 11:00; the injection was the evening before
    made.RadiopharmaceuticalInformationSequence = [injected(RadiopharmaceuticalStartTime=clock)]
    found = [reason.id for reason in suv_factor(made).refusals]

    assert found == (["scan_time"] if refused else [])
