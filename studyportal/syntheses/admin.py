from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.syntheses.models import JobAttempt, ModelRelease, SynthesisJob, SyntheticSeries

admin.site.register([ModelRelease, SynthesisJob, JobAttempt, SyntheticSeries], ReadOnlyAdmin)
