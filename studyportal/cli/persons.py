"""The acting person of a command."""

from django.core.management.base import CommandError

from studyportal.core.errors import Refused
from studyportal.core.models import User
from studyportal.core.selectors import user_named


def acting_person(username: str) -> User:
    """The active person with this user name.

    Raises
    ------
    CommandError
        When there is none.
    """
    user = user_named(username)
    if user is None:
        raise CommandError(f"There is no active person with the user name “{username}”.")
    return user


def as_command_error(refusal: Refused) -> CommandError:
    """Every reason of a refusal, a line each."""
    return CommandError("\n".join(str(reason) for reason in refusal.reasons))
