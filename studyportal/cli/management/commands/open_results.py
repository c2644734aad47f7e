"""`manage.py open_results CUT --by USER --why TEXT`: the first person asks, the second opens."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.management.commands.evaluate import write_files
from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.outcomes.selectors import cut_named, every_run, openings_of
from studyportal.outcomes.services import ask_opening, note_look, open_results
from studyportal.outcomes.states import OpeningStatus, RunStatus, Seen


class Command(BaseCommand):
    help = (
        "Ask for an analysis point of a data cut to be opened, or, as a second person, open it; "
        "with --out, write the report of its newest completed run."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("cut", help="name of the data cut")
        parser.add_argument("--point", default="final", help="analysis point of the plan")
        parser.add_argument("--by", required=True, help="user name of the person")
        parser.add_argument("--why", required=True, help="the reason")
        parser.add_argument("--out", type=Path, help="folder to write the report to")

    def handle(self, *args: Any, **options: Any) -> None:
        by, cut = acting_person(options["by"]), cut_named(options["cut"])
        if cut is None:
            raise CommandError("There is no such data cut.")
        waiting = openings_of(cut).filter(point=options["point"], status=OpeningStatus.ASKED)
        opening = waiting.first()
        try:
            if opening is None:
                ask_opening(cut=cut, point=options["point"], why=options["why"], by=by)
                self.stdout.write("It is asked for. A second person opens it.")
                return
            open_results(opening=opening, why=options["why"], by=by)
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"“{opening.title}” is open.")
        run = every_run().filter(cut=cut, status=RunStatus.COMPLETED).first()
        if options["out"] and run is not None:
            write_files(run, options["out"])
            note_look(cut=cut, what=Seen.FILE, of="report.html", by=by)
            self.stdout.write(f"The report is {options['out'] / 'report.html'}.")
