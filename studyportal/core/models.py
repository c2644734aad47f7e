"""People, the audit trail with its chain, and the history of every status. All but people are append-only, by trigger."""

import uuid

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from studyportal.core.tracking import chained, tracked


class Digest(models.TextChoices):
    """How often a person is written to about what waits for them."""

    DAILY = "daily", _("every morning")
    WEEKLY = "weekly", _("on Mondays")
    NEVER = "never", _("never")


@tracked(hidden=("last_login",), noted=("password",))
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


@tracked()
class UserGroup(User.groups.through):  # type: ignore[name-defined]  # the link table, which Django makes
    """One person in one group of the admin site."""

    class Meta:
        proxy = True


@tracked()
class UserPermission(User.user_permissions.through):  # type: ignore[name-defined]
    """One permission of one person in the admin site."""

    class Meta:
        proxy = True


class Identified(models.Model):
    """A row with an unguessable id, which is what addresses in the browser carry."""

    id = models.UUIDField(
        primary_key=True, default=uuid.uuid4, editable=False, help_text="Unguessable identifier"
    )

    class Meta:
        abstract = True


@chained("move")
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


@chained("act")
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


class TrailEntry(models.Model):
    """The place of one event in the audit trail, with the digest of what it says. Written by the database alone."""

    written_by_the_database = True

    link = models.UUIDField(help_text="Link of the chain, one for each transaction")
    position = models.PositiveIntegerField(help_text="Position within the link, from 1")
    at = models.DateTimeField(help_text="When it was written (UTC)")
    source = models.CharField(max_length=63, help_text="Table that holds the event")
    event_id = models.BigIntegerField(help_text="Key of the event in that table")
    label = models.CharField(
        max_length=40, help_text="insert, update, delete, act, move or redaction"
    )
    object_id = models.CharField(max_length=40, help_text="Key of the row that it speaks of")
    participant_id = models.UUIDField(
        null=True, help_text="Participant concerned; empty when it is none"
    )
    site_id = models.UUIDField(null=True, help_text="Site concerned; empty for the whole study")
    user_id = models.BigIntegerField(null=True, help_text="Who acted; empty for the portal itself")
    shape = models.CharField(max_length=32, help_text="Which columns the event had, by digest")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the event as it was written")

    class Meta:
        ordering = ("id",)
        verbose_name_plural = "trail entries"
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("link", "position"), name="trail_position_once"),
        )
        indexes = (
            models.Index(fields=("source", "event_id"), name="trail_event"),
            models.Index(fields=("object_id", "id"), name="trail_object"),
            models.Index(fields=("participant_id", "id"), name="trail_participant"),
            models.Index(fields=("site_id", "id"), name="trail_site"),
            models.Index(fields=("user_id", "id"), name="trail_user"),
            models.Index(fields=("site_id", "user_id"), name="trail_site_user"),
            BrinIndex(fields=("at",), name="trail_at"),
        )

    def __str__(self) -> str:
        return f"{self.label} of {self.object_id} ({self.source} {self.event_id})"


class ChainLink(models.Model):
    """One transaction in the chain, sealed at its very end. Written by the database alone."""

    written_by_the_database = True

    id = models.UUIDField(primary_key=True, help_text="Identifier")
    opened_at = models.DateTimeField(help_text="When its first event was written (UTC)")
    database_role = models.CharField(max_length=63, help_text="Role of the database that wrote")
    application = models.CharField(max_length=63, blank=True, help_text="Name of its program")
    client = models.CharField(max_length=50, blank=True, help_text="Network address it came from")
    closed = models.BooleanField(default=False, help_text="The transaction is ending")
    number = models.BigIntegerField(null=True, unique=True, help_text="Number in the chain, from 1")
    sealed_at = models.DateTimeField(null=True, help_text="When it was sealed (UTC)")
    entries = models.PositiveIntegerField(null=True, help_text="Events in it")
    entries_sha256 = models.CharField(max_length=64, blank=True, help_text="Digest over its events")
    previous_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Digest of the link before"
    )
    sha256 = models.CharField(max_length=64, blank=True, help_text="Digest of this link")

    class Meta:
        ordering = ("number",)
        default_permissions = ()

    def __str__(self) -> str:
        return f"link {self.number}"


class ChainHead(models.Model):
    """The end of the chain: the one row that every transaction locks last. Written by the database alone."""

    written_by_the_database = True

    id = models.PositiveSmallIntegerField(primary_key=True, help_text="Always 1")
    number = models.BigIntegerField(help_text="Number of the last link")
    sha256 = models.CharField(max_length=64, help_text="Digest of the last link")

    class Meta:
        default_permissions = ()
        constraints = (models.CheckConstraint(condition=models.Q(id=1), name="chain_has_one_head"),)

    def __str__(self) -> str:
        return f"head at {self.number}"


class EventShape(models.Model):
    """Which columns a table of events had. Written by the database alone."""

    written_by_the_database = True

    key = models.CharField(primary_key=True, max_length=32, help_text="MD5 of the columns")
    columns = models.TextField(help_text="Columns, joined by commas")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.key


@chained("redaction")
class Redaction(models.Model):
    """One personal detail taken out of one event, by whom and why; what is left is known by its digest."""

    at = models.DateTimeField(help_text="When (UTC)")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who redacted"
    )
    source = models.CharField(max_length=63, help_text="Table that holds the event")
    event_id = models.BigIntegerField(help_text="Key of the event in that table")
    object_id = models.CharField(max_length=40, help_text="Key of the row that it speaks of")
    field = models.CharField(max_length=63, help_text="Column that was redacted")
    reason = models.TextField(help_text="Why, in words that do not repeat the detail")
    digest_before = models.CharField(max_length=64, help_text="SHA-256 of the event before")
    digest_after = models.CharField(max_length=64, help_text="SHA-256 of the event after")

    class Meta:
        ordering = ("at", "id")
        default_permissions = ()
        constraints = (
            models.CheckConstraint(condition=~models.Q(reason=""), name="redaction_has_a_reason"),
        )
        indexes = (models.Index(fields=("source", "event_id"), name="redaction_event"),)

    def __str__(self) -> str:
        return f"redaction of {self.field} in {self.source} {self.event_id}"
