"""`manage.py verify_audit [--anchors PLACE] [--link N --sha256 X] [--json]`: the audit trail is what it was."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import as_command_error
from studyportal.core import clock
from studyportal.core.anchors import read_anchors
from studyportal.core.chain import Anchor, Verification, verify
from studyportal.core.errors import Refused


class Command(BaseCommand):
    help = (
        "Compute the digest of every event and every link of the audit trail anew, compare them with the "
        "anchors that were kept, and name the first event that is not what it was."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--anchors", type=Path, help="anchor, or folder of anchors")
        parser.add_argument("--link", type=int, help="number of a link that a mailed anchor names")
        parser.add_argument("--sha256", help="digest of that link")
        parser.add_argument("--json", action="store_true", help="answer for a program")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = verify(anchors=_anchors(options), moment=clock.now())
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        self.stdout.write(_as_json(found) if options["json"] else _as_text(found))
        if not found.sound:
            raise CommandError(f"The audit trail is not what it was. {found.faults[0].sentence}")


def _anchors(options: dict[str, Any]) -> list[Anchor]:
    place: Path | None = options["anchors"]
    kept = Path(settings.AUDIT_ANCHOR_DIR)
    anchors = read_anchors(place) if place else []
    if place is None and any(kept.glob("audit-*.json")):
        anchors = read_anchors(kept)
    if options["link"] is not None:
        anchors.append(Anchor(clock.now(), options["link"], options["sha256"] or ""))
    return anchors


def _as_text(found: Verification) -> str:
    head = found.head
    lines = [f"{found.links} links with {found.events} events were read."]
    if found.redacted:
        lines.append(f"{found.redacted} events were redacted, each with a record of it.")
    if head is not None and found.sound:
        lines.append(
            f"All are what they were. The chain ends with link {head.number}: {head.sha256}"
        )
    lines += [fault.sentence for fault in found.faults]
    if found.fault_count > len(found.faults):
        lines.append(f"{found.fault_count - len(found.faults)} more faults follow.")
    return "\n".join(lines)


def _as_json(found: Verification) -> str:
    facts = asdict(found) | {"sound": found.sound}
    return json.dumps(facts, indent=1, default=str)
