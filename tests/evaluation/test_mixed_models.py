"""statsmodels stands in for lme4: the package itself needs no mixed model, and says where it would."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from evaluation.agreement import icc
from tests.evaluation.reference_cases import reference_csv, reference_json


def _sleepstudy():
    rows = pd.DataFrame(reference_csv("mixed_sleepstudy.csv"))
    return rows.astype({"Reaction": float, "Days": float})


@pytest.mark.real_data
@pytest.mark.parametrize(("model", "random"), [("slope_model", "~Days"), ("intercept_model", "1")])
def test_statsmodels_equals_lme4_on_sleepstudy(model, random):
    expected = reference_json("mixed_sleepstudy_expected.json")[model]
    fit = MixedLM.from_formula(
        "Reaction ~ Days", groups="Subject", re_formula=random, data=_sleepstudy()
    ).fit(reml=True)
    for name, ours in (("(Intercept)", "Intercept"), ("Days", "Days")):
        assert fit.params[ours] == pytest.approx(expected["fixef"][name], rel=1e-8)
        assert fit.bse[ours] == pytest.approx(expected["se"][name], rel=1e-3)
    assert -2 * fit.llf == pytest.approx(expected["REMLcrit"], rel=1e-6)
    found = [*np.diag(fit.cov_re), fit.scale]
    assert found == pytest.approx(
        [part["vcov"] for part in expected["vc"] if part["var2"] is None], rel=2e-3
    )


@pytest.mark.real_data
def test_mean_squares_of_a_balanced_table_give_the_random_intercept_of_lme4():
    # Days are equally spaced, so taking out the common line leaves a table of 18 by 10 whose one-way
    # mean squares estimate the same components; the line costs one degree of freedom within.
    expected = {part["grp"]: part["vcov"] for part in reference_json("mixed_sleepstudy_expected.json")["intercept_model"]["vc"]}  # fmt: skip
    rows = _sleepstudy()
    slope = reference_json("mixed_sleepstudy_expected.json")["intercept_model"]["fixef"]["Days"]
    rows["rest"] = rows["Reaction"] - slope * rows["Days"]
    table = rows.pivot_table(index="Subject", columns="Days", values="rest").to_numpy()
    between = table.mean(axis=1).var(ddof=1)
    within = ((table - table.mean(axis=1, keepdims=True)) ** 2).sum() / (18 * 9 - 1)
    assert within == pytest.approx(expected["Residual"], rel=1e-8)
    assert between - within / 10 == pytest.approx(expected["Subject"], rel=1e-8)
    one_way = icc(table)["ICC1"]
    assert one_way.f == pytest.approx(10 * between / (within * 161 / 162), rel=1e-10)
