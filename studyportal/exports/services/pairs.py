"""The archive of ready CT/PET pairs, in the folders that `python -m synthesis train --data` reads."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from pydicom import dcmread
from pydicom.dataset import Dataset

from studyportal import __version__
from studyportal.clinical.selectors import baseline_of
from studyportal.core.errors import Reason, Refused
from studyportal.core.storage import keep_file, partial_file, read_bytes
from studyportal.exports.rules import (
    Candidate,
    LeftOut,
    left_out_csv,
    participants_csv,
    reason_left_out,
    require_deidentified,
)
from studyportal.exports.services.archive import SummedZip
from studyportal.exports.services.outlines import outlines_file
from studyportal.imaging.selectors import (
    accepted_series,
    header_entries,
    latest_outlines,
    pairs_visible_to,
    stored_digests,
)
from studyportal.imaging.states import SeriesRole
from studyportal.participants.selectors import consents_of
from studyportal.sites.rules import Action
from studyportal.sites.services import require

if TYPE_CHECKING:
    from studyportal.exports.models import Export
    from studyportal.imaging.models import ImagingSeries, ScanPair

_FOLDERS = {SeriesRole.SOURCE: "CT", SeriesRole.REFERENCE: "PET"}
_SPARE_BYTES = 256 * 2**20  # left free for the portal's other work


def archive_pairs(export: Export) -> dict[str, Any]:
    """The zip of all pairs that may leave lies in the archive, written through a file, never held in memory.

    Raises
    ------
    Refused
        When whoever asked may no longer export, nothing may leave, or the disk is too small.
    """
    require(export.requested_by, Action.EXPORT, site=export.site)
    pairs, left_out = _chosen(export)
    if not pairs:
        raise Refused(Reason("nothing_to_export", "No ready pair may be exported."))
    _require_space(sum(_size(pair) for pair in pairs))
    with partial_file(str(export.pk)) as path:
        # Images of scanners are written as they are: compressing them costs hours and saves little.
        with zipfile.ZipFile(path, "w") as archive:
            contents = _written(
                SummedZip(archive, method=zipfile.ZIP_STORED), export, pairs, left_out
            )
        stored = keep_file(path)
    return {
        "archive_sha256": stored.sha256,
        "size": stored.size,
        "contents": contents,
        "left_out": dict(left_out),
    }


def may_no_longer_leave(export: Export) -> bool:
    """Whether somebody in the archive withdrew, or a pair in it is not ready any more."""
    inside = {str(entry["name"])[:-1] for entry in export.contents if "files" in entry}
    leaving = {pair.participant.code for pair in _chosen(export)[0]}
    return not inside <= leaving


def _chosen(export: Export) -> tuple[list[ScanPair], Counter[LeftOut]]:
    rows = pairs_visible_to(export.requested_by).order_by("participant__code")
    if export.site is not None:
        rows = rows.filter(participant__site=export.site)
    leaving: list[ScanPair] = []
    left_out: Counter[LeftOut] = Counter()
    for pair in rows:
        reason = reason_left_out(_candidate(pair))
        if reason is None:
            leaving.append(pair)
        else:
            left_out[reason] += 1
    return leaving, left_out


def _candidate(pair: ScanPair) -> Candidate:
    consents = list(consents_of(pair.participant))
    standing = sum(consent.withdrawn_on is None for consent in consents)
    return Candidate(pair.status, pair.participant.status, len(consents), standing)


def _size(pair: ScanPair) -> int:
    return sum(_series(pair, role).stored_bytes for role in _FOLDERS)


def _series(pair: ScanPair, role: SeriesRole) -> ImagingSeries:
    series = accepted_series(pair, role)
    if series is None:
        raise ValueError("a ready pair has both of its series")
    return series


def _require_space(needed: int) -> None:
    folder = Path(settings.ARCHIVE_DIR)
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if needed + _SPARE_BYTES > free:
        sentence = (
            f"The images need {needed / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB free. "
            "Export one site at a time or ask for a larger disk."
        )
        raise Refused(Reason("disk_full", sentence))


def _written(
    summed: SummedZip, export: Export, pairs: Iterable[ScanPair], left_out: Counter[LeftOut]
) -> list[dict[str, object]]:
    contents, rows = [], []
    for pair in pairs:
        row = _row(pair)
        contents.append(summed.add_folder(pair.participant.code, _files(pair, row)))
        rows.append(row)
    tables = {
        "participants.csv": participants_csv(rows),
        "left_out.csv": left_out_csv(left_out),
        "provenance.json": _provenance(export),
    }
    contents += [summed.add(name, body) for name, body in tables.items()]
    summed.close()
    return contents


def _provenance(export: Export) -> bytes:
    facts = {
        "export": str(export.pk),
        "software": {"studyportal": __version__},
        "purpose": export.purpose,
        "requested_at": export.requested_at.isoformat(),
        "site": export.site.code if export.site else "all",
    }
    return json.dumps(facts, indent=1, sort_keys=True, ensure_ascii=False).encode()


def _row(pair: ScanPair) -> dict[str, object]:
    participant = pair.participant
    baseline = baseline_of(participant)
    entered = header_entries(_series(pair, SeriesRole.REFERENCE))
    return {
        "participant": participant.code,
        "site": participant.site.code,
        "sex": participant.sex,
        "age_years": participant.age_years,
        "height_cm": baseline.height_cm if baseline else None,
        "weight_kg": baseline.weight_kg if baseline else None,
        "pet_weight_kg": entered.weight_kg,
        "pet_dose_bq": entered.dose_bq,
        "pet_tracer": entered.tracer,
    }


def _files(pair: ScanPair, row: dict[str, object]) -> Iterator[tuple[str, bytes]]:
    """CT, PET and outlines of a pair, one file in memory at a time; the row learns the tube voltage."""
    code = pair.participant.code
    for role, folder in _FOLDERS.items():
        digests = stored_digests(_series(pair, role).manifest_sha256)
        for number, sha256 in enumerate(digests, start=1):
            body = read_bytes(sha256)
            header = _header(body)
            require_deidentified(header, code)
            if role == SeriesRole.SOURCE:
                row.setdefault("kvp", header.get("KVP"))
            yield f"{folder}/IM{number:05d}.dcm", body
    outlines = latest_outlines(pair)
    reference = _series(pair, SeriesRole.REFERENCE)
    # Outlines that were drawn on a PET that has been replaced since do not fit this one.
    if outlines is not None and outlines.reference_id == reference.pk:
        yield "LESIONS/seg.dcm", outlines_file(outlines)


def _header(body: bytes) -> Dataset:
    return dcmread(BytesIO(body), stop_before_pixels=True)
