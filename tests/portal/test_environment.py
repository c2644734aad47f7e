"""Secrets from the environment or from files; nothing starts on what everybody knows."""

import os
import secrets
import stat
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from studyportal.config import embedded, environment
from studyportal.config.start import refuse_known_keys
from tests.architecture.rendering import REPOSITORY

KEY = "STUDYPORTAL_SECRET_KEY"
PRODUCTION = {
    "PATH": os.environ["PATH"],
    "STUDYPORTAL_PRODUCTION": "1",
    "STUDYPORTAL_HOSTS": "portal.example.org",
    "DATABASE_URL": "postgres://nobody@127.0.0.1/none",
    "CELERY_BROKER_URL": "amqp://127.0.0.1:5672//",
    "DJANGO_SETTINGS_MODULE": "studyportal.config.settings",
    KEY: secrets.token_urlsafe(60),
    "STUDYPORTAL_DEIDENTIFICATION_KEY": secrets.token_urlsafe(60),
}


@pytest.fixture(autouse=True)
def own_environment():
    """Each test begins without keys in the environment, and leaves it as it was."""
    kept = dict(os.environ)
    for name in embedded.KEYS:
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    yield
    os.environ.clear()
    os.environ.update(kept)


def test_a_secret_is_read_from_the_file_that_is_named(tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_text("from the file\n")
    monkeypatch.setenv(f"{KEY}_FILE", str(file))
    assert environment.secret(KEY, "otherwise") == "from the file"


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_file_that_holds_no_secret_stops_the_start(tmp_path, monkeypatch, content):
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(f"{KEY}_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match=str(file)):
        environment.secret(KEY)


def test_a_secret_named_twice_stops_the_start(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY, "one")
    monkeypatch.setenv(f"{KEY}_FILE", str(tmp_path / "key"))
    with pytest.raises(ImproperlyConfigured, match="both set"):
        environment.secret(KEY)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "not set"),
        ("x" * 60, "too weak"),
        ("aB3-" * 10, "too weak"),
        (environment.DEMO_SECRET_KEY, "key of the demonstration"),
        (environment.DEMO_DEIDENTIFICATION_KEY, "key of the demonstration"),
    ],
)
def test_a_key_that_protects_nothing_is_refused(monkeypatch, value, said):
    monkeypatch.setenv(KEY, value)
    with pytest.raises(ImproperlyConfigured, match=said):
        environment.strong_key(KEY, "See the documentation.")


def test_nothing_serves_on_the_keys_of_the_demonstration_but_the_demonstration(settings):
    settings.ON_KNOWN_KEYS, settings.DEMO = True, True
    refuse_known_keys()
    settings.DEMO = False
    with pytest.raises(ImproperlyConfigured, match="STUDYPORTAL_DEMO=1"):
        refuse_known_keys()
    settings.ON_KNOWN_KEYS = False
    refuse_known_keys()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"STUDYPORTAL_DEIDENTIFICATION_KEY": PRODUCTION[KEY]}, "are the same; draw two"),
        ({"STUDYPORTAL_HOSTS": "*"}, "must name the hosts"),
        ({"STUDYPORTAL_DEMO": "1"}, "the demonstration is never production"),
    ],
)
def test_production_refuses_to_start_in_words(changes, said):
    words = [sys.executable, "-c", "import studyportal.config.settings"]
    done = subprocess.run(
        words,
        cwd=REPOSITORY,
        env={**PRODUCTION, **changes},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    assert said in done.stderr


def test_production_cannot_switch_second_factors_off():
    script = "from studyportal.config import accounts, settings; print(accounts.SECOND_FACTOR, settings.DEMO)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True,
        env={**PRODUCTION, "STUDYPORTAL_SECOND_FACTOR": "0"},
    )  # fmt: skip
    assert done.stdout.split() == ["True", "False"]


def test_an_embedded_installation_draws_its_own_keys_once(tmp_path):
    names = embedded.KEYS
    drawn = []
    for _ in range(2):
        embedded.use_own_keys(tmp_path, draw=True)
        drawn.append([environment.strong_key(name, "") for name in names])
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == len(names)
    for name in names.values():
        assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) == 0o600


def test_an_installation_with_data_gets_no_new_keys(tmp_path):
    (tmp_path / "postgres").mkdir()
    embedded.use_own_keys(tmp_path, draw=True)
    assert not (tmp_path / "keys").exists()
