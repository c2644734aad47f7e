import pytest

from evaluation.__main__ import main
from evaluation.analysis import COLUMNS, TablesError, read_tables, run
from tests.evaluation.full_study import QUICK
from tests.evaluation.simulated_study import simulated_tables


@pytest.fixture
def folder(tmp_path):
    tables = simulated_tables(participants=6)
    for name in COLUMNS:
        getattr(tables, name).to_csv(tmp_path / f"{name}.csv", index=False)
    return tmp_path


def test_tables_read_from_files_give_the_rows_of_the_tables(folder):
    plan = QUICK
    assert run(plan, read_tables(folder)).rows == run(plan, simulated_tables(participants=6)).rows


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("participants.csv", "True", "perhaps", "line 2, screened: 'perhaps' is neither"),
        ("sites.csv", "2000", "many", "line 2, target: 'many' is no number"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(folder, file, old, new, sentence):
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TablesError, match=sentence):
        read_tables(folder)


def test_a_missing_file_is_named(folder):
    (folder / "sites.csv").unlink()
    with pytest.raises(TablesError, match=r"no file sites\.csv"):
        read_tables(folder)


def test_the_command_line_writes_a_report(folder, tmp_path, capsys):
    out = tmp_path / "report"
    assert main(["study", "default", str(folder), "--out", str(out)]) == 0
    assert (out / "report.pdf").is_file()
    assert "rows" in capsys.readouterr().out


def test_the_command_line_refuses_with_one_sentence(folder, tmp_path, capsys):
    assert main(["study", "absent.toml", str(folder), "--out", str(tmp_path / "r")]) == 2
    assert capsys.readouterr().err == "there is no plan file 'absent.toml'\n"
