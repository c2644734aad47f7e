"""`manage.py audit_anchor [--to FOLDER] [--mail]`: keep the end of the audit trail outside the database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from studyportal.core import clock
from studyportal.core.anchors import keep_anchor
from studyportal.tasks.anchoring import mail_anchor


class Command(BaseCommand):
    help = "Write the number and digest of the last link of the audit trail to a new file, and mail it to the PIs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", type=Path, help="folder; that of the settings unless named")
        parser.add_argument("--mail", action="store_true", help="mail it to every PI, too")

    def handle(self, *args: Any, **options: Any) -> None:
        anchor, path = keep_anchor(moment=clock.now(), folder=options["to"])
        self.stdout.write(f"Link {anchor.number} ({anchor.sha256}) is kept in {path}.")
        if options["mail"]:
            self.stdout.write(f"{mail_anchor(anchor)} principal investigators were written to.")
