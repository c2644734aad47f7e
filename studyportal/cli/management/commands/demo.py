"""`manage.py demo`: a whole simulated study, from enrolment to outcome report, in one command."""

import threading
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from studyportal.cli import demonstration as demo
from studyportal.cli.management.commands.evaluate import packaged_plan, write_files
from studyportal.cli.management.commands.synthesise import release_folder
from studyportal.cli.management.commands.up import (
    prepare,
    stop_on_signals,
    synthesis_devices,
)
from studyportal.cli.processes import PortalProcessError, RunningPortal, running_portal
from studyportal.cli.reading_demo import People, demonstrate
from studyportal.core.errors import Refused
from studyportal.exports.selectors import any_export_of
from studyportal.exports.services import request_export
from studyportal.imaging.selectors import every_series, unsettled_series
from studyportal.outcomes.selectors import (
    DataCut,
    EvaluationRun,
    cut_named,
    every_run,
    latest_completed_run,
    openings_of,
    unmeasured_of,
)
from studyportal.outcomes.services import ask_opening, freeze_cut, open_results, plan_run
from studyportal.outcomes.states import RunStatus
from studyportal.reading.selectors import packaged_design, readable_pairs
from studyportal.syntheses.selectors import current_primary, current_release, every_job
from studyportal.syntheses.services import name_primary_release, request_ready_pairs
from studyportal.syntheses.states import JobStatus
from studyportal.tasks import dispatch
from synthesis.registry import packaged_releases

CUT = "Demonstration cut"
READ_CASES = 6
LIMIT_SECONDS = 1800.0


class Command(BaseCommand):
    help = "Run the demonstration study and keep serving it until Ctrl-C."
    requires_migrations_checks = False
    _check: Callable[[], None]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--participants", type=int, default=40, help="participants to simulate (default 40)"
        )
        parser.add_argument("--once", action="store_true", help="stop when the report is written")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2)

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError("The demonstration is never run on a production installation.")
        if options["participants"] < 1:
            raise CommandError("--participants must be 1 or more.")
        stop = stop_on_signals()
        try:
            prepare(self._say)
            call_command("load_protocol", stdout=self.stdout)
            people, password = demo.create_people()
            cases = demo.simulate_cohort(options["participants"])
            with running_portal(
                folder=settings.BASE_DIR,
                var=settings.VAR_DIR,
                host=options["host"],
                port=options["port"],
                workers=options["workers"],
                devices=synthesis_devices(self._say),
                receives=demo.list_sender(people),
                say=self._say,
            ) as portal:
                self._check = lambda: _go_on(portal, stop)
                report = self._study(cases)
                self._say(
                    demo.closing_words(people, password, address=portal.address, report=report)
                )
                if not options["once"]:
                    self._serve(portal, stop)
        except Refused as refusal:
            raise CommandError("\n".join(str(reason) for reason in refusal.reasons)) from refusal
        except PortalProcessError as refused:
            raise CommandError(str(refused)) from refused

    def _study(self, cases: Path) -> Path:
        demo.import_cohort(cases)
        self._wait("Check images", every_series().count(), unsettled_series().count)
        demo.judge_all()
        demo.ask_questions()
        self._synthesise()
        self._read()
        run = self._evaluate()
        folder = Path(settings.VAR_DIR) / "demo" / "report"
        write_files(run, folder)
        return folder

    def _synthesise(self) -> None:
        by = demo.person_named("synthesis-operator")
        for packaged in packaged_releases():
            release_folder(packaged.folder, by=by)
        release = current_release()
        if release is None:
            raise CommandError("No model release ships with this installation.")
        if current_primary() is None:
            reason = "The packaged model, whose weights are frozen in the release."
            pi = demo.person_named("study-pi")
            name_primary_release(release=release, seed=0, reason=reason, by=pi)
        for job in request_ready_pairs(release=release, seed=0, by=by).jobs:
            dispatch.translate(job.pk)
        jobs = every_job()
        waiting = jobs.filter(status__in=(JobStatus.QUEUED, JobStatus.RUNNING))
        self._wait("Synthesise", jobs.count(), waiting.count)

    def _read(self) -> None:
        """A reading session that simulated readers have read, and one that waits for the newcomer."""
        ready = readable_pairs()
        if not ready:
            return
        people = People(demo.person_named("data-manager"), demo.person_named("reader"))
        self._say("Read ...")
        demonstrate(
            design=packaged_design("diagnostic"), cases=min(READ_CASES, ready), people=people
        )

    def _evaluate(self) -> EvaluationRun:
        by = demo.person_named("statistician")
        cut = cut_named(CUT)
        if cut is None:
            primary = current_primary()
            if primary is None:
                raise CommandError("No release is named for the primary analysis.")
            cut = freeze_cut(name=CUT, release=primary.release, plan_text=packaged_plan(), by=by)
            run = plan_run(cut=cut, by=by)
            for cut_pair in unmeasured_of(cut):
                dispatch.measure(cut_pair.pk)
        self._wait("Measure", cut.pairs.count(), unmeasured_of(cut).count)
        unfinished = every_run().filter(cut=cut, status__in=(RunStatus.PLANNED, RunStatus.RUNNING))
        for run in unfinished.filter(status=RunStatus.PLANNED):
            dispatch.analyse(run.pk)
        self._wait("Analyse and report", 1, lambda: min(1, unfinished.count()))
        completed = latest_completed_run()
        if completed is None:
            raise CommandError("The evaluation broke; the lines above say why.")
        _open_results(cut)
        if not any_export_of(completed):
            dispatch.build_export(request_export(run=completed, by=by).pk)
        return completed

    def _wait(self, label: str, total: int, left: Callable[[], int]) -> None:
        demo.wait_for(label, total, left, check=self._check, limit_seconds=LIMIT_SECONDS)

    def _serve(self, portal: RunningPortal, stop: threading.Event) -> None:
        self._say("Ctrl-C stops it.")
        portal.serve_until(stop)
        self._say("Stopping ...")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def _open_results(cut: DataCut) -> None:
    """Two people of the demonstration open the final analysis, as they would in a study."""
    if openings_of(cut).exists():
        return
    why = "Every pair of the demonstration is measured and analysed."
    opening = ask_opening(cut=cut, point="final", why=why, by=demo.person_named("statistician"))
    agreed = "Agreed: the demonstration shows its results."
    open_results(opening=opening, why=agreed, by=demo.person_named("study-pi"))


def _go_on(portal: RunningPortal, stop: threading.Event) -> None:
    """Raise when a process of the portal has ended or a person has pressed Ctrl-C."""
    portal.check()
    if stop.is_set():
        raise CommandError("Stopped. Run it again to go on where it was.")
