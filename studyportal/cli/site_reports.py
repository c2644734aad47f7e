"""The reports of `manage.py deidentify`: one per series and one of the whole run, as JSON and as text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from studyportal.cli.site_images import SeriesDone, SeriesLeft
from studyportal.imaging.rules import report_lines, suv_reason_sentence

REPORTS = "reports"


def write_series_report(target: Path, done: SeriesDone, *, key: str) -> None:
    """The report of one series lies in the folder of reports; `key` is the key's fingerprint."""
    facts = {**done.facts, "key": key}
    lines = report_lines(facts, title=f"{done.participant}, {done.name}: de-identification")
    _write(target, f"{done.participant}_{done.name}", facts, [*lines, "", f"Key: {key}"])


def write_summary(target: Path, outcomes: Sequence[SeriesDone | SeriesLeft], *, key: str) -> None:
    """The report of the run: what was written and what was not, with every sentence."""
    done = [one for one in outcomes if isinstance(one, SeriesDone)]
    left = [one for one in outcomes if isinstance(one, SeriesLeft)]
    facts = {
        "key": key,
        "written": [
            {"participant": one.participant, "series": one.name, "files": one.files} for one in done
        ],
        "left": [
            {"what": one.what, "files": one.files, "sentences": list(one.sentences)} for one in left
        ],
    }
    _write(target, "summary", facts, [*summary_lines(outcomes), "", f"Key: {key}"])


def summary_lines(outcomes: Sequence[SeriesDone | SeriesLeft]) -> Iterator[str]:
    """A line or more for each series."""
    for one in outcomes:
        if isinstance(one, SeriesDone):
            yield f"{one.participant}/{one.name}: {one.files} files written. {_suv(one)}".rstrip()
        else:
            yield f"not taken: {one.what}, {one.files} files"
            yield from (f"    {sentence}" for sentence in one.sentences)


def _suv(done: SeriesDone) -> str:
    if done.suv is None:
        return ""
    if done.suv.refusals:
        why = " ".join(suv_reason_sentence(reason) for reason in done.suv.refusals)
        return f"No uptake value can be computed from them: {why}"
    factor = done.suv.after
    told = "differs from slice to slice" if factor is None else f"{factor:.10g}"
    return f"SUV factor {told}, the same as before."


def _write(target: Path, name: str, facts: Mapping[str, Any], lines: Sequence[str]) -> None:
    folder = target / REPORTS
    folder.mkdir(exist_ok=True)
    text = json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False)
    for ending, content in (("json", text), ("txt", "\n".join(lines))):
        with (folder / f"{name}.{ending}").open("x", encoding="utf-8") as sink:
            sink.write(content + "\n")
