"""`manage.py export_data FORMAT --by USER --out FILE`: clinical data, as the web gives them."""

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.exports.services import build_export, download_export, request_clinical_export
from studyportal.exports.states import DataFormat
from studyportal.sites.rules import Action
from studyportal.sites.selectors import sites_visible_to


class Command(BaseCommand):
    help = "Export clinical data as a zip with data dictionary, manifest and checksums."

    def add_arguments(self, parser: ArgumentParser) -> None:
        formats = [one.value for one in DataFormat]
        parser.add_argument("format", choices=formats, help="format of the data")
        parser.add_argument("--by", required=True, help="user name of the statistician")
        parser.add_argument("--out", type=Path, required=True, help="zip file to write")
        parser.add_argument("--site", help="code of one site; all sites where it is not given")
        parser.add_argument(
            "--labels", choices=["en", "zh"], default="en", help="language of the labels"
        )
        parser.add_argument(
            "--drafts", action="store_true", help="also forms that are not complete"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        site = None
        if options["site"]:
            site = sites_visible_to(by, Action.EXPORT).filter(code=options["site"]).first()
            if site is None:
                raise CommandError("There is no such site whose data you may export.")
        try:
            asked = request_clinical_export(
                file_format=DataFormat(options["format"]),
                site=site,
                language=options["labels"],
                with_drafts=options["drafts"],
                by=by,
            )
            export = build_export(export=asked)
            if export.reason:
                raise CommandError(export.reason)
            shutil.copyfile(download_export(export=export, by=by), options["out"])
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(f"{options['out']}  SHA-256 {export.archive_sha256}")
