from dataclasses import replace

import pytest

from evaluation.report.wording import say
from tests.evaluation.report_case import (
    blocks_of,
    page_of,
    simulated_result,
    tables_of,
    texts_of,
    written_report,
)

_ALWAYS = (
    "estimands", "analysis_sets", "index_tests", "comparisons_planned", "plan_choices", "flow",
    "exclusions", "baseline", "baseline_by_condition", "similarity", "similarity_by_site",
    "agreement", "agreement_raw", "accuracy:malignancy:lesion", "accuracy:nodal_metastasis:station",
    "accuracy_further", "accuracy_by_reader", "accuracy_by_site", "differences", "subgroups",
    "heterogeneity", "leave_one_out", "sites", "reference_standard", "stard_flow",
    "cross_tabulation", "cross_tabulation_by_site", "not_estimable", "multiplicity", "calibration",
    "net_benefit", "added_value", "mrmc", "verification", "verification_by_result", "precision",
    "missingness", "sensitivity", "sensitivity_similarity", "sensitivity_agreement",
    "sensitivity_planned", "tipping_point", "subgroup_concordance", "checklist_stard",
    "checklist_stard_ai", "checklist_tripod_ai", "checklist_claim",
)  # fmt: skip


def _without(wanted):
    result = simulated_result()
    return replace(result, rows=tuple(r for r in result.rows if not wanted(r)))


def test_every_part_of_the_study_has_its_table():
    assert set(_ALWAYS) <= set(tables_of(written_report()[0]))


