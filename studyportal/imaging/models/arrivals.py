"""What came over the network and nobody assigned yet."""

from django.conf import settings
from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.imaging.states import ArrivalStatus, Way


@tracked(site="site", hidden=("patient_key", "study_key", "series_key"))
class Arrival(Identified):
    """Images of one series that came over the network. Who the patient is, is known as a keyed digest only."""

    site = models.ForeignKey("sites.Site", models.PROTECT, related_name="+", help_text="Site")
    status = models.CharField(
        max_length=12, choices=[(s.value, s.value) for s in ArrivalStatus], help_text="Status"
    )
    way = models.CharField(
        max_length=8, choices=[(w.value, w.value) for w in Way], help_text="How it came"
    )
    sender = models.CharField(
        max_length=150, help_text="AE title of the sender, or user name of the person who sent it"
    )
    patient_key = models.CharField(
        max_length=64, blank=True, help_text="Keyed digest of the hospital's patient identifier"
    )
    several_patients = models.BooleanField(
        default=False, help_text="Its images name more than one patient"
    )
    study_key = models.CharField(
        max_length=32, blank=True, help_text="Keyed digest of the StudyInstanceUID as sent"
    )
    series_key = models.CharField(
        max_length=32, help_text="Keyed digest of the SeriesInstanceUID as sent"
    )
    modality = models.CharField(
        max_length=16, blank=True, help_text="Modality; empty when it cannot be read"
    )
    files = models.PositiveIntegerField(default=0, help_text="Different files that came")
    size = models.BigIntegerField(default=0, help_text="Bytes that came")
    broken_off = models.BooleanField(
        default=False, help_text="The sender broke off, or an image beside these could not be kept"
    )
    first_at = models.DateTimeField(help_text="When its first images were read (UTC)")
    last_at = models.DateTimeField(help_text="When its last images were read (UTC)")
    note = models.TextField(blank=True, help_text="Why the portal did not assign it by itself")
    series = models.ForeignKey(
        "imaging.ImagingSeries",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="arrivals",
        help_text="Series it was assigned as",
    )
    reason = models.TextField(blank=True, help_text="Why it was discarded")

    class Meta:
        ordering = ("first_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("site", "series_key"),
                condition=models.Q(status__in=("collecting", "waiting")),
                name="arrival_one_open_per_series",
            ),
            models.CheckConstraint(
                condition=~models.Q(status="assigned") | ~models.Q(series=None),
                name="arrival_assigned_as_a_series",
            ),
        )
        indexes = (models.Index(fields=("status", "last_at"), name="arrival_status"),)

    def __str__(self) -> str:
        return f"arrival at {self.site} from {self.sender}"


@tracked(site="arrival__site")
class ArrivalConflict(Identified):
    """An image came again with other bytes under the same UID. The first one was kept; a person settles it."""

    arrival = models.ForeignKey(
        Arrival, models.PROTECT, related_name="conflicts", help_text="Arrival of its series"
    )
    instance_key = models.CharField(
        max_length=32, help_text="Keyed digest of the SOPInstanceUID as sent"
    )
    kept_sha256 = models.CharField(max_length=64, help_text="Digest of the dataset that was kept")
    refused_sha256 = models.CharField(
        max_length=64, help_text="Digest of the dataset that was not taken"
    )
    sender = models.CharField(max_length=150, help_text="Who sent it again")
    found_at = models.DateTimeField(help_text="When it was noticed (UTC)")
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When it was settled (UTC)")
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who settled it",
    )
    settled_reason = models.TextField(blank=True, help_text="How it was settled")

    class Meta:
        ordering = ("found_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("arrival", "instance_key", "refused_sha256"), name="conflict_once"
            ),
            models.CheckConstraint(
                condition=models.Q(settled_at=None, settled_by=None)
                | (
                    ~models.Q(settled_at=None)
                    & ~models.Q(settled_by=None)
                    & ~models.Q(settled_reason="")
                ),
                name="conflict_settled_by_someone_for_a_reason",
            ),
        )

    def __str__(self) -> str:
        return f"conflict in {self.arrival}"
