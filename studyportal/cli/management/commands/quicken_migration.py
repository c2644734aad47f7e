"""`manage.py quicken_migration APP NAME`: a new migration of tracked models is written anew with quick operations."""

from argparse import ArgumentParser
from importlib import import_module
from pathlib import Path
from typing import Any

import pgtrigger.migrations
from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import migrations
from django.db.migrations.operations.base import Operation
from django.db.migrations.optimizer import MigrationOptimizer
from django.db.migrations.writer import MigrationWriter

from studyportal.core.event_migrations import AddTrigger, CreateEvents


class Command(BaseCommand):
    help = (
        "Put quick operations for tables of events and triggers into a migration that makemigrations wrote and that "
        "was not applied anywhere yet. Steps of Python must be added afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("app")
        parser.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        app, name = options["app"], options["name"]
        module = import_module(f"{apps.get_app_config(app).name}.migrations.{name}")
        former = module.Migration
        kind = type(
            "Migration",
            (migrations.Migration,),
            {
                "operations": _quickened(list(former.operations), app),
                "dependencies": former.dependencies,
            },
        )
        Path(str(module.__file__)).write_text(MigrationWriter(kind(name, app)).as_string(), "utf-8")


def _quickened(operations: list[Operation], app: str) -> list[Operation]:
    """The operations with triggers last, so that the others join into whole tables."""
    triggers = [one for one in operations if isinstance(one, pgtrigger.migrations.AddTrigger)]
    others = [one for one in operations if one not in triggers]
    proxies = [one for one in others if isinstance(one, migrations.CreateModel) and _proxy(one)]
    rest = [one for one in others if one not in proxies]
    joined = MigrationOptimizer().optimize([*proxies, *rest], app)
    quick = [AddTrigger(model_name=one.model_name, trigger=one.trigger) for one in triggers]
    return [*(_quick(one) for one in joined), *quick]


def _proxy(operation: migrations.CreateModel) -> bool:
    return bool(operation.options.get("proxy"))


def _quick(operation: Operation) -> Operation:
    if not isinstance(operation, migrations.CreateModel) or not operation.name.endswith("Event"):
        return operation
    return CreateEvents(
        name=operation.name,
        fields=operation.fields,
        options=operation.options,
        bases=operation.bases,
        managers=operation.managers,
    )
