import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluation.imaging import SuvRefused, read_series, suv_factor
from tests.evaluation.imaging_series import ct_series, pet_slice, write_series
from tests.evaluation.suv_headers import HALF_LIFE_S, ONE_HOUR, header, ids


def test_activity_is_divided_by_the_dose_left_at_series_time():
    conversion = suv_factor(header())

    assert conversion.factor == pytest.approx(ONE_HOUR, rel=1e-12)
    assert conversion.decay_seconds == 3600
    assert (conversion.weight_kg, conversion.dose_bq) == (70.0, 350e6)
    assert conversion.injection_time == "2025-01-10T10:00:00"
    assert conversion.findings == ()


def test_dose_corrected_to_administration_is_not_decayed_again():
    assert suv_factor(header(DecayCorrection="ADMIN")).factor == pytest.approx(70_000 / 350e6)


def test_without_decay_correction_each_slice_has_its_own_factor():
    late = header(DecayCorrection="NONE", AcquisitionTime="113000", CorrectedImage=["ATTN"])
    early = header(DecayCorrection="NONE", CorrectedImage=["ATTN"])
    decay = math.log(2) / HALF_LIFE_S
    middle = math.log(decay * 180 / (1 - math.exp(-decay * 180))) / decay

    conversion = suv_factor([early, late])

    assert conversion.factor is None
    assert conversion.decay_seconds == pytest.approx(3600 + middle)  # of the earliest slice
    assert conversion.slice_factors[0] == pytest.approx(
        200e-6 * 2 ** ((3600 + middle) / HALF_LIFE_S)
    )
    ratio = conversion.slice_factors[1] / conversion.slice_factors[0]
    assert ratio == pytest.approx(2 ** (1800 / HALF_LIFE_S))


def test_the_scan_start_of_ge_wins():
    made = header()
    block = made.private_block(0x0009, "GEMS_PETD_01", create=True)
    block.add_new(0x0D, "DT", "20250110103000.00")

    conversion = suv_factor(made)

    assert conversion.decay_seconds == 1800
    assert ids(conversion.findings) == ["suv_rules_disagree"]
    assert conversion.alternatives["series_time"] == pytest.approx(ONE_HOUR)


def test_a_private_element_is_found_in_whichever_block_its_creator_has():
    made = header()
    made.private_block(0x0009, "GEMS_IDEN_01", create=True).add_new(0x0D, "LO", "20250110090000")
    made.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20250110103000")

    assert suv_factor(made).decay_seconds == 1800


def test_the_customary_place_is_trusted_only_when_nobody_else_claims_it():
    claimed, bare = header(), header()
    claimed.private_block(0x0009, "OTHER", create=True).add_new(0x0D, "LO", "20250110103000")
    bare.add_new((0x0009, 0x100D), "UN", b"20250110103000.00 ")

    assert suv_factor(claimed).decay_seconds == 3600
    assert suv_factor(bare).decay_seconds == 1800


def test_a_series_time_after_the_first_acquisition_is_not_used():
    made = header(SeriesTime="114500", FrameReferenceTime="0")

    conversion = suv_factor(made)

    assert conversion.decay_seconds == 3600
    assert conversion.disagreement == pytest.approx(2 ** (2700 / HALF_LIFE_S) - 1)


def test_frame_reference_time_leads_back_to_the_start_of_the_scan():
    made = header(SeriesTime="114500", FrameReferenceTime="690000")
    conversion = suv_factor(made)

    assert conversion.rule.endswith("frame_reference_time)")
    assert conversion.decay_seconds == pytest.approx(3600 + 90 - 690, abs=0.5)


def test_a_series_time_equal_to_the_first_acquisition_is_used():
    conversion = suv_factor(header(FrameReferenceTime="690000"))
    assert conversion.rule.endswith("series_time)")
    assert conversion.decay_seconds == 3600


@pytest.mark.parametrize(("stated", "bq"), [("99999", 99999e6), ("100000", 100000)])
def test_a_dose_below_a_hundred_thousand_is_in_megabecquerel(stated, bq):
    assert suv_factor(header({"RadionuclideTotalDose": stated})).dose_bq == bq


def test_the_earliest_acquisition_of_all_slices_counts():
    slices = [header(SeriesTime="120000", AcquisitionTime=t) for t in ("110500", "110000")]
    assert suv_factor(slices).decay_seconds == 3600


