"""`manage.py seed_load`: a made-up study of registered size, to measure pages and the trail with."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from tqdm import tqdm

from studyportal.cli import demonstration as demo
from studyportal.cli.loading.keeping import Share, keep_study
from studyportal.clinical.rules import default_critical
from studyportal.clinical.selectors import plan_in_force
from studyportal.clinical.services import Staff, plan_verification
from studyportal.core import clock
from studyportal.core.audit_context import acting
from studyportal.core.database.owner import as_owner
from studyportal.core.errors import Refused
from studyportal.participants.selectors import every_participant
from studyportal.sites.selectors import every_site

SEED = 20261126
_SHARE_PERCENT = 20


class Command(BaseCommand):
    help = "Fill an empty demonstration with made-up participants and all their forms."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--participants",
            type=int,
            default=10_000,
            help="enrolled participants with full forms (default 10000); others are screened beside them",
        )
        parser.add_argument("--seed", type=int, default=SEED, help="seed of every draw")
        parser.add_argument(
            "--writers", type=int, default=2, help="sites that are written side by side (default 2)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self._refuse(options)
        call_command("load_protocol", stdout=self.stdout)
        demo.create_people()
        began = time.monotonic()
        try:
            self._keep(options)
        except Refused as refusal:
            raise CommandError("\n".join(map(str, refusal.reasons))) from refusal
        with as_owner(connection), connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # so that pages are measured with the plans of a grown study
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{every_participant().count()} participants were made up in {seconds:.0f} s."
        )

    def _refuse(self, options: dict[str, Any]) -> None:
        if settings.PRODUCTION or not settings.DEMO:
            raise CommandError(
                "Made-up participants are kept in a demonstration only. Set STUDYPORTAL_DEMO=1."
            )
        if options["participants"] < 1 or options["writers"] < 1:
            raise CommandError("--participants and --writers must be 1 or more.")
        if every_participant().exists():
            raise CommandError("There are participants already; only an empty study is filled.")

    def _keep(self, options: dict[str, Any]) -> None:
        shares = _shares(options["participants"])
        manager = demo.person_named("data-manager")
        for share in shares:
            if plan_in_force(share.site) is None:
                with acting(command="seed_load"):
                    plan_verification(
                        site=share.site,
                        share_percent=_SHARE_PERCENT,
                        critical=default_critical(),
                        reason="Made up for a demonstration.",
                        by=manager,
                        seed=options["seed"],
                    )
        with tqdm(total=options["participants"], unit="participant") as bar:
            keep_study(
                shares,
                seed=options["seed"],
                today=clock.today(),
                writers=options["writers"],
                each=bar.update,
            )


def _shares(participants: int) -> list[Share]:
    """Participants by the targets of the sites; what is left over by rounding goes to the largest."""
    sites = list(every_site().order_by("-target", "code"))
    whole = sum(site.target for site in sites)
    counts = [participants * site.target // whole for site in sites]
    counts[0] += participants - sum(counts)
    monitor, manager = demo.person_named("monitor"), demo.person_named("data-manager")
    return [
        Share(
            site,
            count,
            Staff(demo.person_named(f"coordinator-{site.code.lower()}"), monitor, manager),
        )
        for site, count in zip(sites, counts, strict=True)
    ]
