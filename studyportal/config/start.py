"""What every process that serves or works asks before it begins."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KNOWN_KEYS = (
    "The keys of this installation are those of the demonstration, which everybody can read. "
    "Set STUDYPORTAL_SECRET_KEY_FILE and STUDYPORTAL_DEIDENTIFICATION_KEY_FILE (docs/production.md says how to "
    "draw them), or STUDYPORTAL_DEMO=1 where all participants are simulated."
)


def refuse_known_keys() -> None:
    """Stop unless the keys are the installation's own, or the study is the demonstration."""
    if settings.ON_KNOWN_KEYS and not settings.DEMO:
        raise ImproperlyConfigured(KNOWN_KEYS)
