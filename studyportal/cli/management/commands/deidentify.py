"""`manage.py deidentify IN OUT`: a site removes identities before images leave it. Needs no server."""

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from studyportal.cli.site_images import SeriesDone, SeriesLeft, SiteRun
from studyportal.cli.site_inputs import KEY_VARIABLE, Codes, one_code, read_codes, read_key
from studyportal.cli.site_reports import summary_lines, write_series_report, write_summary
from studyportal.core.errors import Refused
from studyportal.imaging.rules import DeidentificationKey

_SOMETHING_LEFT, _NOTHING_BEGUN, _BROKE_OFF = 1, 2, 3


class Command(BaseCommand):
    help = "De-identify the CT and PET images and the outlines of a folder at the site, without server or database."
    requires_system_checks = ()  # some of them would ask the database
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("source", type=Path, metavar="IN", help="folder with original images")
        parser.add_argument("target", type=Path, metavar="OUT", help="folder that does not exist")
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--participant", help="study code of the one patient in IN (SPH-00012)")
        who.add_argument(
            "--mapping", type=Path, help="CSV file with the columns patient_id and participant"
        )
        parser.add_argument(
            "--key-file", type=Path, help=f"file with the key of the study (else {KEY_VARIABLE})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        source, target = options["source"], options["target"]
        try:
            key = read_key(options["key_file"], os.environ)
            codes = _codes(options["participant"], options["mapping"])
            _check_folders(source, target)
            run = SiteRun(source, target, codes=codes, key=key)
            _check_patients(run)
        except Refused as refusal:
            said = "\n".join(str(reason) for reason in refusal.reasons)
            raise CommandError(said, returncode=_NOTHING_BEGUN) from None
        outcomes = self._run(run, key)
        for line in summary_lines(outcomes):
            self.stdout.write(line)
        self.stdout.write(f"Key {key.fingerprint}. The reports lie in OUT/reports.")
        if any(isinstance(one, SeriesLeft) for one in outcomes):
            said = "Not everything was taken; the sentences above say what and why."
            raise CommandError(said, returncode=_SOMETHING_LEFT)

    def _run(self, run: SiteRun, key: DeidentificationKey) -> list[SeriesDone | SeriesLeft]:
        outcomes = []
        try:
            run.target.mkdir(parents=True)
            for one in tqdm(run.series(), desc="De-identify", unit="series"):
                outcomes.append(one)
                if isinstance(one, SeriesDone):
                    write_series_report(run.target, one, key=key.fingerprint)
            write_summary(run.target, outcomes, key=key.fingerprint)
        except OSError as error:  # a disk that is full, a folder that went away
            said = f"Reading or writing failed ({error.strerror}). Series without a report are not complete; delete OUT and begin again."
            raise CommandError(said, returncode=_BROKE_OFF) from None
        return outcomes


def _codes(participant: str | None, mapping: Path | None) -> Codes:
    return read_codes(mapping) if mapping is not None else one_code(participant or "")


def _check_folders(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise Refused("IN is not a folder.")
    if target.exists() or target.is_symlink():
        raise Refused("OUT exists already. Nothing is overwritten; name a new folder.")
    if target.resolve().is_relative_to(source.resolve()):
        raise Refused("OUT lies inside IN. Name a folder elsewhere.")


def _check_patients(run: SiteRun) -> None:
    if not run.paths:
        raise Refused("IN holds no file.")
    if run.codes.only and run.patients() > 1:
        raise Refused(
            f"IN holds images of {run.patients()} patients. Say with --mapping who each of them is."
        )
