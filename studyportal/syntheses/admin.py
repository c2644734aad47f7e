from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.syntheses.models import (
    JobAttempt,
    ModelRelease,
    PrimaryRelease,
    SynthesisBatch,
    SynthesisJob,
    SyntheticSeries,
)

admin.site.register(
    [ModelRelease, PrimaryRelease, SynthesisBatch, SynthesisJob, JobAttempt, SyntheticSeries],
    ReadOnlyAdmin,
)
