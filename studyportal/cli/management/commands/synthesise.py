"""`manage.py synthesise --by USER`: synthesis jobs for ready pairs wait for the GPU worker, or run here."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.imaging.selectors import ready_pairs
from studyportal.syntheses.selectors import current_release
from studyportal.syntheses.services import move_release, register_release, request_synthesis
from studyportal.syntheses.states import ReleaseStatus
from studyportal.tasks import dispatch


class Command(BaseCommand):
    help = (
        "Request a synthetic PET for every ready pair with the released model. Workers do the work."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", required=True, help="user name of the synthesis operator")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--register", type=Path, help="first register and release the model in this folder"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        try:
            if options["register"]:
                release_folder(options["register"], by=by)
            release = current_release()
            if release is None:
                raise CommandError("No model is released. Name a release folder with --register.")
            jobs = [
                request_synthesis(pair=pair, release=release, seed=options["seed"], by=by)
                for pair in ready_pairs()
            ]
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        for job in jobs:
            dispatch.translate(job.pk)
        self.stdout.write(f"{len(jobs)} jobs with {release} are requested.")


def release_folder(folder: Path, *, by: Any) -> None:
    """The model in this folder is registered and released."""
    release = register_release(folder=folder, by=by)
    steps = {
        ReleaseStatus.CANDIDATE: (ReleaseStatus.VALIDATED, "digests and card were checked"),
        ReleaseStatus.VALIDATED: (ReleaseStatus.RELEASED, "released for use in this study"),
    }
    while release.status in steps:
        target, reason = steps[ReleaseStatus(release.status)]
        release = move_release(release=release, target=target, reason=reason, by=by)
