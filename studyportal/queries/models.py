from datetime import date

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils import timezone

from studyportal.core.models import Identified
from studyportal.core.searching import Bigrams
from studyportal.core.tracking import tracked
from studyportal.queries.states import LIVE, MessageKind, QueryStatus
from studyportal.sites.rules import ROLE_NAMES


@tracked(site="site")
class DataQuery(Identified):
    """Something the study asks a site to mend or explain. Names what it is about by plain keys, not by reference."""

    site = models.ForeignKey("sites.Site", models.PROTECT, related_name="+", help_text="Site asked")
    participant_code = models.CharField(
        max_length=20,
        blank=True,
        help_text="Study code; empty while nobody knows to whom the data belong",
    )
    form = models.CharField(max_length=30, help_text="Form or part of the study it is about")
    field = models.CharField(
        max_length=60, blank=True, help_text="Field, series or criterion; empty for the whole form"
    )
    subject_id = models.UUIDField(help_text="The row it is about")
    rule = models.CharField(
        max_length=60, blank=True, help_text="Id of the rule; empty when a person asked"
    )
    evidence = models.CharField(
        max_length=64, blank=True, help_text="What the rule looked at when it found the fault"
    )
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in QueryStatus], help_text="Status"
    )
    question = models.TextField(help_text="What is to be mended or explained")
    assigned_to = models.CharField(
        max_length=30,
        choices=[(r.value, n) for r, n in ROLE_NAMES.items()],
        help_text="Role at the site that is asked",
    )
    opened_at = models.DateTimeField(help_text="When it was first asked (UTC)")
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who asked; empty when a rule did",
    )
    answered_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was last answered (UTC)"
    )
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When it was closed (UTC)")
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who closed it; empty when the fault was mended",
    )

    class Meta:
        ordering = ("opened_at", "id")
        verbose_name_plural = "data queries"
        constraints = (
            models.UniqueConstraint(
                fields=("rule", "subject_id", "field"),
                condition=models.Q(status__in=[s.value for s in LIVE]) & ~models.Q(rule=""),
                name="query_one_live_per_rule_and_subject",
            ),
            models.CheckConstraint(
                condition=models.Q(rule="", opened_by__isnull=False)
                | (~models.Q(rule="") & models.Q(opened_by=None)),
                name="query_asked_by_a_rule_or_a_person",
            ),
            models.CheckConstraint(
                condition=models.Q(closed_by=None) | models.Q(closed_at__isnull=False),
                name="query_closed_by_someone_at_some_time",
            ),
            models.CheckConstraint(condition=~models.Q(question=""), name="query_asks_something"),
        )
        indexes = (
            models.Index(fields=("status", "site", "opened_at"), name="query_status_site"),
            models.Index(fields=("participant_code", "status"), name="query_participant"),
            models.Index(fields=("subject_id", "form"), name="query_subject"),
        )

    def __str__(self) -> str:
        return f"query on {self.participant_code or self.site.code}"

    @property
    def opened_on(self) -> date:
        """The day it was opened, in the study's time zone; its age counts from then."""
        return timezone.localdate(self.opened_at)

    @property
    def group(self) -> tuple[str, str, str]:
        """Queries with the same participant (or else site) and form stand together."""
        return self.participant_code, self.site.code, self.form


@tracked(site="query__site")
class QueryMessage(models.Model):
    """One message of a query's thread; append-only, by trigger."""

    query = models.ForeignKey(DataQuery, models.PROTECT, related_name="messages", help_text="Query")
    kind = models.CharField(
        max_length=12, choices=[(k.value, k.value) for k in MessageKind], help_text="What it did"
    )
    text = models.TextField(help_text="What was said")
    at = models.DateTimeField(help_text="When (UTC)")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who said it; empty when the portal did",
    )

    class Meta:
        ordering = ("at", "id")
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(text=""), name="query_message_says_something"
            ),
        )
        indexes = (GinIndex(Bigrams(models.F("text")), name="query_message_bigrams"),)

    def __str__(self) -> str:
        return f"{self.kind} in {self.query}"
