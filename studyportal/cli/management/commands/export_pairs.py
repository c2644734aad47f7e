"""`manage.py export_pairs --by USER --reason TEXT --out FILE`: ready CT/PET pairs that a training reads."""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.exports.services import build_export, download_export, request_pairs_export
from studyportal.exports.states import ExportStatus
from studyportal.sites.rules import Action
from studyportal.sites.selectors import sites_visible_to

if TYPE_CHECKING:
    from studyportal.core.models import User
    from studyportal.sites.models import Site


class Command(BaseCommand):
    help = "Export the ready CT/PET pairs as a zip that `python -m synthesis train --data` reads."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", required=True, help="user name of the person who exports")
        parser.add_argument("--reason", required=True, help="what the images are wanted for")
        parser.add_argument("--site", default="", help="code of a site; all sites without it")
        parser.add_argument("--out", type=Path, required=True, help="zip file to write")

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        site = _site(by, options["site"])
        try:
            asked = request_pairs_export(site=site, reason=options["reason"], by=by)
            export = build_export(export=asked)
            if export.status != ExportStatus.READY:
                raise CommandError(export.reason)
            shutil.copyfile(download_export(export=export, by=by), options["out"])
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        pairs = sum("files" in entry for entry in export.contents)
        left_out = "".join(f", {n} left out ({why})" for why, n in sorted(export.left_out.items()))
        self.stdout.write(
            f"{options['out']}  {pairs} pair(s){left_out}  SHA-256 {export.archive_sha256}"
        )


def _site(by: User, code: str) -> Site | None:
    if not code:
        return None
    site = sites_visible_to(by, Action.EXPORT).filter(code=code).first()
    if site is None:
        raise CommandError("There is no such site that you may export from.")
    return site
