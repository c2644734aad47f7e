"""Gives one test run its own PostgreSQL, Redis and folder, shared by its parallel workers."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_django
from hypothesis import settings as hypothesis_settings

from studyportal.config import embedded
from studyportal.core.database.scope import over_every_site

# How long one example takes says more about the machine's other work than about the code.
hypothesis_settings.register_profile("untimed", deadline=None)
hypothesis_settings.load_profile("untimed")

REPOSITORY = Path(__file__).resolve().parents[1]
TEMPLATE, MADE = "test_studyportal_template", "template.made"
_OWN_FOLDER: list[Path] = []


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("django"):
        return  # science alone: `-p no:django`
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _start_servers()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studyportal.config.settings")
    os.environ.setdefault(
        "STUDYPORTAL_REPORT_LANGUAGES", "en"
    )  # tests of other languages ask for them
    from django.conf import settings

    from studyportal.cli.wording import BOOKS, compile_book

    if "PYTEST_XDIST_WORKER" not in os.environ:
        for book in BOOKS:
            if book.compiled:
                compile_book(book)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


def _start_servers() -> None:
    var = Path(tempfile.mkdtemp(prefix="studyportal-tests-"))
    _OWN_FOLDER.append(var)
    os.environ["STUDYPORTAL_VAR"] = str(var)
    # Known keys, personas, second factors off; tests of these things switch them on.
    os.environ.setdefault("STUDYPORTAL_DEMO", "1")
    (var / "static").mkdir()  # the web server warns where it is missing, and warnings are errors
    if not os.environ.get("DATABASE_URL"):
        os.environ |= embedded.ensure_database(var)
        _trade_durability_for_speed(os.environ["DATABASE_OWNER_URL"])
    if not os.environ.get("CELERY_BROKER_URL"):
        os.environ["CELERY_BROKER_URL"] = embedded.ensure_redis(var)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings_parallel_suffix: None,
    django_db_blocker: pytest_django.DjangoDbBlocker,
) -> None:
    """Parallel workers copy one migrated database: whoever needs it first makes it, the others wait."""
    if not hasattr(request.config, "workerinput"):
        return
    from django.db import connection

    var = Path(os.environ["STUDYPORTAL_VAR"])
    test = connection.settings_dict["TEST"]
    with (var / "template.lock").open("w") as lock, django_db_blocker.unblock():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (var / MADE).exists():
            plain, own = connection.settings_dict["NAME"], test["NAME"]
            test["NAME"] = TEMPLATE
            connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            connection.close()
            connection.settings_dict["NAME"], test["NAME"] = plain, own
            (var / MADE).touch()
    test["TEMPLATE"] = TEMPLATE


def _trade_durability_for_speed(address: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


def pytest_unconfigure() -> None:
    for var in _OWN_FOLDER:
        if (var / MADE).exists():  # an outside server would keep it
            with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
                connection.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
        embedded.stop_redis(var)
        embedded.release_database(var)
        shutil.rmtree(var, ignore_errors=True)
    _OWN_FOLDER.clear()


@pytest.fixture(scope="session", autouse=True)
def tests_work_over_every_site() -> Iterator[None]:
    """What a test does itself is for every site; a request that it sends is for those of whoever sends it."""
    with over_every_site("a test builds its scene at several sites"):
        yield


@pytest.fixture(autouse=True)
def own_folders(request: pytest.FixtureRequest) -> None:
    """Each test that may write to the portal's folders gets them empty."""
    if request.node.get_closest_marker("django_db") is None and "db" not in request.fixturenames:
        return
    settings = request.getfixturevalue("settings")
    tmp_path = request.getfixturevalue("tmp_path")
    settings.VAR_DIR = tmp_path / "var"
    for name in ("archive", "quarantine", "work", "releases", "spool"):
        setattr(settings, f"{name.upper()}_DIR", tmp_path / "var" / name)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of published DICOM, or skip."""
    folder = Path(os.environ.get("STUDYPORTAL_REAL_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(
            f"the published DICOM is not at {folder}; set STUDYPORTAL_REAL_DATA to its folder"
        )
    return folder


@pytest.fixture(scope="session")
def reference_values() -> Path:
    """Return the folder of published reference values, or skip."""
    folder = Path(
        os.environ.get("STUDYPORTAL_REFERENCE") or REPOSITORY.parent / "shared" / "reference"
    )
    if not folder.is_dir():
        pytest.skip(
            f"the published reference values are not at {folder}; set STUDYPORTAL_REFERENCE to their folder"
        )
    return folder


@pytest.fixture(scope="module")
def as_the_owner(django_db_setup: None) -> Iterator[None]:
    """What the tests of this module do, the owner of the tables does, whom only triggers stop."""
    from django.db import connection

    from studyportal.core.database.owner import as_owner

    with as_owner(connection):
        yield


@pytest.fixture(scope="session", autouse=True)
def emptying_is_allowed_between_tests() -> Iterator[None]:
    """Let Django empty the tables after a test with real transactions, and nothing else.

    Only the flush between tests passes the triggers; SQL of the portal and of a test still meets them.
    """
    from django.db.backends.postgresql.operations import DatabaseOperations

    from studyportal.core.database.owner import as_owner

    original = DatabaseOperations.execute_sql_flush

    def execute(self: DatabaseOperations, statements: list[str]) -> None:
        with as_owner(self.connection):
            original(self, ["SET LOCAL session_replication_role = replica", *statements])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute)
        yield
