"""Reads of a session come in as CSV, and a published study gives its published figures through them."""

import json
from dataclasses import replace

import pandas as pd
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from evaluation.analysis import COLUMNS, Tables, default_plan, empty_table, run
from studyportal.clinical.models import ReferenceStandard
from studyportal.core.errors import Refused
from studyportal.core.storage import read_bytes
from studyportal.outcomes.models import IndexScore
from studyportal.outcomes.services import import_reads
from studyportal.outcomes.services.tables import freeze_tables
from studyportal.participants.models import Participant
from studyportal.sites.rules import Role
from tests import factories as make
from tests.evaluation.reference_cases import reference_csv, reference_json
from tests.portal.scenes import person

pytestmark = pytest.mark.django_db
HEAD = "session,arm,reader,participant,question,unit,unit_id,score,call,indeterminate\n"
ARMS = {"1": "ct", "2": "ct_spet"}


def line(participant, **changes):
    cells = {"session": "S1", "arm": "ct", "reader": "R1", "participant": participant.code,
             "question": "malignancy", "unit": "lesion", "unit_id": "1", "score": "4",
             "call": "positive", "indeterminate": "no"}  # fmt: skip
    return ",".join({**cells, **changes}.values()) + "\n"


def test_reads_are_kept_with_call_and_session(study):
    participant = make.ParticipantFactory()
    text = HEAD + line(participant) + line(participant, reader="R2", score="", call="", indeterminate="yes")  # fmt: skip
    assert import_reads(text=text, by=person(Role.DATA_MANAGER)) == 2
    rows = IndexScore.objects.order_by("reader").values_list(
        "score", "call", "indeterminate", "session"
    )
    assert list(rows) == [(4.0, "positive", False, "S1"), (None, "", True, "S1")]


def test_one_line_that_cannot_be_kept_keeps_them_all_out_and_each_is_named(study):
    participant = make.ParticipantFactory()
    text = HEAD + "".join(
        [line(participant), line(participant, reader="R2", score="101"),
         line(participant, reader="R3", question="cancer"), line(participant, reader="R4", score="x"),
         line(participant, reader="R5").replace(participant.code, "NOBODY-1"),
         line(participant, reader="R6", unit="participant")]
    )  # fmt: skip
    with pytest.raises(Refused) as refusal:
        import_reads(text=text, by=person(Role.DATA_MANAGER))
    assert [str(reason).split(":")[0].split(",")[0] for reason in refusal.value.reasons] == [
        f"line {number}" for number in (3, 4, 5, 6, 7)
    ]
    assert not IndexScore.objects.exists()


def test_the_command_names_every_fault(study, tmp_path):
    path = tmp_path / "reads.csv"
    path.write_text(HEAD + line(make.ParticipantFactory(), score="x"), "utf-8")
    with pytest.raises(CommandError, match="line 2, score: “x” is no number"):
        call_command("import_reads", path, by=person(Role.DATA_MANAGER).username)


def test_van_dyke_through_the_import_gives_the_published_figures(study):
    rows, expected = reference_csv("mrmc_vandyke.csv"), reference_json("mrmc_vandyke_expected.json")
    truth = {row["case"]: row["truth"] == "1" for row in rows}
    site, by = make.SiteFactory(), person(Role.DATA_MANAGER)
    people = dict(zip(truth, make.ParticipantFactory.build_batch(len(truth), site=site, created_by=by), strict=True))  # fmt: skip
    Participant.objects.bulk_create(people.values())
    ReferenceStandard.objects.bulk_create(
        make.ReferenceStandardFactory.build(
            participant=people[case], condition="distant_metastasis", unit="participant",
            lesion=None, unit_id="", status="positive" if sick else "negative", entered_by=by,
        )
        for case, sick in truth.items()
    )  # fmt: skip
    text = HEAD + "".join(
        line(people[row["case"]], arm=ARMS[row["treatment"]], reader=f"R{row['reader']}", unit_id="",
             question="distant_metastasis", unit="participant", score=row["rating"], call="")
        for row in rows
    )  # fmt: skip
    assert import_reads(text=text, by=by) == 1140

    frozen = json.loads(read_bytes(freeze_tables(set(), development={}).sha256))
    found = {r.statistic: r for r in run(plan(), tables(frozen)).rows if r.endpoint == "mrmc"}
    published = expected["DeLong"]
    assert found["f"].value == pytest.approx(published["test_equality"]["F"], abs=1e-9)
    assert found["df2"].value == pytest.approx(published["test_equality"]["df2"], abs=1e-7)
    assert found["auc_difference_p"].value == pytest.approx(published["test_equality"]["p-value"])
    assert found["auc_difference"].value == pytest.approx(-published["test_diffs"]["Estimate"])


def plan():
    whole = default_plan()
    everyone = replace(whole.set_named("enrolled"), requires=())
    conditions = tuple(
        replace(c, analysis_set="enrolled") for c in whole.target_condition if c.id == "distant_metastasis"
    )  # fmt: skip
    return replace(
        whole, primary=(), baseline=(), sensitivity=(), subgroup=(), multiplicity=None, risk=None,
        negative_controls=None, uptake_trend=None, demographic_concordance=None, precision=None,
        analysis_set=(everyone,), target_condition=conditions,
        index_test=tuple(t for t in whole.index_test if t.kind == "scores"),
        comparison=tuple(c for c in whole.comparison if c.test == "reader_ct_spet"),
    )  # fmt: skip


def tables(frozen):
    frames = {
        name: pd.DataFrame(frozen[name]) if name in frozen else empty_table(name)
        for name in COLUMNS
    }
    return Tables(**frames)
