"""PostgreSQL and Redis out of wheels, for an installation that names no server of its own.

Runs before the settings are read, so nothing here knows Django. Both servers listen on a unix socket only.
"""

from studyportal.config.embedded.broker import ensure_redis, live_redis, stop_redis
from studyportal.config.embedded.database import ensure_database, release_database
from studyportal.config.embedded.folders import EmbeddedServiceError, sole_runner
from studyportal.config.embedded.keys import KEYS, use_own_keys

__all__ = [
    "KEYS",
    "EmbeddedServiceError",
    "ensure_database",
    "ensure_redis",
    "live_redis",
    "release_database",
    "sole_runner",
    "stop_redis",
    "use_own_keys",
]
