"""The WSGI application that the production web server loads."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from studyportal.config.start import refuse_known_keys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyportal.config.settings")
refuse_known_keys()
application = get_wsgi_application()

# Pages are imported before the first request asks for one. What is loaded then stays: looking through it for garbage
# took as long as a page, again and again, in the middle of one.
_pages = get_resolver().url_patterns
gc.collect()
gc.freeze()
