"""`manage.py evaluate NAME --by USER`: a cut is frozen, its run planned, measured and analysed here."""

from argparse import ArgumentParser
from importlib import resources
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.core.storage import read_bytes
from studyportal.outcomes.selectors import EvaluationRun, files_of, is_open, unmeasured_of
from studyportal.outcomes.services import (
    analyse_run,
    freeze_cut,
    measure_cut_pair,
    note_look,
    plan_run,
)
from studyportal.outcomes.states import RunStatus, Seen
from studyportal.syntheses.selectors import ModelRelease, current_primary, release_named


class Command(BaseCommand):
    help = "Freeze a data cut of everything that can be compared now, evaluate it, and write the outcome report once two people opened it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="name of the cut")
        parser.add_argument("--by", required=True, help="user name of the statistician")
        parser.add_argument(
            "--plan", type=Path, help="analysis plan (TOML); default: the packaged plan"
        )
        parser.add_argument(
            "--exploratory",
            metavar="RELEASE",
            help="evaluate this release (name and version) beside the primary analysis",
        )
        parser.add_argument("--out", type=Path, required=True, help="folder to write the report to")

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        plan: Path | None = options["plan"]
        if plan is not None and not plan.is_file():
            raise CommandError(f"There is no file {plan}.")
        exploratory = options["exploratory"]
        release = release_named(exploratory) if exploratory else primary_release()
        if release is None:
            raise CommandError(f"There is no release {exploratory}. Write its name and version.")
        try:
            text = plan.read_text("utf-8") if plan else packaged_plan()
            cut = freeze_cut(
                name=options["name"],
                release=release,
                plan_text=text,
                exploratory=bool(exploratory),
                by=by,
            )
            run = plan_run(cut=cut, by=by)
            for cut_pair in tqdm(list(unmeasured_of(cut)), desc="Measure", unit="pair"):
                measure_cut_pair(cut_pair=cut_pair)
            analyse_run(evaluation_run=run)
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        if run.status != RunStatus.COMPLETED:
            raise CommandError(run.reason)
        if not is_open(cut):
            self.stdout.write(
                f"The evaluation is complete and sealed. Two people open it: manage.py open_results "
                f"“{cut.name}” --by USER --why TEXT --out {options['out']}"
            )
            return
        write_files(run, options["out"])
        note_look(cut=cut, what=Seen.FILE, of="report.html", by=by)
        self.stdout.write(f"The report is {options['out'] / 'report.html'}.")


def primary_release() -> ModelRelease:
    """The release of the primary analysis; refused while none is named."""
    primary = current_primary()
    if primary is None:
        raise CommandError(
            "No release is named for the primary analysis; see manage.py name_primary_release."
        )
    return primary.release


def packaged_plan() -> str:
    """Text of the analysis plan that ships with the portal."""
    return resources.files("evaluation").joinpath("plans", "nct07243873.toml").read_text("utf-8")


def write_files(run: EvaluationRun, folder: Path) -> None:
    """The report of a run lies in a folder, every file verified."""
    for file in files_of(run):
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(read_bytes(file.sha256))
