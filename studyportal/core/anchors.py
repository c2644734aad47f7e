"""Keeps the end of the audit chain outside the database, one small file each time, never overwritten."""

import json
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection

from studyportal.core.chain import Anchor, head
from studyportal.core.errors import Reason, Refused


def keep_anchor(*, moment: datetime, folder: Path | None = None) -> tuple[Anchor, Path]:
    """The end of the chain stands in a new file of the folder; the file is for reading only."""
    anchor = head(moment)
    _flush()
    place = folder or Path(settings.AUDIT_ANCHOR_DIR)
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"audit-{moment:%Y-%m-%dT%H%M%S}.json"
    with path.open("x", encoding="utf-8") as file:
        file.write(anchor_text(anchor))
    path.chmod(0o444)
    return anchor, path


def _flush() -> None:
    """What was read of the database is on its disk: an anchor outlives a power failure, and so must the link it names."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_logical_emit_message(true, 'studyportal', '')")


def anchor_text(anchor: Anchor) -> str:
    """The anchor as it is kept and mailed."""
    facts = {"at": anchor.at.isoformat(), "link": anchor.number, "sha256": anchor.sha256}
    return json.dumps(facts, indent=1) + "\n"


def read_anchors(place: Path) -> list[Anchor]:
    """The anchors of a file, or of every file of a folder, oldest first.

    Raises
    ------
    Refused
        When there is none, or one cannot be read.
    """
    paths = sorted(place.glob("audit-*.json")) if place.is_dir() else [place]
    if not paths:
        raise Refused(Reason("no_anchor", f"There is no anchor in {place}."))
    return [_read(path) for path in paths]


def last_anchor() -> Anchor | None:
    """The newest anchor of the folder that the settings name; None when there is none."""
    paths = sorted(Path(settings.AUDIT_ANCHOR_DIR).glob("audit-*.json"))
    return _read(paths[-1]) if paths else None


def _read(path: Path) -> Anchor:
    try:
        facts = json.loads(path.read_text("utf-8"))
        return Anchor(datetime.fromisoformat(facts["at"]), int(facts["link"]), str(facts["sha256"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused(Reason("anchor_unreadable", f"{path} is not an anchor.")) from error
