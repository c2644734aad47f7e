"""What a header cannot give is refused with its tag; what is odd is a finding."""

import pytest

from evaluation.imaging import SuvRefused, sul_factor, suv_factor
from tests.evaluation.imaging_series import injected
from tests.evaluation.suv_headers import ONE_HOUR, header, ids


@pytest.mark.parametrize(
    ("radiopharmaceutical", "changes", "fault", "tag"),
    [
        ({}, {"PatientWeight": None}, "weight", "(0010,1030)"),
        ({}, {"PatientWeight": "0"}, "weight", "(0010,1030)"),
        ({"RadionuclideTotalDose": None}, {}, "dose", "(0018,1074)"),
        ({"RadionuclideTotalDose": "0"}, {}, "dose", "(0018,1074)"),
        ({"RadionuclideHalfLife": None}, {}, "half_life", "(0018,1075)"),
        ({"RadiopharmaceuticalStartTime": None}, {}, "injection_time", "(0018,1078)"),
        ({"RadiopharmaceuticalStartTime": "130000"}, {}, "scan_time", "(0018,1072)"),
        ({}, {"SeriesTime": None, "AcquisitionTime": None}, "scan_time", "(0008,0031)"),
        ({"RadiopharmaceuticalStartTime": "noon"}, {}, "injection_time", "(0018,1078)"),
        ({"RadiopharmaceuticalStartTime": "256100"}, {}, "injection_time", "(0018,1078)"),
        ({}, {"SeriesDate": "20251301", "AcquisitionDate": None}, "injection_time", "(0008,0021)"),
        ({"RadionuclideHalfLife": "282240"}, {}, "injection_time", "(0018,1078)"),
        ({}, {"Units": "CM2ML", "SUVType": "BW"}, "suv_type", "(0054,1006)"),
        ({}, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.130"}, "multiframe", "(0008,0016)"),
        ({}, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.128.1"}, "multiframe", "(0008,0016)"),
        ({}, {"Units": "1CM"}, "units", "(0054,1001)"),
        ({}, {"Units": "CPS"}, "units", "(0054,1001)"),
        ({}, {"DecayCorrection": "NONE", "AcquisitionTime": "090000"}, "scan_time", "(0018,1072)"),
        ({"RadionuclideHalfLife": "109.77"}, {}, "scan_time", "(0018,1072)"),
        (
            {
                "RadionuclideHalfLife": "282240",
                "RadiopharmaceuticalStartDateTime": "20200110100000",
            },
            {},
            "scan_time",
            "(0018,1078)",
        ),
        ({}, {"DecayCorrection": None}, "decay_correction", "(0054,1102)"),
        ({}, {"DecayCorrection": "SOMEHOW"}, "decay_correction", "(0054,1102)"),
        ({}, {"CorrectedImage": ["DECY"]}, "attenuation", "(0028,0051)"),
        ({}, {"CorrectedImage": ["ATTN"]}, "decay", "(0028,0051)"),
        ({}, {"RescaleIntercept": "5"}, "intercept", "(0028,1052)"),
        ({}, {"Units": None}, "units", "(0054,1001)"),
        ({}, {"Units": "PROPCNTS"}, "units", "(0054,1001)"),
        ({}, {"Units": "CNTS"}, "philips_factor", "(7053,1000)"),
        ({}, {"Units": "GML", "SUVType": "BSA"}, "suv_type", "(0054,1006)"),
        (
            {},
            {"DecayCorrection": "NONE", "ActualFrameDuration": None},
            "frame_time",
            "(0018,1242)",
        ),
    ],
)
def test_what_cannot_be_computed_is_refused_with_its_tag(radiopharmaceutical, changes, fault, tag):
    conversion = suv_factor(header(radiopharmaceutical, **changes))

    assert (fault, tag) in [(reason.id, reason.tag) for reason in conversion.refusals]
    assert conversion.factor is None
    assert conversion.slice_factors == ()


@pytest.mark.parametrize("missing", ["PatientSize", "PatientSex"])
def test_lean_mass_needs_height_and_sex_and_body_weight_does_not(missing):
    made = header(**{missing: None})

    assert suv_factor(made).factor == pytest.approx(ONE_HOUR)
    assert suv_factor(made, kind="lbm_james").factor is None


def test_two_radiopharmaceuticals_are_refused():
    made = header()
    made.RadiopharmaceuticalInformationSequence = [injected(), injected()]
    assert ids(suv_factor(made).refusals) == ["dose"]


def test_a_lean_mass_below_zero_is_refused_rather_than_used():
    conversion = suv_factor(header(PatientSize="0.35"), kind="ibw")

    assert [(r.id, r.tag) for r in conversion.refusals] == [("mass", "(0010,1020)")]
    assert (conversion.factor, conversion.slice_factors) == (None, ())


def test_a_weight_beyond_the_top_of_james_formula_is_a_finding():
    heavy = header(PatientWeight="140")

    assert ids(suv_factor(heavy, kind="lbm_james").findings) == ["beyond_james"]
    assert suv_factor(heavy, kind="lbm_janmahasatian").findings == ()
    assert suv_factor(header(PatientWeight="130"), kind="lbm_james").findings == ()


def test_a_kind_that_does_not_exist_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="lbm_janmahasatian"):
        suv_factor(header(), kind="lbm")


def test_the_factor_of_sul_is_lean_mass_over_weight():
    lean_kg = 9270 * 70 / (6680 + 216 * 70 / 1.75**2)

    assert sul_factor(header()) == pytest.approx(lean_kg / 70)
    with pytest.raises(SuvRefused, match="height"):
        sul_factor(header(PatientSize=None))


@pytest.mark.parametrize(
    ("keyword", "value", "tag"),
    [
        ("PatientWeight", "71", "(0010,1030)"),
        ("SeriesTime", "113000", "(0008,0031)"),
        ("DecayCorrection", "ADMIN", "(0054,1102)"),
        ("Units", "GML", "(0054,1001)"),
    ],
)
def test_slices_that_disagree_about_the_one_scan_are_refused(keyword, value, tag):
    conversion = suv_factor([header(), header(**{keyword: value})])
    assert ("slices_disagree", tag) in [(r.id, r.tag) for r in conversion.refusals]


def test_slices_that_disagree_about_the_one_dose_are_refused():
    conversion = suv_factor([header(), header({"RadionuclideTotalDose": "1e8"})])
    assert [r.tag for r in conversion.refusals] == ["(0018,1074)"]


def test_one_slice_that_was_not_corrected_for_attenuation_is_enough_to_refuse():
    conversion = suv_factor([header(), header(CorrectedImage=["DECY"])])
    assert ids(conversion.refusals) == ["attenuation"]


def test_no_header_at_all_is_an_error_of_the_caller():
    with pytest.raises(ValueError, match="no header"):
        suv_factor([])


@pytest.mark.parametrize(("sex", "top_kg"), [("M", 1.10 / 256), ("F", 1.07 / 296)])
def test_the_top_of_james_formula_is_that_of_the_sex(sex, top_kg):
    for weight, found in ((top_kg * 175**2 - 0.1, []), (top_kg * 175**2 + 0.1, ["beyond_james"])):
        made = header(PatientWeight=f"{weight:.3f}", PatientSex=sex)
        assert ids(suv_factor(made, kind="lbm_james").findings) == found


def test_stored_values_of_an_impossible_mass_are_refused():
    made = header(Units="GML", SUVType="IBW", PatientSize="0.35")
    assert ids(suv_factor(made).refusals) == ["mass"]