def test_values_in_grams_per_millilitre_are_suv_whatever_else_the_header_says():
    trap = header(Units="GML", SUVType="BW", PatientWeight="140")
    assert suv_factor(trap).factor == 1.0
    assert suv_factor(header(Units="GML", PatientWeight=None)).factor == 1.0


@pytest.mark.parametrize(
    ("sex", "kind", "mass_kg"),
    [
        ("M", "lbm_james", 1.10 * 70 - 128 * (70 / 175) ** 2),
        ("F", "lbm_james", 1.07 * 70 - 148 * (70 / 175) ** 2),
        ("M", "lbm_dicom", 1.10 * 70 - 120 * (70 / 175) ** 2),
        ("M", "lbm_janmahasatian", 9270 * 70 / (6680 + 216 * 70 / 1.75**2)),
        ("F", "lbm_janmahasatian", 9270 * 70 / (8780 + 244 * 70 / 1.75**2)),
        ("M", "ibw", 48.0 + 1.06 * 23),
        ("F", "ibw", 45.5 + 0.91 * 23),
    ],
)
def test_other_masses_replace_the_weight(sex, kind, mass_kg):
    conversion = suv_factor(header(PatientSex=sex), kind=kind)
    assert conversion.factor == pytest.approx(ONE_HOUR * mass_kg / 70)


def test_body_surface_is_in_square_centimetres():
    surface_cm2 = 0.007184 * 70**0.425 * 175**0.725 * 1e4
    assert suv_factor(header(), kind="bsa").factor == pytest.approx(ONE_HOUR / 70_000 * surface_cm2)


def test_another_sex_takes_the_mean_of_both_formulae_and_says_so():
    both = [suv_factor(header(PatientSex=s), kind="lbm_james").factor for s in "MF"]
    conversion = suv_factor(header(PatientSex="O"), kind="lbm_james")

    assert conversion.factor == pytest.approx(sum(both) / 2)
    assert ids(conversion.findings) == ["sex_other"]


@pytest.mark.parametrize(
    ("suv_type", "kind"),
    [
        ("BW", "bw"),
        ("LBM", "lbm_dicom"),
        ("LBMJAMES128", "lbm_james"),
        ("LBMJANMA", "lbm_janmahasatian"),
        ("IBW", "ibw"),
    ],
)
def test_stored_suv_types_convert_to_body_weight(suv_type, kind):
    stored = header(Units="GML", SUVType=suv_type)
    per_kind = suv_factor(header(), kind=kind).factor / suv_factor(header()).factor

    assert suv_factor(stored, kind=kind).factor == 1.0
    assert suv_factor(stored).factor == pytest.approx(1 / per_kind)


def test_surface_units_convert_to_body_weight():
    surface_cm2 = 0.007184 * 70**0.425 * 175**0.725 * 1e4
    assert suv_factor(header(Units="CM2ML")).factor == pytest.approx(70_000 / surface_cm2)


def philips(**factors):
    made = header(Units="CNTS")
    block = made.private_block(0x7053, "Philips PET Private Group", create=True)
    for element, value in factors.items():
        block.add_new(int(element[1:], 16), "DS", value)
    return made


def test_philips_counts_use_the_suv_factor_first_and_the_activity_factor_else():
    both = suv_factor(philips(x00="0.0007", x09="2.0"))
    activity = suv_factor(philips(x09="2.0"))

    assert both.factor == 0.0007
    assert both.alternatives["philips_activity"] == pytest.approx(2 * ONE_HOUR)
    assert "suv_rules_disagree" in ids(both.findings)
    assert activity.factor == pytest.approx(2 * ONE_HOUR)


def test_an_activity_factor_that_a_slice_lacks_is_no_reading():
    whole, part = philips(x00="0.0007", x09="2.0"), philips(x00="0.0008")
    conversion = suv_factor([whole, part])

    assert conversion.slice_factors == (0.0007, 0.0008)
    assert conversion.alternatives == {}


def test_philips_factors_are_ignored_for_activity():
    made = philips(x00="0.0007", x09="2.0")
    made.Units = "BQML"
    assert suv_factor(made).factor == pytest.approx(ONE_HOUR)


