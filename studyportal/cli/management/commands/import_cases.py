"""`manage.py import_cases CASES.csv --by USER`: participants are enrolled and their images taken in."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from studyportal.cli.cases import CaseRow, read_cases
from studyportal.cli.importing import keep_rows, mark_impossible
from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core import clock
from studyportal.core.errors import Refused
from studyportal.imaging.selectors import open_findings, pair_of, received_series_of
from studyportal.imaging.services import check_series
from studyportal.imaging.states import Grade
from studyportal.participants.selectors import Participant
from studyportal.protocol.selectors import active_protocol
from studyportal.tasks import dispatch


class Command(BaseCommand):
    help = "Check a cases file whole, then enrol its participants and take in their DICOM folders: all rows or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "cases",
            type=Path,
            help="CSV file, one row per participant (docs/import.md lists the columns)",
        )
        parser.add_argument("--by", required=True, help="user name of the coordinator who imports")
        parser.add_argument(
            "--valid-rows",
            action="store_true",
            help="import the rows without a fault, leave out the others",
        )
        parser.add_argument("--check", action="store_true", help="only check; import nothing")
        parser.add_argument(
            "--queue",
            action="store_true",
            help="leave the image checks to running workers instead of doing them now",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        try:
            rows = read_cases(options["cases"], protocol=active_protocol(), today=clock.today())
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        mark_impossible(rows, by=by)
        good = self._judge(rows, keep_valid=options["valid_rows"])
        if options["check"]:
            self.stdout.write(
                f"{len(good)} of {len(rows)} rows can be imported. Nothing was imported."
            )
            return
        with tqdm(total=len(good), desc="Enrol", unit="participant") as bar:
            try:
                participants = keep_rows(good, by=by, each=lambda: _step(bar))
            except Refused as refusal:
                raise as_command_error(refusal) from refusal
            except OSError as error:  # a disk that is full, a folder that went away
                raise CommandError(
                    f"The images could not be copied ({error.strerror}). Nothing was imported."
                ) from error
        self._take_in(participants, queue=options["queue"])
        self._report(participants)

    def _judge(self, rows: Sequence[CaseRow], *, keep_valid: bool) -> list[CaseRow]:
        bad = [row for row in rows if row.faults]
        for row in bad:
            for fault in row.faults:
                self.stderr.write(f"line {row.line}: {fault}")
        if bad and not keep_valid:
            raise CommandError(
                f"{len(bad)} of {len(rows)} rows cannot be imported, so nothing was. Mend them, or use --valid-rows."
            )
        good = [row for row in rows if not row.faults]
        if not good:
            raise CommandError("No row can be imported.")
        return good

    def _take_in(self, participants: Sequence[Participant], *, queue: bool) -> None:
        series = list(received_series_of(participants))
        if queue:
            for row in series:
                dispatch.check_series(row.pk)
            self.stdout.write(f"{len(series)} series wait for the workers.")
            return
        for row in tqdm(series, desc="Check images", unit="series"):
            check_series(series=row)

    def _report(self, participants: Sequence[Participant]) -> None:
        for participant in participants:
            pair = pair_of(participant)
            state = pair.status.replace("_", " ") if pair else "no images"
            self.stdout.write(
                f"{participant.code}  {participant.status.replace('_', ' ')}  pair: {state}"
            )
            if pair is not None:
                for finding in open_findings(pair).exclude(grade=Grade.INFO):
                    self.stdout.write(f"    {finding.grade}: {finding.sentence}")


def _step(bar: tqdm) -> None:
    bar.update(1)
