"""Reads what an installation varies: environment variables, and files where a value is secret.

A secret may stand in the variable itself or, better, in a file that `<NAME>_FILE` names, as Docker, Kubernetes
and systemd hand it over.
"""

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

LEAST_KEY_LENGTH = 50
LEAST_DIFFERENT_CHARACTERS = 10  # of a key: fewer were typed, not drawn
DEMO_SECRET_KEY = "demo-only-key-never-used-where-STUDYPORTAL_PRODUCTION-is-set"  # noqa: S105 refused elsewhere
DEMO_DEIDENTIFICATION_KEY = "demo-only-deidentification-key-of-no-real-study"
DEMO_KEYS = frozenset({DEMO_SECRET_KEY, DEMO_DEIDENTIFICATION_KEY})


def flag(name: str, *, default: bool = False) -> bool:
    """Return whether the variable says yes; `default` where it is not set."""
    value = os.environ.get(name, "").strip().lower()
    return value in {"1", "true", "yes", "on"} if value else default


def number(name: str, default: int) -> int:
    """Return the whole number of this variable, or stop with a sentence that names it."""
    value = os.environ.get(name, "")
    if value and not value.isdigit():
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be a whole number.")
    return int(value) if value else default


def listed(name: str) -> list[str]:
    """Return the parts between the commas of this variable."""
    return [part.strip() for part in os.environ.get(name, "").split(",") if part.strip()]


def secret(name: str, default: str = "") -> str:
    """Return the value of `name`, or the content of the file that `<name>_FILE` names.

    Raises
    ------
    ImproperlyConfigured
        When both are set, or when the file cannot be read or is empty.
    """
    value, place = os.environ.get(name, ""), os.environ.get(f"{name}_FILE", "")
    if value and place:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set; keep one of them.")
    if not place:
        return value or default
    try:
        content = Path(place).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise ImproperlyConfigured(
            f"{name}_FILE names {place}, which cannot be read ({type(fault).__name__})."
        ) from fault
    if not content:
        raise ImproperlyConfigured(f"{name}_FILE names {place}, which is empty.")
    return content


def required(name: str, where: str) -> str:
    """Return the value, or stop with a sentence that names the variable."""
    value = secret(name)
    if not value:
        raise ImproperlyConfigured(f"{name} is not set. {where}")
    return value


def strong_key(name: str, where: str) -> str:
    """Return the key; one that is missing, short, typed by hand or known from the demonstration stops the start."""
    value = required(name, where)
    if value in DEMO_KEYS:
        raise ImproperlyConfigured(f"{name} is the key of the demonstration. {where}")
    if len(value) < LEAST_KEY_LENGTH or len(set(value)) < LEAST_DIFFERENT_CHARACTERS:
        raise ImproperlyConfigured(
            f"{name} is too weak: it needs at least {LEAST_KEY_LENGTH} random characters. {where}"
        )
    return value


PRODUCTION = flag("STUDYPORTAL_PRODUCTION")
# A study of simulated participants: known keys, one-click personas, codes off unless they are asked for.
DEMO = flag("STUDYPORTAL_DEMO")
if PRODUCTION and DEMO:
    raise ImproperlyConfigured(
        "STUDYPORTAL_PRODUCTION and STUDYPORTAL_DEMO are both set; the demonstration is never production."
    )
