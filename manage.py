#!/usr/bin/env python3
"""Runs one command of the portal, with embedded PostgreSQL and Redis where no servers are named."""

import getpass
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

try:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    from studyportal.config import embedded
    from studyportal.config.start import refuse_known_keys
    from studyportal.core.audit_context import acting
except ModuleNotFoundError as missing:
    sys.exit(
        f"The Python package {missing.name!r} is not installed here. "
        "Run `make venv`, then `.venv/bin/python manage.py ...`."
    )

NEED_NO_KEYS = {
    "help",
    "version",
    "--help",
    "-h",
    "--version",
    "build_assets",
    "translations",
    "sbom",
    "audit_packages",
    "deidentify",  # works with the key that it is given
}
NEED_NO_DATABASE = NEED_NO_KEYS | {"receive"}
RUN_THE_PORTAL = {"up", "demo"}  # they start the broker and its workers


def named(variable: str) -> bool:
    """Whether the environment holds the value, or names the file that does."""
    return bool(os.environ.get(variable) or os.environ.get(f"{variable}_FILE"))


def choose_keys(command: str, var: Path) -> None:
    """The demonstration goes on with its known keys; any other embedded installation has keys of its own."""
    if command == "demo" or (var / "demo").is_dir():
        os.environ.setdefault("STUDYPORTAL_DEMO", "1")
    else:
        draw = command not in NEED_NO_KEYS and not named("DATABASE_URL")
        embedded.use_own_keys(var, draw=draw)


def choose_servers(command: str, running: ExitStack) -> None:
    """Name the embedded servers in the environment where it names none."""
    var = Path(
        os.environ.get("STUDYPORTAL_VAR") or Path(__file__).resolve().parent / "var"
    ).resolve()
    choose_keys(command, var)
    needed = command not in NEED_NO_DATABASE
    if not named("DATABASE_URL"):
        os.environ["DATABASE_URL"] = (
            embedded.ensure_database(var) if needed else "postgresql:///not-started"
        )
    if command in RUN_THE_PORTAL:
        running.enter_context(embedded.sole_runner(var))
    if not named("CELERY_BROKER_URL"):
        if command in RUN_THE_PORTAL:
            running.callback(embedded.stop_redis, var)
            os.environ["CELERY_BROKER_URL"] = embedded.ensure_redis(var)
        elif needed and (broker := embedded.live_redis(var)):
            os.environ["CELERY_BROKER_URL"] = broker


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyportal.config.settings")
    # Without this, SIGTERM would end the process before the embedded servers are stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    command = "help" if {"--help", "-h"} & set(sys.argv) or len(sys.argv) < 2 else sys.argv[1]
    with ExitStack() as running:
        if not os.environ.get(
            "STUDYPORTAL_PRODUCTION"
        ):  # production names its servers, or is told which name is missing
            try:
                choose_servers(command, running)
            except embedded.EmbeddedServiceError as refused:
                sys.exit(str(refused))
        if command not in NEED_NO_KEYS:
            try:
                refuse_known_keys()
            except ImproperlyConfigured as refused:
                sys.exit(str(refused))
        with acting(command=command, operator=getpass.getuser()):
            execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
