"""The versions of the consent form, site by site."""

from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.participants.rules import Language


@tracked(site="site")
class ConsentVersion(Identified):
    """One version of the consent form in one language, as a site's ethics committee approved it."""

    site = models.ForeignKey(
        "sites.Site", models.PROTECT, related_name="consent_versions", help_text="Site"
    )
    version = models.CharField(max_length=20, help_text="Version of the consent form")
    language = models.CharField(
        max_length=2,
        choices=[(one.value, one.name.lower()) for one in Language],
        help_text="Language it is written in",
    )
    valid_from = models.DateField(help_text="Day from which it may be signed")
    valid_until = models.DateField(
        null=True,
        blank=True,
        help_text="Day on which a newer one replaced it; empty while it counts",
    )
    requires_reconsent = models.BooleanField(
        default=False, help_text="Whoever signed an earlier version must sign this one too"
    )
    reconsent_by = models.DateField(
        null=True,
        blank=True,
        help_text="Day from which nothing new is collected without it; empty for at once",
    )
    approval = models.CharField(
        max_length=200, blank=True, help_text="Number of the ethics committee's approval"
    )
    declared_at = models.DateTimeField(help_text="When it was declared here (UTC)")
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who declared it"
    )

    class Meta:
        ordering = ("site", "language", "valid_from")
        constraints = (
            models.UniqueConstraint(
                fields=("site", "version", "language"), name="consent_version_declared_once"
            ),
            models.UniqueConstraint(
                fields=("site", "language"),
                condition=models.Q(valid_until=None),
                name="consent_version_one_in_force",
            ),
            models.CheckConstraint(
                condition=models.Q(valid_until=None)
                | models.Q(valid_until__gt=models.F("valid_from")),
                name="consent_version_ends_after_it_began",
            ),
            models.CheckConstraint(
                condition=models.Q(reconsent_by=None) | models.Q(requires_reconsent=True),
                name="consent_version_deadline_of_reconsent",
            ),
        )

    def __str__(self) -> str:
        return f"{self.site.code} consent v{self.version} ({self.language})"
