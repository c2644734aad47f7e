"""Measurement of pairs, analysis of runs, comparison of releases."""

from studyportal.outcomes import services
from studyportal.outcomes.selectors import (
    every_compared_series,
    every_comparison,
    every_cut_pair,
    every_run,
    planned_runs,
)
from studyportal.tasks import dispatch
from studyportal.tasks.dispatch import portal_task

_WHY = "cuts, runs and comparisons hold pairs of all sites"


@portal_task(over_every_site=_WHY)
def measure(cut_pair_id: str) -> None:
    """Idempotent: a measured pair is left alone. The last pair wakes the runs that wait for it."""
    cut_pair = services.measure_cut_pair(cut_pair=every_cut_pair().get(pk=cut_pair_id))
    for run in planned_runs().filter(cut=cut_pair.cut).exclude(cut__pairs__measured_at=None):
        dispatch.analyse(run.pk)


@portal_task(over_every_site=_WHY)
def analyse(run_id: str) -> None:
    """Idempotent: only a planned run is analysed, and one worker takes it."""
    services.analyse_run(evaluation_run=every_run().get(pk=run_id))


@portal_task(over_every_site=_WHY)
def measure_compared(series_id: str) -> None:
    """Idempotent: a measured series is left alone. Each one wakes its comparison, which waits for the last."""
    series = services.measure_compared(series=every_compared_series().get(pk=series_id))
    dispatch.compare(series.compared.comparison_id)


@portal_task(over_every_site=_WHY)
def compare(comparison_id: str) -> None:
    """Idempotent: only a planned comparison is computed, and one worker takes it."""
    services.compute_comparison(comparison=every_comparison().get(pk=comparison_id))
