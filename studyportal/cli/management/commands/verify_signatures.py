"""`manage.py verify_signatures [--json]`: what was signed is what stands, and the signatures are what was kept."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.clinical.selectors import SignatureReport, verify_signatures


class Command(BaseCommand):
    help = (
        "Compute the digest of every signed record anew, compare it with the one signed, compare each signature with "
        "the event that the database kept of its making, and name every one that does not agree."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer for a program")

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify_signatures()
        self.stdout.write(_as_json(found) if options["json"] else _as_text(found))
        if not found.sound:
            raise CommandError(f"{len(found.faults)} do not agree. {found.faults[0].sentence}")


def _as_text(found: SignatureReport) -> str:
    lines = [
        f"{found.signatures} signatures were read.",
        f"{found.standing} stand and agree with their records; {found.voided} were voided.",
    ]
    return "\n".join([*lines, *(fault.sentence for fault in found.faults)])


def _as_json(found: SignatureReport) -> str:
    return json.dumps(asdict(found) | {"sound": found.sound}, indent=1, default=str)
