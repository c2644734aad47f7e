"""Classifiers: the JSON gives what scikit-learn gave, and nobody judges whom it was trained on."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evaluation.analysis import Tables, empty_table
from evaluation.classifiers import (
    FEATURE_SETS,
    Judged,
    LeakError,
    TrainingError,
    digest_of,
    from_json,
    scores_of,
    to_json,
    train,
)
from evaluation.classifiers.features import feature_table, matrix_of

CODES = [f"P{k:03d}" for k in range(60)]
SITES = {code: ("SPH", "SEH")[k % 2] for k, code in enumerate(CODES)}


@pytest.fixture(scope="module")
def tables():
    """Sixty participants with one lesion each; CT says a little, synthetic PET says more."""
    rng = np.random.default_rng(3)
    truth = rng.random(len(CODES)) < 0.5
    rows = []
    for code, sick in zip(CODES, truth, strict=True):
        for feature in FEATURE_SETS["ct_spet"]:
            shift = 1.2 if feature.image == "synthetic" else 0.5
            rows.append((code, SITES[code], "r", "lesion:1", feature.image, feature.quantity,
                         rng.normal() + shift * sick, "", "", ""))  # fmt: skip
    measurements = pd.DataFrame(rows, columns=["participant", "site", "release", "region", "image",
                                               "quantity", "value", "unit", "method", "flags"])  # fmt: skip
    reference = pd.DataFrame(
        {"participant": CODES, "site": list(SITES.values()), "target_condition": "malignancy",
         "unit": "lesion", "unit_id": "1",
         "status": np.where(truth, "positive", "negative"), "source": "histology"}
    )  # fmt: skip
    return Tables(empty_table("participants"), measurements, reference,
                  empty_table("index_scores"), empty_table("sites"))  # fmt: skip


def developed(tables, *, people=CODES[:40], features="ct_spet", kind="logistic"):
    judged = Judged("malignancy", "lesion", "lesion:")
    return train(
        tables.measurements, tables.reference_standard, judged,
        features=features, participants=people, kind=kind,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["logistic", "forest"])
def test_the_locked_classifier_gives_what_the_library_gave(tables, kind):
    wanted = FEATURE_SETS["ct_spet"]
    rows = tables.reference_standard.iloc[:40].merge(
        feature_table(tables.measurements, wanted, region="lesion:"), on=["participant", "unit_id"]
    )
    x, y = matrix_of(rows, wanted), (rows["status"] == "positive").to_numpy(dtype=int)
    blank = (
        make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
        if kind == "logistic"
        else RandomForestClassifier(n_estimators=200, max_depth=4, random_state=0)
    )
    classifier = from_json(to_json(developed(tables, kind=kind).classifier))
    theirs = blank.fit(x, y).predict_proba(x)[:, 1]
    np.testing.assert_allclose(classifier.probability(x), theirs, atol=1e-10)


def test_what_the_file_says_is_its_digest_and_only_its_numbers(tables):
    text = to_json(developed(tables).classifier)
    assert to_json(from_json(text)) == text
    assert digest_of(text) != digest_of(text.replace('"intercept":', '"intercept": '))
    assert json.loads(text)["development"] == CODES[:40]


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 9}, {"kind": "network"}, {"weights": [1.0]}, {"development": []},
        {"scales": [0.0] * 8}, {"unknown": 1},
        {"kind": "forest", "trees": []},
        {"kind": "forest", "trees": [{"feature": [0], "threshold": [0], "left": [0], "right": [0],
                                      "probability": [1]}]},
    ],
    ids=lambda change: next(iter(change)) + str(len(str(change))),
)  # fmt: skip
def test_a_file_whose_parts_do_not_fit_is_refused(tables, change):
    stated = json.loads(to_json(developed(tables).classifier)) | change
    with pytest.raises(ValueError, match="this is no classifier"):
        from_json(json.dumps(stated))


def test_it_judges_the_others_and_refuses_whom_it_was_trained_on(tables):
    classifier = developed(tables).classifier
    with pytest.raises(LeakError, match="40 participants, among them P000"):
        scores_of(classifier, tables, test="model", arm="ct_spet")
    others = Tables(**{**vars(tables), "reference_standard": tables.reference_standard.iloc[40:]})
    scores = scores_of(classifier, others, test="model", arm="ct_spet")
    assert set(scores["participant"]) == set(CODES[40:])
    assert scores["score"].between(0, 1).all()


def test_rows_of_other_participants_change_nothing(tables):
    own = developed(tables)
    poisoned = tables.measurements.copy()
    poisoned.loc[~poisoned["participant"].isin(CODES[:40]), "value"] = 1e6
    changed = Tables(**{**vars(tables), "measurements": poisoned})
    assert to_json(developed(changed).classifier) == to_json(own.classifier)
    assert developed(changed).by_participant == own.by_participant


def test_cross_validation_is_by_participant_and_by_site(tables):
    found = developed(tables)
    assert 0.5 < found.by_participant.value < 1
    assert found.by_site is not None
    assert found.participants == found.by_participant.n == 40
    one_site = [code for code in CODES if SITES[code] == "SPH"]
    assert developed(tables, people=one_site).by_site is None


def test_a_site_is_judged_by_what_the_other_one_taught(tables):
    turned = tables.measurements.copy()
    turned.loc[
        turned["site"] == "SEH", "value"
    ] *= -1  # what is high at one site is low at the other
    found = developed(Tables(**{**vars(tables), "measurements": turned}))
    assert found.by_site.value < 0.3


def test_labels_without_meaning_give_no_area(tables):
    rng = np.random.default_rng(0)
    shuffled = tables.reference_standard.assign(
        status=rng.permutation(tables.reference_standard["status"])
    )
    found = developed(Tables(**{**vars(tables), "reference_standard": shuffled}), people=CODES)
    assert found.by_participant.lower < 0.5 < found.by_participant.upper + 0.1


def test_a_unit_without_a_feature_has_no_score(tables):
    kept = tables.measurements[
        ~((tables.measurements["participant"] == "P050") & (tables.measurements["image"] == "ct"))
    ]
    others = Tables(**{**vars(tables), "measurements": kept,
                       "reference_standard": tables.reference_standard.iloc[40:]})  # fmt: skip
    scores = scores_of(developed(tables).classifier, others, test="m", arm="a")
    assert scores.loc[scores["participant"] == "P050", "score"].isna().all()
    assert scores["score"].notna().sum() == 19


@pytest.mark.parametrize(("people", "features"), [(CODES[:12], "ct"), (CODES, "mri")])
def test_what_cannot_be_trained_is_refused(tables, people, features):
    with pytest.raises(TrainingError):
        developed(tables, people=people, features=features)
