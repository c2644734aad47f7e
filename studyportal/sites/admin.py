from django.contrib import admin

from studyportal.core.admin import ReadOnlyAdmin
from studyportal.sites.models import Membership, Site

admin.site.register([Site, Membership], ReadOnlyAdmin)
