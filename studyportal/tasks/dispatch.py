"""The Celery application of the portal, the one way to declare a task and the one way to send one.

Sending is by name inside an on-commit call-back, so entrances never import a task module (and never torch).
A broker that is down loses nothing: the row is the truth and the sweeper sends it again.
"""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from celery import Celery
from django.db import transaction
from kombu.exceptions import OperationalError

from studyportal.core.audit_context import acting
from studyportal.core.database import scope

app = Celery("studyportal")
app.config_from_object("django.conf:settings", namespace="CELERY")

_log = logging.getLogger(__name__)


def portal_task(*, over_every_site: str) -> Callable[[Callable[..., None]], Any]:
    """Declare a task, and why it works over every site: no person's rights stand behind background work.

    What it changes is kept as done by this task. Its queue is named by whoever sends it; what the beat sends goes
    to the default one.
    """

    def declare(function: Callable[..., None]) -> Any:
        @wraps(function)
        def kept(*args: Any) -> None:
            of = ",".join(map(str, args))
            with scope.over_every_site(over_every_site), acting(task=function.__name__, of=of):
                function(*args)

        return app.task(name=f"{function.__module__}.{function.__name__}")(kept)

    return declare


def send(name: str, key: UUID | str, *, queue: str, expires: int | None = None) -> None:
    """Wake a worker for this row once the transaction has been committed."""
    transaction.on_commit(lambda: _send_now(name, str(key), queue, expires))


def check_series(series_id: UUID) -> None:
    """Intake of a received series."""
    send("studyportal.tasks.intake.check_series", series_id, queue="intake")


def derive_pair(pair_id: UUID) -> None:
    """Volumes of a pair for the viewer."""
    send("studyportal.tasks.intake.derive_pair", pair_id, queue="cpu")


def screen_pair(pair_id: UUID) -> None:
    """Screening of the images of a pair."""
    send("studyportal.tasks.intake.screen_pair", pair_id, queue="cpu")


def translate(job_id: UUID) -> None:
    """Synthesis of a queued job."""
    send("studyportal.tasks.gpu.translate", job_id, queue="gpu")


def wake(job_id: UUID) -> None:
    """Remind the workers of a queued job; the reminder is worthless after a minute and then dropped."""
    send("studyportal.tasks.gpu.translate", job_id, queue="gpu", expires=60)


def prepare_case(case_id: UUID) -> None:
    """Images of a case of a reading session."""
    send("studyportal.tasks.reading.prepare_case", case_id, queue="cpu")


def measure(cut_pair_id: UUID) -> None:
    """Measurement of one pair of a cut."""
    send("studyportal.tasks.evaluation.measure", cut_pair_id, queue="cpu")


def analyse(run_id: UUID) -> None:
    """Analysis of a planned run."""
    send("studyportal.tasks.evaluation.analyse", run_id, queue="cpu")


def measure_compared(series_id: UUID) -> None:
    """Measurement of one series of a comparison of releases."""
    send("studyportal.tasks.evaluation.measure_compared", series_id, queue="cpu")


def compare(comparison_id: UUID) -> None:
    """Computation of a planned comparison of releases."""
    send("studyportal.tasks.evaluation.compare", comparison_id, queue="cpu")


def build_export(export_id: UUID) -> None:
    """Building of a requested export."""
    send("studyportal.tasks.exports.build", export_id, queue="cpu")


def obey_withdrawal(withdrawal_id: UUID) -> None:
    """Whatever a withdrawal still asks of the rooms."""
    send("studyportal.tasks.withdrawal.obey", withdrawal_id, queue="intake")


def confirm_withdrawal(withdrawal_id: UUID) -> None:
    """A second look at a withdrawal that was carried out."""
    send("studyportal.tasks.withdrawal.confirm", withdrawal_id, queue="intake")


def _send_now(name: str, key: str, queue: str, expires: int | None) -> None:
    if not app.conf.broker_url:
        _log.info("no broker: %s waits for the sweeper", name)
        return
    try:
        app.send_task(name, args=[key], queue=queue, retry=False, expires=expires)
    except (OperationalError, OSError) as error:
        _log.warning(
            "the broker did not take %s (%s); the sweeper sends it again",
            name,
            type(error).__name__,
        )
