"""The Celery application: `celery -A studyportal.config worker -Q intake,cpu`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyportal.config.settings")

app = Celery("studyportal")
app.config_from_object("django.conf:settings", namespace="CELERY")
# The GPU module is the only one that may reach torch; a worker names what it serves.
app.autodiscover_tasks(
    [
        "studyportal.tasks.intake",
        "studyportal.tasks.gpu",
        "studyportal.tasks.evaluation",
        "studyportal.tasks.exports",
        "studyportal.tasks.sweep",
    ],
    related_name=None,
)
