"""Releases as zips, made once and kept beside the store: the same release gives the same file."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from studyportal.core.errors import Reason, Refused
from studyportal.syntheses.services.release_process import run_synthesis
from synthesis.registry import (
    CARD,
    DESCRIPTION,
    WEIGHTS,
    ReleaseRefusedError,
    load_release,
    write_zip,
)

_PLAIN = (DESCRIPTION, WEIGHTS, CARD)


def zip_of_release(folder: Path, digest: str) -> Path:
    """Where the zip of this release lies; its files were verified now."""
    _require_whole(folder, digest)
    place = _place(f"{digest}.zip")
    if not place.exists():
        _write({name: folder / name for name in _PLAIN}, place)
    return place


def zip_of_bundle(folder: Path, digest: str) -> Path:
    """Where the zip of this release as a MONAI bundle lies; a process of its own writes the bundle."""
    _require_whole(folder, digest)
    place = _place(f"{digest}-monai-bundle.zip")
    if place.exists():
        return place
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".bundle-") as scratch:
        bundle = Path(scratch) / "bundle"
        run_synthesis("bundle", str(folder.resolve()), "--out", str(bundle))
        paths = (path for path in bundle.rglob("*") if path.is_file())
        _write({str(path.relative_to(bundle)): path for path in paths}, place)
    return place


def _require_whole(folder: Path, digest: str) -> None:
    try:
        load_release(folder, digest)
    except ReleaseRefusedError as refusal:
        raise Refused(Reason("release_refused", str(refusal))) from refusal


def _place(name: str) -> Path:
    place = Path(settings.RELEASES_DIR) / "zips" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _write(files: Mapping[str, Path], place: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=place.parent, prefix=".zip-", delete=False) as stream:
        write_zip(files, stream)
    Path(stream.name).rename(place)
