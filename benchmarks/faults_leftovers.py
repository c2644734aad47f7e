"""What a storm of kills leaves in the folders of a portal that nothing refers to."""

import importlib
import json
from datetime import timedelta
from pathlib import Path


def leftovers(var: Path) -> list[str]:
    """Files that nothing refers to, after the sweeper has had its turn."""
    clock = importlib.import_module("studyportal.core.clock")
    storage = importlib.import_module("studyportal.core.storage")
    half = storage.clear_incoming(before=clock.now() + timedelta(minutes=1))
    if half:
        print(f"half-written files that the sweeper clears after an hour: {half}")
    referred = set()
    for series in importlib.import_module(
        "studyportal.syntheses.models"
    ).SyntheticSeries.objects.all():
        referred |= {series.manifest_sha256, series.preview_sha256}
        manifest = json.loads(storage.read_bytes(series.manifest_sha256))
        referred |= {entry["sha256"] for entry in manifest["files"]}
    intake = importlib.import_module("studyportal.imaging.models").ImagingSeries.objects.all()
    known = {series.manifest_sha256 for series in intake} | {s.preview_sha256 for s in intake}
    for series in intake:
        manifest = json.loads(storage.read_bytes(series.manifest_sha256))
        known |= {entry["sha256"] for entry in manifest["files"]}
    stored = {path.name for path in (var / "archive").rglob("*") if path.is_file()}
    orphans = stored - referred - known
    scratch = list((var / "work").glob("*")) if (var / "work").exists() else []
    said = [f"{len(orphans)} files of the archive belong to nothing"] if orphans else []
    return said + ([f"{len(scratch)} scratch folders are left"] if scratch else [])
