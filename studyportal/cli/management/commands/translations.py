"""`manage.py translations`: list what lacks a Chinese text, refresh the catalogues, compile them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studyportal.cli.wording import BOOKS, compile_book, faults_of, refresh


class Command(BaseCommand):
    help = "List the texts that lack a Chinese one; with --write the catalogues list them, ready to be filled in."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--write", action="store_true", help="Bring the PO files up to date with the code"
        )
        parser.add_argument(
            "--compile", action="store_true", help="Only write the files that Django reads"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write"]:
            for book in BOOKS:
                refresh(book)
        for book in BOOKS:
            if book.compiled and book.file.is_file():
                compile_book(book)
        if options["compile"]:
            return
        faults = [fault for book in BOOKS for fault in faults_of(book)]
        for fault in faults:
            self.stdout.write(str(fault))
        if faults:
            raise CommandError(f"{len(faults)} texts lack a Chinese one.")
        self.stdout.write("Every text has a Chinese one.")
