"""`manage.py train_classifier CUT --code CODE --participants FILE …`: a classifier is trained and registered."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaluation.classifiers import FEATURE_SETS, Judged
from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.outcomes.selectors import cut_named
from studyportal.outcomes.services import Recipe, lock_index_test, train_classifier

_REGIONS = {"lesion": "lesion:", "station": "node:"}


class Command(BaseCommand):
    help = (
        "Train a classifier on development participants of a measured data cut, register it by digest, "
        "and with --lock lock it. A plan names it by the SHA-256 that is printed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("cut", help="name of the data cut")
        parser.add_argument("--code", required=True, help="id of the index test")
        parser.add_argument("--title", default="", help="title")
        parser.add_argument("--condition", default="malignancy", help="target condition")
        parser.add_argument("--unit", choices=list(_REGIONS), default="lesion", help="unit")
        parser.add_argument("--features", choices=list(FEATURE_SETS), required=True)
        parser.add_argument("--kind", choices=("logistic", "forest"), default="logistic")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument(
            "--participants", type=Path, required=True, help="file with one study code a line"
        )
        parser.add_argument("--lock", action="store_true", help="lock it at once")
        parser.add_argument("--by", required=True, help="user name of the statistician")

    def handle(self, *args: Any, **options: Any) -> None:
        by, cut, path = (
            acting_person(options["by"]),
            cut_named(options["cut"]),
            options["participants"],
        )
        if cut is None:
            raise CommandError("There is no such data cut.")
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        judged = Judged(options["condition"], options["unit"], _REGIONS[options["unit"]])
        recipe = Recipe(
            options["code"], options["title"], judged, options["features"], options["kind"],
            options["seed"],
        )  # fmt: skip
        codes = path.read_text("utf-8").split()
        try:
            test = train_classifier(cut=cut, recipe=recipe, participants=codes, by=by)
            if options["lock"]:
                lock_index_test(test=test, by=by)
        except Refused as refusal:
            raise as_command_error(refusal) from refusal
        area = test.performance["auc_by_participant"]
        self.stdout.write(f"{test.code}  SHA-256 {test.classifier_sha256}")
        self.stdout.write(f"Cross-validated AUC by participant {_said(area)}, {area['n']} units.")


def _said(area: Mapping[str, Any]) -> str:
    """The area with its interval, or why it has none."""
    if area["value"] is None:
        return f"not estimable ({area['reason']})"
    if area["lower"] is None or area["upper"] is None:
        return f"{area['value']:.3f} (no interval: {area['reason']})"
    return f"{area['value']:.3f} ({area['lower']:.3f} to {area['upper']:.3f})"