def test_every_table_and_figure_has_an_id_of_its_own():
    out, _ = written_report()
    page = page_of(out)
    assert "" not in tables_of(out)
    assert 'id=""' not in page
    ids = [part.partition('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("wanted", "gone", "sentence"),
    [
        (lambda r: r.family == "primary", "agreement", "absent.agreement"),
        (lambda r: r.family == "primary", "similarity", "absent.similarity"),
        (lambda r: r.statistic.endswith("_difference"), "differences", "absent.differences"),
        (lambda r: "sites_pooled" in r.statistic, "heterogeneity", "absent.heterogeneity"),
        (lambda r: r.subgroup.startswith(("sex", "age")), "subgroups", "absent.subgroups"),
        (lambda r: r.family == "secondary", "cross_tabulation", "absent.cross_tabulation"),
        (lambda r: r.family == "secondary", "reference_standard", "absent.reference_standard"),
        (lambda r: r.endpoint == "multiplicity", "multiplicity", "absent.multiplicity"),
        (lambda r: r.endpoint == "calibration", "calibration", "absent.calibration"),
        (lambda r: r.endpoint == "added_value", "added_value", "absent.added_value"),
        (lambda r: r.endpoint == "verification", "verification", "absent.verification"),
        (lambda r: r.endpoint == "mrmc", "mrmc", "absent.mrmc"),
        (lambda r: r.endpoint == "precision", "precision", "absent.precision"),
        (lambda r: r.endpoint == "missingness", "missingness", "absent.missingness"),
        (lambda r: r.analysis != "main", "sensitivity", "absent.sensitivity"),
        (lambda r: r.endpoint == "uptake_trend", "uptake_trend", "absent.uptake_trend"),
        (lambda r: r.endpoint == "negative_controls", "negative_controls",
         "absent.negative_controls"),
        (lambda r: r.endpoint == "subgroup_concordance", "subgroup_concordance",
         "absent.subgroup_concordance"),
    ],
)  # fmt: skip
def test_what_has_no_rows_is_replaced_by_a_sentence(wanted, gone, sentence):
    blocks = blocks_of(_without(wanted))
    assert gone not in blocks
    assert say(sentence) in blocks.values()


def test_rows_without_their_plan_are_printed_without_its_tables():
    blocks = blocks_of(replace(simulated_result(), plan=None))
    assert "estimands" not in blocks
    assert "similarity" in blocks
    assert say("absent.plan") in blocks.values()


def test_each_estimand_prints_its_five_attributes_and_its_intercurrent_events():
    plan, (out, _) = simulated_result().plan, written_report()
    table = tables_of(out)["estimands"]
    assert len(table["groups"]) == len(plan.estimand)
    assert len(table["rows"]) == 5 * len(plan.estimand)
    text = str(table["rows"])
    for estimand in plan.estimand:
        assert estimand.summary in text
        for event in estimand.intercurrent_event:
            assert f"{event.event}: {event.handling} ({event.strategy})" in text


def test_index_tests_are_printed_with_their_cut_offs():
    rows = texts_of(tables_of(written_report()[0])["index_tests"])
    for test, row in zip(simulated_result().plan.index_test, rows, strict=True):
        assert row[-1] == "no date in the plan"
        assert row[3].count("≥") == len(test.cutoff)


def test_the_cross_tabulation_of_a_site_holds_the_counts_of_its_rows():
    table = tables_of(written_report()[0])["cross_tabulation_by_site"]
    first = table["rows"][0]
    row = next(
        r for r in simulated_result().rows
        if r.statistic == "tp" and r.test == "spet_suvpeak" and r.unit == "lesion"
        and r.subgroup == f"site:{first[0]['text']}"
    )  # fmt: skip
    assert first[1] == {"text": f"{row.value:.0f}", "row": row.order, "value": row.value,
                        "lower": None, "upper": None, "n": row.n}  # fmt: skip


def test_a_subgroup_prints_levels_events_and_one_interaction():
    table = tables_of(written_report()[0])["subgroups"]
    at = {group["title"]: group["before_row"] for group in table["groups"]}
    start = next(at[title] for title in at if title.startswith("Sensitivity"))
    women = next(row for row in texts_of(table)[start:] if row[0] == "Sex: F")
    events = next(
        r for r in simulated_result().rows
        if r.statistic == "tp" and r.subgroup == "sex:F" and r.test == "spet_suvpeak"
        and r.unit == "lesion"
    )  # fmt: skip
    assert women[2] == f"{events.value:.0f}"
    assert sum(1 for row in texts_of(table) if row[0] == "Sex: M" and row[4]) == 0


def test_false_negatives_are_listed_by_site_and_stand_whole_in_a_file():
    out, _ = written_report()
    table = tables_of(out)["false_negatives"]
    listed = sum(int(row[1]) for row in texts_of(table))
    lines = (out / "plot_data" / "false_negatives.csv").read_text(encoding="utf-8").splitlines()
    counted = sum(
        r.value for r in simulated_result().rows
        if r.statistic == "fn" and r.subgroup == "all" and r.analysis == "main"
        and r.test in {"spet_suvpeak", "reader_ct", "reader_ct_spet"}
    )  # fmt: skip
    assert listed == len(lines) - 1 == counted


def test_the_stard_diagram_says_the_counts_of_its_rows_in_words():
    page = page_of(written_report()[0])
    alt = next(part for part in page.split('alt="') if part.startswith("STARD diagram."))
    counts = {
        r.statistic: f"{r.value:.0f}" for r in simulated_result().rows
        if r.endpoint == "stard_flow" and r.test == "spet_suvpeak" and r.unit == "lesion"
    }  # fmt: skip
    wanted = f"Positive: Reference + {counts['positive:positive']}, Reference − "
    assert wanted + counts["positive:negative"] in alt


def test_negative_controls_stand_beside_the_synthetic_pet_with_their_difference():
    table = tables_of(written_report()[0])["negative_controls"]
    assert table["columns"][1:] == ["Synthetic PET", "No uptake", "Body mean everywhere",
                                    "Lesions erased"]  # fmt: skip
    assert all("Δ" in row[2] for row in texts_of(table))


def test_hypotheses_are_printed_in_their_order_with_claim_and_both_p_values():
    table = tables_of(written_report()[0])["multiplicity"]
    rows = texts_of(table)
    assert len(rows) == len(simulated_result().plan.multiplicity.hypothesis)
    assert [float(row[0]) for row in rows] == sorted(float(row[0]) for row in rows)
    assert "SSIM, 3-D, mean above 0.8" in rows[0][1]
    assert "within −30 to 30" in rows[2][1]


def test_each_sensitivity_analysis_stands_below_the_main_one():
    table = tables_of(written_report()[0])["sensitivity"]
    starts = [group["before_row"] for group in table["groups"]]
    rows = texts_of(table)
    assert all(rows[at][0] == "Main analysis" for at in starts)
    first = rows[starts[0] : starts[1]]
    assert {"Worst case", "Complete cases", "Multiple imputation"} <= {row[0] for row in first}


def test_the_uptake_trend_is_printed_from_the_lowest_stratum_up():
    table = tables_of(written_report()[0])["uptake_trend"]
    assert [row[0] for row in texts_of(table)] == [
        "0–1 SUV", "1–2.5 SUV", "2.5–5 SUV", "5–10 SUV", "10+ SUV",
    ]  # fmt: skip
