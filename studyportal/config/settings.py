"""The one settings file. Everything an installation may vary comes from the environment.

`manage.py` and the tests start embedded services and set DATABASE_URL and CELERY_BROKER_URL when they are
absent, so this file always reads the same two variables.
"""

import os
from pathlib import Path

import dj_database_url
import pghistory
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from studyportal.config.accounts import *  # noqa: F403 one part of these settings
from studyportal.config.accounts import ACCOUNT_APPS, OIDC_ORIGINS, TRUSTED_PROXIES
from studyportal.config.environment import (
    DEMO_DEIDENTIFICATION_KEY,
    DEMO_KEYS,
    DEMO_SECRET_KEY,
    PRODUCTION,
    flag,
    listed,
    number,
    required,
    secret,
    strong_key,
)
from studyportal.config.timetable import TIMETABLE

BASE_DIR = Path(__file__).resolve().parents[2]

DEBUG = False
VAR_DIR = Path(os.environ.get("STUDYPORTAL_VAR", BASE_DIR / "var")).resolve()
REPOSITORY_DIR = BASE_DIR

SECRET_KEY = (
    strong_key("STUDYPORTAL_SECRET_KEY", "Draw one as docs/production.md says.")
    if PRODUCTION
    else secret("STUDYPORTAL_SECRET_KEY", DEMO_SECRET_KEY)
)
# Apart from SECRET_KEY, because it must never change while the study runs: pseudonymous UIDs and date offsets hang on it.
DEIDENTIFICATION_KEY = (
    strong_key(
        "STUDYPORTAL_DEIDENTIFICATION_KEY",
        "Draw it once per study and keep a copy offline; see docs/production.md.",
    )
    if PRODUCTION
    else secret("STUDYPORTAL_DEIDENTIFICATION_KEY", DEMO_DEIDENTIFICATION_KEY)
)
if SECRET_KEY == DEIDENTIFICATION_KEY:
    raise ImproperlyConfigured(
        "STUDYPORTAL_SECRET_KEY and STUDYPORTAL_DEIDENTIFICATION_KEY are the same; draw two."
    )
# Outside the demonstration nothing starts on keys that everybody can read in the source.
ON_KNOWN_KEYS = not DEMO_KEYS.isdisjoint({SECRET_KEY, DEIDENTIFICATION_KEY})
ALLOWED_HOSTS = listed("STUDYPORTAL_HOSTS") or (
    [] if PRODUCTION else ["127.0.0.1", "localhost", "[::1]", "testserver"]
)
if PRODUCTION and (not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS):
    raise ImproperlyConfigured(
        "STUDYPORTAL_HOSTS must name the hosts the portal answers to, and not *."
    )
CSRF_TRUSTED_ORIGINS = listed("STUDYPORTAL_ORIGINS")
PORTAL_ADDRESS = (CSRF_TRUSTED_ORIGINS or ["http://127.0.0.1:8000"])[0]  # what e-mails lead to

INSTALLED_APPS = [
    "studyportal.config.administration.AdministrationConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "rest_framework.authtoken",
    "drf_spectacular",
    "pgtrigger",
    "pghistory",
    *ACCOUNT_APPS,
    "studyportal.core",
    "studyportal.protocol",
    "studyportal.sites",
    "studyportal.queries",
    "studyportal.participants",
    "studyportal.clinical",
    "studyportal.imaging",
    "studyportal.syntheses",
    "studyportal.reading",
    "studyportal.outcomes",
    "studyportal.exports",
    "studyportal.dashboards",
    "studyportal.api",
    "studyportal.dicom",
    "studyportal.cli",
    "studyportal.web",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "studyportal.config.audit.AuditContext",
    "studyportal.web.language.PersonLanguageMiddleware",
    "studyportal.web.middleware.OwnSites",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "studyportal.web.accounts.sessions.SessionLimits",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "studyportal.web.accounts.second_factor.SecondFactorRequired",
    "axes.middleware.AxesMiddleware",  # last: it answers for whoever is locked out
]

