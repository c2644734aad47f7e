"""`manage.py send_images FOLDER --by USER`: images that `deidentify` wrote go to their participants."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from evaluation.imaging.series import files_of
from studyportal.cli.persons import acting_person
from studyportal.core.errors import Refused
from studyportal.core.models import User
from studyportal.imaging.rules import role_of
from studyportal.imaging.selectors import open_findings
from studyportal.imaging.services import check_series, headlines_of, receive_series
from studyportal.imaging.states import Grade
from studyportal.participants.selectors import participants_visible_to

if TYPE_CHECKING:
    from studyportal.imaging.models import ImagingSeries


_Group = list[tuple[Path, Mapping[str, str]]]


class Command(BaseCommand):
    help = "Send the images that `manage.py deidentify` wrote; each series names its participant itself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="folder that `deidentify` wrote")
        parser.add_argument("--by", required=True, help="user name of the coordinator who sends")

    def handle(self, *args: Any, **options: Any) -> None:
        by, folder = acting_person(options["by"]), options["folder"]
        groups = _groups(folder) if folder.is_dir() else []
        if not groups:
            raise CommandError("The folder holds no images.")
        refused = 0
        for number, group in enumerate(tqdm(groups, desc="Send", unit="series"), start=1):
            told = f"series {number} ({group[0][1]['modality']})"
            try:
                lines = [*_verdict(_sent(group, by))]
            except Refused as refusal:
                lines, refused = [f"not sent: {refusal}"], refused + 1
            for line in lines:
                self.stdout.write(f"{told}: {line}")
        if refused:
            raise CommandError(f"{refused} of {len(groups)} series were not sent.")


def _groups(folder: Path) -> list[_Group]:
    """The files by series, PET before its outlines; a limited child looks into them."""
    files = files_of(folder)
    of_series: defaultdict[tuple[str, str], _Group] = defaultdict(list)
    for path, told in zip(files, headlines_of(files, ""), strict=True):
        if told.get("series"):
            of_series[told["modality"], told["series"]].append((path, told))
    return [members for _, members in sorted(of_series.items())]


def _sent(group: _Group, by: User) -> ImagingSeries:
    told = group[0][1]
    if not told["participant"]:
        raise Refused("It was not de-identified with `deidentify` and the key of this study.")
    role, code = role_of(told["modality"]), told["participant"]
    participant = participants_visible_to(by).filter(code=code).first()
    if participant is None or role is None:
        raise Refused(f"There is no participant {code} to whom {by} may send it.")
    series = receive_series(
        participant=participant, role=role, files=[path for path, _ in group], by=by
    )
    return check_series(series=series)


def _verdict(series: ImagingSeries) -> Iterator[str]:
    yield f"{series.pair.participant.code}, {series.status.replace('_', ' ')}"
    found = open_findings(series.pair).filter(series=series).exclude(grade=Grade.INFO)
    yield from (f"{finding.grade}: {finding.sentence}" for finding in found)
