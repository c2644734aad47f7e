from django.db import models

from studyportal.core.models import Identified
from studyportal.core.tracking import tracked
from studyportal.protocol.states import ProtocolVersionStatus


@tracked()
class ProtocolVersion(Identified):
    """One version of the registered protocol, kept as the text it was loaded from."""

    registry_number = models.CharField(max_length=20, help_text="Number in the trial registry")
    version = models.CharField(max_length=20, help_text="Version of the protocol")
    title = models.CharField(max_length=300, help_text="Registered title")
    text = models.TextField(help_text="The protocol file, as loaded (TOML)")
    sha256 = models.CharField(max_length=64, unique=True, help_text="Digest of the protocol file")
    status = models.CharField(
        max_length=20,
        choices=[(s.value, s.value) for s in ProtocolVersionStatus],
        help_text="Status",
    )
    loaded_at = models.DateTimeField(help_text="When it was loaded (UTC)")

    class Meta:
        ordering = ("registry_number", "version")
        constraints = (
            models.UniqueConstraint(
                fields=("registry_number", "version"), name="protocol_version_once"
            ),
            models.UniqueConstraint(
                fields=("registry_number",),
                condition=models.Q(status="active"),
                name="protocol_one_active",
            ),
        )

    def __str__(self) -> str:
        return f"{self.registry_number} v{self.version}"