ROOT_URLCONF = "studyportal.config.urls"
WSGI_APPLICATION = "studyportal.config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "studyportal.web.context.portal",
            ],
        },
    }
]

_DATABASE_URL = required(
    "DATABASE_URL",
    "Start through manage.py to use the embedded PostgreSQL, or name your server.",
)
DATABASES = {
    "default": dj_database_url.parse(
        _DATABASE_URL,
        engine="studyportal.core.database",
        conn_max_age=60,
        conn_health_checks=True,
    )
}
# Who owns the tables; only `manage.py migrate` and `redact_audit` sign in like that.
DATABASE_OWNER = dj_database_url.parse(secret("DATABASE_OWNER_URL", _DATABASE_URL))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Events of the audit trail (core.tracking): when each was written, not when its transaction began. They are found
# by the row they speak of, so their other keys need no index.
PGHISTORY_CREATED_AT_FUNCTION = "clock_timestamp()"
PGHISTORY_FOREIGN_KEY_FIELD = pghistory.ForeignKey(db_index=False)
AUTH_USER_MODEL = "core.User"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [BASE_DIR / "studyportal" / "locale"]
# In which languages besides English the report of an evaluation is written; none with the value `en`.
REPORT_LANGUAGES = [
    language
    for language in listed("STUDYPORTAL_REPORT_LANGUAGES") or ["zh-Hans"]
    if language != "en"
]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": VAR_DIR / "media"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
ARCHIVE_DIR = VAR_DIR / "archive"  # write-once files addressed by digest
QUARANTINE_DIR = VAR_DIR / "quarantine"  # received, not yet de-identified; emptied by intake
WORK_DIR = VAR_DIR / "work"  # scratch of running jobs
# Where the end of the audit chain is kept every day: best a disk that cannot be written over, not this one.
AUDIT_ANCHOR_DIR = Path(os.environ.get("STUDYPORTAL_AUDIT_ANCHORS", VAR_DIR / "anchors"))
RELEASES_DIR = VAR_DIR / "releases"  # model releases registered from elsewhere
# What came over the network and was not read yet. It must lie on the same file system as the quarantine.
SPOOL_DIR = VAR_DIR / "spool"
SPOOL_MIN_FREE_BYTES = 1 << 30  # with less room, senders hear "out of resources"
SPOOL_ABANDONED_SECONDS = 600  # after so long without a file, a batch without an ending is over
INBOX_QUIET_SECONDS = 60  # a series is complete when nothing of it came for so long
DICOM_SENDERS_FILE = Path(os.environ.get("STUDYPORTAL_SENDERS", VAR_DIR / "senders.toml"))
DICOM_MAX_ASSOCIATIONS = 20
# `manage.py up` starts the C-STORE receiver, too, when it has a port.
DICOM_RECEIVE_PORT = number("STUDYPORTAL_RECEIVE_PORT", 0)
DICOM_RECEIVE_HOST = os.environ.get("STUDYPORTAL_RECEIVE_HOST", "127.0.0.1")
DICOM_AE_TITLE = os.environ.get("STUDYPORTAL_AE_TITLE", "STUDYPORTAL")
# Addresses of web viewers that may read DICOMweb from the browser of somebody who signed in there with a token.
DICOMWEB_VIEWERS = listed("STUDYPORTAL_DICOMWEB_VIEWERS")

DATA_UPLOAD_MAX_NUMBER_FILES = (
    2000  # one CT series is several hundred files; Django's own limit is 100
)
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
# Address space of the child that reads received files. A series of 700 slices of 512 x 512 needs about 4 GiB.
INTAKE_MEMORY_MIB = number("STUDYPORTAL_INTAKE_MEMORY_MIB", 8192)
UPLOAD_MAX_BYTES_PER_FILE = 64 * 1024 * 1024
UPLOAD_MAX_FILES = 20_000  # of one upload, which is one series; the list of so many files is 4 MB

SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if PRODUCTION:
    SECURE_SSL_REDIRECT = not flag("STUDYPORTAL_TLS_ENDS_AT_PROXY_ONLY")
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "style-src": [SELF],
        "script-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF, *OIDC_ORIGINS],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "studyportal.api.authentication.LimitedToken",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "studyportal.api.pagination.PortalPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "studyportal.api.problems.problem_details",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "StudyPortal API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "studyportal.api.openapi.describe_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "SiteStatus": "studyportal.sites.states.SiteStatus",
        "ParticipantStatus": "studyportal.participants.states.ParticipantStatus",
        "WithdrawalStatus": "studyportal.participants.states.WithdrawalStatus",
        "ConsentLanguage": "studyportal.participants.rules.Language",
        "PairStatus": "studyportal.imaging.states.PairStatus",
        "SeriesStatus": "studyportal.imaging.states.SeriesStatus",
        "SeriesRole": "studyportal.imaging.states.SeriesRole",
        "ComparisonStatus": "studyportal.outcomes.states.ComparisonStatus",
        "ReleaseStatus": "studyportal.syntheses.states.ReleaseStatus",
        "AnalysisRole": "studyportal.syntheses.states.AnalysisRole",
        "JobStatus": "studyportal.syntheses.states.JobStatus",
        "SyntheticStatus": "studyportal.syntheses.states.SyntheticStatus",
        "CutStatus": "studyportal.outcomes.states.CutStatus",
        "RunStatus": "studyportal.outcomes.states.RunStatus",
        "ExportStatus": "studyportal.exports.states.ExportStatus",
        "ExportKind": "studyportal.exports.states.ExportKind",
        "Role": "studyportal.sites.rules.Role",
        "QueryStatus": "studyportal.queries.states.QueryStatus",
        "QueryMessageKind": "studyportal.queries.states.MessageKind",
    },
}

CELERY_BROKER_URL = secret("CELERY_BROKER_URL")
CELERY_RESULT_BACKEND = None  # PostgreSQL rows are the state of record
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = (
    True  # attempts are counted in the row, so a poison job cannot loop
)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A task takes its row before it works, so one that is sent again while it runs does nothing: a broker that
# restarts costs no attempt.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_DEFAULT_QUEUE = "cpu"
CELERY_TASK_TIME_LIMIT = 7200
CELERY_BROKER_TRANSPORT_OPTIONS = (
    {"visibility_timeout": 8000} if CELERY_BROKER_URL.startswith("redis") else {}
)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = TIMETABLE
# Which devices the workers of the queue `gpu` use: auto, cpu, or a list such as cuda:0,cuda:1.
SYNTHESIS_DEVICES = os.environ.get("STUDYPORTAL_DEVICES", "auto")
SYNTHESIS_LEASE_SECONDS = 60
SYNTHESIS_HEARTBEAT_SECONDS = 15
SYNTHESIS_MAX_ATTEMPTS = 3
SYNTHESIS_TIME_LIMIT_SECONDS = number("STUDYPORTAL_SYNTHESIS_SECONDS", 1800)
# Of one job, in MiB; nine tenths of the machine's memory unless set, 0 for no limit.
SYNTHESIS_MEMORY_LIMIT_MIB = number(
    "STUDYPORTAL_SYNTHESIS_MEMORY_MIB",
    9 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 10 >> 20,
)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    # pydicom quotes header values in its warnings; what is wrong with a file reaches people as findings instead.
    "loggers": {
        "pydicom": {"level": "CRITICAL", "propagate": False},
        "pynetdicom": {"level": "CRITICAL", "propagate": False},
        # django-axes names people and addresses; what it does stands in the audit trail and in its own tables.
        "axes": {"level": "CRITICAL", "propagate": False},
    },
    "root": {"handlers": ["console"], "level": os.environ.get("STUDYPORTAL_LOG_LEVEL", "WARNING")},
}
