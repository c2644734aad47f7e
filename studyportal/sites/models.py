from django.conf import settings
from django.db import models

from studyportal.core import clock
from studyportal.core.models import Identified
from studyportal.core.tracking import SELF, tracked
from studyportal.sites.rules import ROLE_NAMES, LockKind
from studyportal.sites.states import LockStatus, SiteStatus


@tracked(site=SELF)
class Site(Identified):
    """A hospital that takes part."""

    code = models.CharField(
        max_length=12, unique=True, help_text="Short code, first part of a participant's code"
    )
    name = models.CharField(max_length=200, help_text="Name in English")
    name_zh = models.CharField(max_length=200, help_text="Name in Chinese")
    city = models.CharField(max_length=80, help_text="City")
    province = models.CharField(max_length=80, help_text="Province")
    target = models.PositiveIntegerField(help_text="Participants to enrol at this site")
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in SiteStatus], help_text="Status"
    )

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


@tracked(site="site")
class Membership(Identified):
    """One role of one person, at one site or in the whole study. Ended, never deleted."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="memberships", help_text="Person"
    )
    role = models.CharField(
        max_length=30, choices=[(r.value, n) for r, n in ROLE_NAMES.items()], help_text="Role"
    )
    site = models.ForeignKey(
        Site,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="memberships",
        help_text="Site; empty for the whole study",
    )
    began_at = models.DateTimeField(help_text="Since when (UTC)")
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="Until when (UTC); empty while it lasts"
    )

    class Meta:
        ordering = ("user", "role")
        constraints = (
            models.UniqueConstraint(
                fields=("user", "role", "site"),
                condition=models.Q(ended_at=None),
                name="membership_once",
                nulls_distinct=False,
            ),
        )

    def __str__(self) -> str:
        return f"{self.user}: {self.get_role_display()} at {self.site.code if self.site else 'the study'}"


@tracked(site="site")
class Invitation(Identified):
    """A person was asked by mail to make an account with one role. Only the digest of the mail's token is kept."""

    email = models.EmailField(help_text="Where the invitation went")
    role = models.CharField(
        max_length=30, choices=[(r.value, n) for r, n in ROLE_NAMES.items()], help_text="Role"
    )
    site = models.ForeignKey(
        Site,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="invitations",
        help_text="Site; empty for the whole study",
    )
    token_sha256 = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the token that the mail carries"
    )
    invited_at = models.DateTimeField(help_text="When it was made (UTC)")
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who invited"
    )
    expires_at = models.DateTimeField(help_text="Until when it can be accepted (UTC)")
    accepted_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was accepted (UTC)"
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="The account that was made",
    )
    withdrawn_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was withdrawn (UTC)"
    )

    class Meta:
        ordering = ("-invited_at",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(accepted_at=None, accepted_by=None)
                | models.Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="invitation_accepted_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(accepted_at=None) | models.Q(withdrawn_at=None),
                name="invitation_accepted_or_withdrawn",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("invited_at")),
                name="invitation_expires_later",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_role_display()} at {self.site.code if self.site else 'the study'}"

    @property
    def is_open(self) -> bool:
        """Whether it can still be accepted."""
        unspent = self.accepted_at is None and self.withdrawn_at is None
        return unspent and self.expires_at > clock.now()


@tracked()
class AccessReview(Identified):
    """Somebody looked at who has access to what, and kept what they saw. Append-only."""

    at = models.DateTimeField(help_text="When the review was kept (UTC)")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who reviewed"
    )
    note = models.TextField(help_text="What follows from it, in words")
    content = models.JSONField(
        help_text="One entry a person: roles, last sign-in, factors, findings"
    )
    sha256 = models.CharField(max_length=64, help_text="SHA-256 of the content as canonical JSON")

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return f"Access review of {self.at:%Y-%m-%d}"


@tracked(site="site")
class DataLock(Identified):
    """Data of a site, or of the whole study, that nobody may change while it stands."""

    of_every_site_without_site = True

    site = models.ForeignKey(
        Site,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="locks",
        help_text="Site; empty for the whole study",
    )
    kind = models.CharField(
        max_length=10,
        choices=[(k.value, k.value) for k in LockKind],
        help_text="Freeze, which one person lifts, or lock, which takes two",
    )
    status = models.CharField(
        max_length=20, choices=[(s.value, s.value) for s in LockStatus], help_text="Status"
    )
    why = models.TextField(help_text="Why the data may not change any more")
    locked_at = models.DateTimeField(help_text="Since when (UTC)")
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", help_text="Who locked"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who asked for the unlocking; empty when nobody has",
    )
    unlock_why = models.TextField(blank=True, help_text="Why it should be, or was, lifted")
    lifted_at = models.DateTimeField(
        null=True, blank=True, help_text="Until when (UTC); empty while it stands"
    )
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who lifted it; of a lock never who asked for it",
    )

    class Meta:
        ordering = ("-locked_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("site", "kind"),
                condition=~models.Q(status="lifted"),
                name="lock_one_of_a_kind_stands",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=~models.Q(status="lifted") | models.Q(lifted_at__isnull=False),
                name="lock_lifted_at_some_time",
            ),
            models.CheckConstraint(
                condition=models.Q(lifted_at=None, lifted_by=None)
                | models.Q(lifted_at__isnull=False, lifted_by__isnull=False),
                name="lock_lifted_by_someone",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="freeze")
                | models.Q(lifted_by=None)
                | (models.Q(asked_by__isnull=False) & ~models.Q(asked_by=models.F("lifted_by"))),
                name="lock_lifted_by_two_people",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.site.code if self.site else 'the study'}"
