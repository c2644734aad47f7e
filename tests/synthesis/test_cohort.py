"""The cohort that the portal imports."""

import csv
import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from synthesis.data import CohortRequest, draw_participant, write_cohort
from synthesis.data.cohort import COLUMNS, _draw_enrolment, _row, reference_units
from synthesis.data.reader_scores import draw_scores
from synthesis.jobs.make_phantoms import main


def rows_of(request: CohortRequest) -> list[dict[str, object]]:
    """The rows of a cohort without making its images."""
    rows = []
    for number in range(1, request.participants + 1):
        participant = draw_participant(request.seed * 10_000 + number)
        rows.append(
            _row(participant, _draw_enrolment(request, number, participant), f"P{number:04d}")
        )
    return rows


def test_a_written_cohort_has_a_row_a_folder_and_a_truth_per_participant(tmp_path: Path) -> None:
    table = write_cohort(CohortRequest(2, 4, ("SPH", "NB2")), tmp_path / "cohort")

    with table.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    truths = json.loads((tmp_path / "cohort" / "truth.json").read_text("utf-8"))
    assert tuple(rows[0]) == COLUMNS
    assert [row["site"] for row in rows] == ["SPH", "NB2"]
    assert len(truths) == 2
    for row in rows:
        for column in ("ct_folder", "pet_folder"):
            if row[column]:
                assert len(list((table.parent / row[column]).iterdir())) == 72
    with pytest.raises(FileExistsError, match="cohort already"):
        write_cohort(CohortRequest(1, 4, ("SPH",)), tmp_path / "cohort")


def test_a_few_participants_fail_screening_and_a_few_wait_for_their_pet() -> None:
    rows = rows_of(CohortRequest(400, 1, ("SPH", "SEH", "NB2", "NCU", "ZMU")))

    failed = [r for r in rows if not r["ct_folder"]]
    waiting = [r for r in rows if r["ct_folder"] and not r["pet_folder"]]

    assert 8 <= len(failed) <= 36
    assert 8 <= len(waiting) <= 36
    for row in failed:
        assert row["EXC-01"] == "met" or row["INC-02"] == "not_met"
        assert row["reference_standard"] == row["reader_scores"] == ""
        assert bool(row["consent_date"]) == (row["INC-02"] == "met")
    for row in rows:
        assert row["EXC-02"] == row["EXC-03"] == row["EXC-04"] == "unknown"


def test_screening_dates_stay_inside_the_asked_window() -> None:
    request = CohortRequest(60, 2, ("SPH",), date(2026, 1, 1), date(2026, 2, 1))

    dates = [date.fromisoformat(str(row["screening_date"])) for row in rows_of(request)]

    assert min(dates) >= date(2026, 1, 1)
    assert max(dates) < date(2026, 2, 1)


def test_the_reference_standard_names_lesions_stations_and_the_participant() -> None:
    participant = draw_participant(10_001)

    keys = {unit.key: unit.positive for unit in reference_units(participant)}

    assert keys["malignancy/lesion/1"] is True
    assert "nodal_metastasis/station/4R" in keys
    assert keys["nodal_metastasis/participant/"] == any(n.metastatic for n in participant.nodes)
    assert "distant_metastasis/participant/" in keys


def test_the_simulated_reader_does_better_with_synthetic_pet() -> None:
    scores: dict[tuple[str, bool], list[int]] = {}
    for seed in range(300):
        units = reference_units(draw_participant(seed))
        positive = {unit.key: unit.positive for unit in units}
        for entry in draw_scores(seed, units).split(";"):
            name, score = entry.split("=")
            _, arm, key = name.split("/", maxsplit=2)
            assert 1 <= int(score) <= 5
            scores.setdefault((arm, positive[key]), []).append(int(score))

    def separation(arm: str) -> float:
        yes, no = scores[arm, True], scores[arm, False]
        return sum(yes) / len(yes) - sum(no) / len(no)

    assert separation("ct_spet") > separation("ct") + 0.2


@pytest.mark.parametrize(
    ("participants", "sites", "sentence"),
    [(0, ("SPH",), "at least one participant"), (2, (), "one site"), (2, ("XXX",), "XXX")],
)
def test_an_impossible_cohort_is_refused(
    participants: int, sites: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        CohortRequest(participants, 1, sites)


def test_the_command_writes_a_cohort_and_reports_progress_as_json(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "synthesis", "phantom", "--participants", "1"]

    run = subprocess.run(
        [*command, "--progress-json", "--out", str(tmp_path / "x")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    events, table = run.stdout.splitlines()[:-1], run.stdout.splitlines()[-1]
    assert [json.loads(e)["done"] for e in events] == [1]
    assert Path(table).is_file()


def test_the_command_line_says_in_one_sentence_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["--participants", "1", "--sites", "NOPE", "--out", str(tmp_path / "x")])

    assert status == 2
    assert "NOPE" in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
