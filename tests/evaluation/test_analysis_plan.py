from importlib import resources

import pytest

from evaluation.analysis import PlanError, default_plan, load_plan

PLAN_TEXT = (resources.files("evaluation") / "plans" / "nct07243873.toml").read_text("utf-8")


def test_the_shipped_plan_names_the_registered_outcomes():
    plan = default_plan()
    assert plan.registration == "NCT07243873"
    assert plan.data_range_suv == 20.0
    assert [p.id for p in plan.primary][:4] == [
        "structural_similarity", "psnr", "ssim", "metabolic_consistency",
    ]  # fmt: skip
    assert [c.id for c in plan.target_condition] == [
        "malignancy", "nodal_metastasis", "distant_metastasis",
    ]  # fmt: skip


def test_the_digest_follows_the_content_not_the_spacing():
    same = load_plan(PLAN_TEXT.replace("seed = 20251201", "seed    =    20251201 # note"))
    other = load_plan(PLAN_TEXT.replace("malignancy = 2.5", "malignancy = 2.6"))
    assert same.digest == default_plan().digest
    assert other.digest != default_plan().digest


def test_the_shipped_plan_holds_the_analysis_that_was_proposed():
    plan = default_plan()
    assert plan.version == "2.0"
    assert [s.id for s in plan.analysis_set] == [
        "enrolled", "eligible", "image_paired", "reference_complete", "per_protocol",
        "all_generated",
    ]  # fmt: skip
    ordered = sorted(plan.multiplicity.hypothesis, key=lambda h: h.order)
    assert [h.id.partition(".")[0] for h in ordered] == ["P1", "P1", "P2", "S2", "S2", "S4"]
    assert all(h.proposal for h in ordered)
    covered = {name for e in plan.estimand for name in e.endpoints}
    assert covered == {p.id for p in plan.primary} | {c.id for c in plan.target_condition}
    assert not any(t.locked_on for t in plan.index_test)  # the day is a fact of the study
    assert plan.subgroup[1].labels == ("<65", "65+")


def test_a_plan_reads_from_a_file_too(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN_TEXT, encoding="utf-8")
    assert load_plan(path) == default_plan()
    with pytest.raises(PlanError, match="no plan file"):
        load_plan(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("schema = 2", "schema = 2\ncolour = 1", "unknown key 'colour'"),
        ("threshold_hu = -500.0", "threshold_hu = -500.0\nholes = 1", "unknown key 'holes'"),
        ("data_range_suv = 20.0\n", "", "'data_range_suv' is missing"),
        ("level = 0.95", 'level = "high"', "must be of type float"),
        ("level = 0.95", "level = true", "must be of type float"),
        ("level = 0.95", "level = 1.5", "level must lie"),
        ('[index_test.cutoff]\nmalignancy = 2.5\n', "[index_test.cutoff]\n", "no locked cut-off for 'malignancy'"),
        ("malignancy = 2.5", "malignancy = nan", "not a finite number"),
        ("distant_metastasis = 2.5", "distant_metastasis = 2.5\nflu = 1.0", "unknown target condition 'flu'"),
        ('requires = ["enrolled"]', 'requires = ["happy"]', "requires unknown 'happy'"),
        ('id = "psnr"', 'id = "ssim"', "appears twice"),
        ('against = "pet_suvpeak"', 'against = "nothing"', "unknown index test 'nothing'"),
        ("schema = 2", "schema = 3", "schema 3 is not known"),
        ("schema = 2", "schema = 1", "no longer run; take these parts from the packaged plan"),
        ("schema = 2\n", "", "'schema' is missing"),
        ('kind = "similarity"', 'kind = "beauty"', "kind 'beauty' is not known"),
        ("[image]", "[image", "not TOML"),
        ('arm = "pet"', 'arm = "pet"\nlocked_on = "soon"', "must be of type date"),
        ('arm = "pet"', 'arm = "pet"\nlocked_on = 2025-12-01T10:00:00', "must be of type date"),
        ('endpoints = ["distant_metastasis"]', "endpoints = []", "endpoint 'distant_metastasis' has no estimand"),
        ('endpoints = ["malignancy"]', 'endpoints = ["beauty"]', "unknown endpoint 'beauty'"),
        ('strategy = "hypothetical"', 'strategy = "hope"', "unknown strategy 'hope'"),
        ('pooling = "site_stratified"', 'pooling = "best"', "pooling 'best' is not known"),
        ('indeterminate = "positive"', 'indeterminate = "maybe"', "indeterminate 'maybe' is not known"),
        ("fixed_specificity = 0.90", "fixed_specificity = 1.0", "must lie strictly between 0 and 1"),
        ('name = "stage"', 'name = "age_years"', "is a fixed column already"),
        ('kind = "flag"', 'kind = "feeling"', "kind 'feeling' is not known"),
        ('column = "stage"\nlevel', 'column = "mood"\nlevel', "no participant_column 'mood' is declared"),
        ('level = ["F", "M"]', "cut = [1.0]", "a number is cut, a category has levels"),
        ("cut = [24.0, 28.0]", "cut = [28.0, 24.0]", "cuts must rise"),
        ('id = "sex"', 'id = "site"', "the name is taken"),
        ('excludes = ["treated_between"]', 'excludes = ["stage"]', "requires unknown 'stage'"),
        ('unknown = "left_out"', 'unknown = "guessed"', "unknown must be 'kept' or 'left_out'"),
        ("at_most = 28.0", "", "has no bound"),
        ("imputations = 50", "imputations = 5", "at least 50 imputations are needed"),
        ('kind = "worst_case"', 'kind = "best_guess"', "unknown kind 'best_guess'"),
        ('predictors = ["age_years", "sex", "stage"]', 'predictors = ["mood"]', "no participant_column 'mood'"),
        ("deltas = [-3.0,", "deltas = [9.0,", "deltas must be given and rise"),
        ("null_lower = -30.0", "null_lower = 40.0", "needs null_lower below null_upper"),
        ('analysis = "multiple_imputation"', 'analysis = "dream"', "unknown analysis 'dream'"),
        ('direction = "within"', 'direction = "around"', "unknown direction 'around'"),
        ('statistic = "loa_percent"', 'statistic = "beauty"', "'beauty' cannot be tested"),
        ("non_inferiority_margin = 0.05", "non_inferiority_margin = 1.5", "margin must lie between 0 and 1"),
        ("edges = [0.0, 1.0,", "edges = [5.0, 1.0,", "at least two rising edges"),
        ("reclassification_cutoffs = [0.2", "reclassification_cutoffs = [1.2", "strictly between 0 and 1"),
        ("margin_percent = 10.0", "margin_percent = 0.0", "the margin must be greater than 0"),
    ],
)  # fmt: skip
def test_a_wrong_plan_is_refused_with_the_place(old, new, sentence):
    assert old in PLAN_TEXT
    with pytest.raises(PlanError, match=sentence):
        load_plan(PLAN_TEXT.replace(old, new, 1))
