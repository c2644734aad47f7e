"""What tests of the portal share: small phantoms as files, an opened study, and a database that can be emptied."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def study(request: pytest.FixtureRequest) -> None:
    """The registered protocol is in force and its sites recruit."""
    if request.node.get_closest_marker("django_db") is None:
        request.getfixturevalue("db")
    from tests.portal.scenes import open_study

    open_study()


@pytest.fixture(scope="session")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Folder with CT, PET and outlines of the phantom of a seed; written once per session, never changed."""
    from tests.portal.scenes import write_small_phantom

    base = tmp_path_factory.mktemp("phantoms")

    def folder(seed: int = 3) -> Path:
        path = base / f"phantom-{seed}"
        return path if path.exists() else write_small_phantom(seed, path)

    return folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete small release whose weights were never trained: the way is real, the image is not."""
    from studyportal.syntheses.services import release_process
    from tests.synthesis.makers import untrained_release

    folder = tmp_path_factory.mktemp("models") / "untrained"
    release = untrained_release(folder)
    # The look at the weights takes a process of its own and seconds; it is tested where it is meant.
    release_process._FITTING.add(release.digest)
    return folder
