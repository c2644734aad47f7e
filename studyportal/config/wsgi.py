"""The WSGI application that the production web server loads."""

import os

from django.core.wsgi import get_wsgi_application

from studyportal.config.start import refuse_known_keys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyportal.config.settings")
refuse_known_keys()
application = get_wsgi_application()