def test_a_dose_in_megabecquerel_and_a_weight_in_grams_are_understood_and_noted():
    conversion = suv_factor(header({"RadionuclideTotalDose": "350"}, PatientWeight="70000"))

    assert conversion.factor == pytest.approx(ONE_HOUR)
    assert set(ids(conversion.findings)) == {"dose_in_mbq", "weight_in_grams"}


def test_an_injection_before_midnight_belongs_to_the_day_before():
    made = header(
        {"RadiopharmaceuticalStartTime": "233000"}, SeriesTime="003000", AcquisitionTime="003000"
    )
    conversion = suv_factor(made)

    assert conversion.decay_seconds == 3600
    assert ids(conversion.findings) == ["previous_day"]


@pytest.mark.parametrize("date", ["20200101", "20290101"])
def test_a_date_shifted_by_deidentification_leaves_the_clock_in_use(date):
    conversion = suv_factor(header({"RadiopharmaceuticalStartDateTime": f"{date}100000"}))

    assert conversion.factor == pytest.approx(ONE_HOUR)
    assert ids(conversion.findings) == ["clock_only"]


@pytest.mark.parametrize("date", ["20200101", "20290101"])
def test_an_acquisition_date_shifted_alone_does_not_change_the_rule(date):
    conversion = suv_factor(header(AcquisitionDate=date, AcquisitionTime="110500"))

    assert conversion.rule.endswith("series_time)")
    assert conversion.factor == pytest.approx(ONE_HOUR)


def test_a_long_lived_nuclide_may_be_given_days_before():
    zirconium = {
        "RadiopharmaceuticalStartDateTime": "20250107110000",
        "RadionuclideHalfLife": "282240",
    }
    assert suv_factor(header(zirconium)).decay_seconds == 3 * 86400


@given(st.floats(30, 200), st.floats(1e7, 1e9), st.integers(0, 6 * 3600))
def test_suv_is_linear_in_weight_and_inverse_in_dose(weight, dose, uptake_s):
    stamp = f"{10 + uptake_s // 3600:02d}{uptake_s % 3600 // 60:02d}{uptake_s % 60:02d}"
    made = header(
        {"RadionuclideTotalDose": f"{dose:.0f}"},
        PatientWeight=f"{weight:.3f}",
        SeriesTime=stamp,
        AcquisitionTime=stamp,
    )
    expected = float(f"{weight:.3f}") * 1000 / float(f"{dose:.0f}") * 2 ** (uptake_s / HALF_LIFE_S)
    assert suv_factor(made).factor == pytest.approx(expected, rel=1e-9)


def test_a_synthetic_image_in_suv_needs_no_corrections(tmp_path):
    slices = [pet_slice(3.0 * k, slope=0.001) for k in range(2)]
    for slice_ in slices:
        slice_.Units, slice_.SUVType, slice_.SyntheticData = "GML", "BW", "YES"
        slice_.CorrectedImage, slice_.DecayCorrection = None, "NONE"
        del slice_.RadiopharmaceuticalInformationSequence

    volume = read_series(write_series(tmp_path, slices), allow_synthetic=True).suv_volume()

    assert volume.unit == "SUVbw"
    assert np.allclose(volume.array, 5.0)


def test_the_volume_of_a_series_is_in_the_unit_asked_for(tmp_path):
    series = read_series(write_series(tmp_path, [pet_slice(0.0), pet_slice(3.0, slope=0.5)]))

    assert np.allclose(series.suv_volume().array[:, 0, 0], [5000 * ONE_HOUR, 2500 * ONE_HOUR])
    assert series.suv_volume("lbm_james").unit == "SUVlbm"
    assert series.stored_volume().unit == "Bq/ml"


def test_a_ct_has_no_uptake(tmp_path):
    with pytest.raises(SuvRefused, match="Only PET"):
        read_series(ct_series(tmp_path)).suv_volume()


def test_a_refused_conversion_raises_all_its_reasons(tmp_path):
    spoiled = pet_slice(0.0)
    spoiled.PatientWeight = spoiled.Units = None
    with pytest.raises(SuvRefused) as refused:
        read_series(write_series(tmp_path, [spoiled])).suv_volume()
    assert {"units", "weight"} <= {reason.id for reason in refused.value.reasons}
