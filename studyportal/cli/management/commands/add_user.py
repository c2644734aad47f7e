"""`manage.py add_user`: a person exists and holds a role."""

from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from studyportal.cli.persons import acting_person, as_command_error
from studyportal.core.errors import Refused
from studyportal.core.models import User
from studyportal.core.selectors import user_named
from studyportal.sites.rules import Role
from studyportal.sites.selectors import site_by_code
from studyportal.sites.services import give_role


class Command(BaseCommand):
    help = "Create a person if there is none with this user name, and give a role at a site or in the study."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("role", choices=[role.value for role in Role])
        parser.add_argument(
            "--site", help="code of the site; leave out for a role in the whole study"
        )
        parser.add_argument("--by", help="user name of the person who gives the role")

    def handle(self, *args: Any, **options: Any) -> None:
        by = acting_person(options["by"]) if options["by"] else None
        site = site_by_code(options["site"]) if options["site"] else None
        if options["site"] and site is None:
            raise CommandError(f"There is no site {options['site']}.")
        with transaction.atomic():
            user = user_named(options["username"]) or self._new(options["username"])
            try:
                membership = give_role(user=user, role=Role(options["role"]), site=site, by=by)
            except Refused as refusal:
                raise as_command_error(refusal) from refusal
        self.stdout.write(str(membership))

    def _new(self, username: str) -> User:
        password = getpass(f"Password for {username}: ")
        try:
            validate_password(password)
        except ValidationError as faults:
            raise CommandError(" ".join(faults.messages)) from faults
        return User.objects.create_user(username=username, password=password)
