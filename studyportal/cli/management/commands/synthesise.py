"""`manage.py synthesise --by USER`: every ready pair has a synthesis job that waits for a GPU worker."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.syntheses.selectors import (
    ModelRelease,
    current_primary,
    current_release,
    preview_batch,
    release_named,
)
from studyportal.syntheses.services import move_release, register_release, request_ready_pairs
from studyportal.syntheses.states import ReleaseStatus
from studyportal.tasks import dispatch


class Command(BaseCommand):
    help = (
        "Request a synthetic PET for every ready pair; what exists already is not made twice. "
        "Workers do the work."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--by", required=True, help="user name of the synthesis operator")
        parser.add_argument(
            "--release",
            help="name and version; default: the primary release, else the newest that is released",
        )
        parser.add_argument("--seed", type=int, help="default: of the primary analysis, else 0")
        parser.add_argument(
            "--register", type=Path, help="first register and release the model in this folder"
        )
        parser.add_argument(
            "--preview", action="store_true", help="only say what the request would do"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"])
        try:
            registered = release_folder(options["register"], by=by) if options["register"] else None
            release = registered or chosen_release(options["release"])
            seed = options["seed"] if options["seed"] is not None else default_seed(release)
            if options["preview"]:
                self._preview(by, release, seed)
                return
            made = request_ready_pairs(release=release, seed=seed, by=by)
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        for job in made.jobs:
            dispatch.translate(job.pk)
        self.stdout.write(
            f"{len(made.jobs)} jobs with {release} are requested; {made.existing} pairs had one, "
            f"{made.left_out} are not ready."
        )

    def _preview(self, by: Any, release: ModelRelease, seed: int) -> None:
        preview = preview_batch(by, release=release, seed=seed)
        self.stdout.write(
            f"With {release}, seed {seed}: {len(preview.new)} new, "
            f"{len(preview.existing)} have one already, {len(preview.left_out)} not ready."
        )
        for one in preview.left_out:
            self.stdout.write(f"{one.pair.participant.code}: {one.why}")


def chosen_release(text: str | None) -> ModelRelease:
    """The release that is named, else the primary one, else the newest that is released."""
    if text:
        release = release_named(text)
        if release is None:
            raise CommandError(f"There is no release {text}. Write its name and version.")
        return release
    primary = current_primary()
    newest = primary.release if primary else current_release()
    if newest is None:
        raise CommandError("No model is released. Name a release folder with --register.")
    return newest


def default_seed(release: ModelRelease) -> int:
    """The seed of the primary analysis where the release is its own, else 0."""
    primary = current_primary()
    return primary.seed if primary is not None and primary.release_id == release.pk else 0


def release_folder(folder: Path, *, by: Any) -> ModelRelease:
    """The model in this folder is registered and released."""
    release = register_release(folder=folder, by=by)
    steps = {
        ReleaseStatus.CANDIDATE: (
            ReleaseStatus.VALIDATED,
            "digests, card and release gate were checked",
        ),
        ReleaseStatus.VALIDATED: (ReleaseStatus.RELEASED, "released for use in this study"),
    }
    while release.status in steps:
        target, reason = steps[ReleaseStatus(release.status)]
        release = move_release(release=release, target=target, reason=reason, by=by)
    return release
