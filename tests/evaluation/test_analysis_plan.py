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
    ],
)  # fmt: skip
def test_a_wrong_plan_is_refused_with_the_place(old, new, sentence):
    assert old in PLAN_TEXT
    with pytest.raises(PlanError, match=sentence):
        load_plan(PLAN_TEXT.replace(old, new, 1))
