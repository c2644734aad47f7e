"""The Celery application with its tasks: `celery -A studyportal.config worker -Q intake,cpu`."""

import os

from studyportal.config.start import refuse_known_keys
from studyportal.tasks.dispatch import app

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyportal.config.settings")
refuse_known_keys()

# The GPU module is the only one that may reach torch, and it does so in a child process.
app.autodiscover_tasks(
    [
        f"studyportal.tasks.{name}"
        for name in (
            "anchoring",
            "intake",
            "gpu",
            "evaluation",
            "exports",
            "mails",
            "reading",
            "sweep",
            "withdrawal",
        )
    ],
    related_name=None,  # type: ignore[arg-type]  # None means the modules themselves
)

__all__ = ["app"]
