"""What the beat sends, and when; times of day are those of the study's time zone."""

from typing import Any

from celery.schedules import crontab

TIMETABLE: dict[str, dict[str, Any]] = {
    # Hourly, so that people whom the mail server refused at seven hear of it at eight.
    "digests": {
        "task": "studyportal.tasks.mails.send_digests",
        "schedule": crontab(hour="7-11", minute="10"),
        "options": {"expires": 1800},
    },
    "sweep": {
        "task": "studyportal.tasks.sweep.sweep",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    # Not by way of the sweeper, which may wait behind long tasks of its queue.
    "wake": {
        "task": "studyportal.tasks.gpu.translate",
        "args": ["timetable"],
        "schedule": 10.0,
        "options": {"expires": 10, "queue": "gpu"},
    },
    "anchor": {
        "task": "studyportal.tasks.anchoring.anchor_chain",
        "schedule": crontab(hour=0, minute=30),
        "options": {"expires": 3600},
    },
    "inbox": {
        "task": "studyportal.tasks.intake.read_inbox",
        "schedule": 10.0,
        "options": {"expires": 10, "queue": "intake"},
    },
}
