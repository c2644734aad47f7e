"""The WSGI application that the production web server loads."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyportal.config.settings")
application = get_wsgi_application()
