"""People, the audit trail and the history of every status. The last two are append-only, by trigger."""

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Digest(models.TextChoices):
    """How often a person is written to about what waits for them."""

    DAILY = "daily", _("every morning")
    WEEKLY = "weekly", _("on Mondays")
    NEVER = "never", _("never")


class User(AbstractUser):
    """A person who signs in. What they may do follows from their memberships, not from flags here."""

    display_name = models.CharField(
        max_length=120, blank=True, help_text="How the portal names this person"
    )
    digest = models.CharField(
        max_length=10,
        choices=Digest.choices,
        default=Digest.DAILY,
        help_text="How often an e-mail says what waits",
    )
    digest_sent_on = models.DateField(
        null=True, blank=True, help_text="Day of the last such e-mail"
    )
    language = models.CharField(
        max_length=12,
        blank=True,
        choices=settings.LANGUAGES,
        help_text="Language of pages, messages and e-mails; empty for that of the browser",
    )

    class Meta(AbstractUser.Meta):
        ordering = ("username",)

    def __str__(self) -> str:
        return self.display_name or self.username


class Identified(models.Model):
    """A row with an unguessable id, which is what addresses in the browser carry."""

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, editable=False, help_text="Unguessable identifier"
    )

    class Meta:
        abstract = True


class StatusChange(models.Model):
    """One move of one state machine."""

    at = models.DateTimeField(help_text="When the move was made (UTC)")
    machine = models.CharField(max_length=40, help_text="Which state machine")
    object_id = models.UUIDField(help_text="The row that moved")
    origin = models.CharField(
        max_length=30, blank=True, help_text="Status before; empty at creation"
    )
    target = models.CharField(max_length=30, help_text="Status after")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who moved it; empty when the portal did it by itself",
    )
    reason = models.TextField(blank=True, help_text="Why, in words")

    class Meta:
        ordering = ("at", "id")
        indexes = (models.Index(fields=("machine", "object_id", "at"), name="core_change_object"),)

    def __str__(self) -> str:
        return f"{self.machine}: {self.origin or '(new)'} → {self.target}"


class AuditEvent(models.Model):
    """One act of one person or of the portal. Holds no foreign key to what it speaks of, so it survives everything."""

    at = models.DateTimeField(help_text="When it happened (UTC)")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        related_name="+",
        help_text="Who acted; empty when the portal did it by itself",
    )
    verb = models.CharField(max_length=60, help_text="What was done, as a service name")
    object_type = models.CharField(max_length=40, help_text="Kind of the row acted on")
    object_id = models.CharField(max_length=40, help_text="Identifier of the row acted on")
    site_code = models.CharField(
        max_length=12, blank=True, help_text="Site concerned, empty for study-wide acts"
    )
    sentence = models.TextField(help_text="The act as a sentence, without names or clinical values")
    reason = models.TextField(blank=True, help_text="Why, as the person gave it")

    class Meta:
        ordering = ("at", "id")
        indexes = (
            models.Index(fields=("object_type", "object_id", "at"), name="core_event_object"),
            models.Index(fields=("at",), name="core_event_at"),
        )

    def __str__(self) -> str:
        return self.sentence
