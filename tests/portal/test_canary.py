"""The canary: names, numbers and identifiers that images brought in are searched in everything the portal keeps or says."""

import hashlib
import io
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import pydicom
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from psycopg import sql

from studyportal.core.spool import Batch, Ending
from studyportal.imaging.models import Arrival, ArrivalConflict, ImagingSeries
from studyportal.imaging.rules import AnnouncedFile
from studyportal.imaging.selectors import pair_of
from studyportal.imaging.services import (
    announce_files,
    assign_arrival,
    check_series,
    complete_upload,
    open_series,
    read_spool,
    settle_conflict,
    settle_inbox,
    take_files,
)
from studyportal.imaging.services.reading import Reader
from studyportal.imaging.states import SeriesRole
from studyportal.sites.rules import Role
from tests.portal.dicom_files import keep_file
from tests.portal.scenes import enrolled, person, ready_pair, taken_in

pytestmark = pytest.mark.django_db(transaction=True)
CT, PET = SeriesRole.SOURCE, SeriesRole.REFERENCE
PLANTED = {
    "SpecificCharacterSet": "GB18030", "PatientName": "王^小东", "PatientID": "H4711-0815",
    "PatientBirthDate": "19480203", "ReferringPhysicianName": "Zwielicht^Ottokar",
    "OperatorsName": "Quendel^Ida", "InstitutionName": "Klinikum Xanten", "StationName": "XANTENCT7",
    "AccessionNumber": "ACC99817", "PatientComments": "lives in Xanten", "StudyDescription": "Quendel thorax",
    "ProtocolName": "for Zwielicht", "Manufacturer": "scanner of Ottokar",
}  # fmt: skip
WORDS = (
    "小东",
    "H4711",
    "19480203",
    "Zwielicht",
    "Ottokar",
    "Quendel",
    "Xanten",
    "XANTEN",
    "ACC99817",
)
KEPT_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")


def planted(source: Path, target: Path, *, slices: int = 5) -> Path:
    """The first slices of a series with an identity planted in every field that takes one."""
    target.mkdir()
    for path in sorted(source.iterdir())[:slices]:
        dataset = pydicom.dcmread(path)
        for keyword, value in PLANTED.items():
            setattr(dataset, keyword, value)
        dataset.save_as(target / path.name)
    return target


def identifiers(*folders: Path) -> set[str]:
    headers = [pydicom.dcmread(p, stop_before_pixels=True) for f in folders for p in f.iterdir()]
    return {str(header[keyword].value) for header in headers for keyword in KEPT_UIDS}


def whole_database() -> Iterator[bytes]:
    """Every row of every table as text, whatever model it belongs to, and tables that have none."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            rows = sql.SQL("SELECT row::text FROM {} row").format(sql.Identifier(table))
            cursor.execute(rows)
            yield from (text.encode() for (text,) in cursor.fetchall())


def kept_files(*folders: Path) -> Iterator[bytes]:
    for folder in folders:
        for path in Path(folder).rglob("*"):
            yield str(path.relative_to(folder)).encode()
            if path.is_file():
                yield path.read_bytes()


def said(*texts: str) -> Iterator[bytes]:
    yield from (text.encode() for text in texts)


def told(words: Iterable[str], *places: Iterable[bytes]) -> list[str]:
    """The words that stand anywhere, in any of the encodings in which they could."""
    wanted = [
        (word, text.encode(encoding))
        for word in words
        for text in {word, json.dumps(word)[1:-1]}  # as it stands in a manifest
        for encoding in ("utf-8", "gb18030")
    ]
    return [word for place in places for text in place for word, sought in wanted if sought in text]


@pytest.fixture
def heard(caplog):
    caplog.set_level(logging.DEBUG)
    return caplog


def test_the_canary_sings_where_a_name_is_kept(study):
    """Otherwise the silence of the other tests would mean nothing."""
    user = person(Role.COORDINATOR)
    user.first_name = "Zwielicht"
    user.save()
    assert told(WORDS, whole_database()) == ["Zwielicht"] * 4  # both encodings; row and event


def test_nothing_of_the_identity_of_a_ready_pair_is_left_anywhere(study, phantom, settings, heard):
    header = pydicom.dcmread(next((phantom() / "CT").iterdir()))
    words = {
        str(header[name].value)
        for name in ("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber",
                     "ReferringPhysicianName", "InstitutionName", "StationName", *KEPT_UIDS)
    }  # fmt: skip
    ready_pair(phantom(), outlines=True)

    places = (settings.ARCHIVE_DIR, settings.QUARANTINE_DIR, settings.SPOOL_DIR)
    assert len(list(Path(settings.ARCHIVE_DIR).rglob("*"))) > 52
    assert told(words, whole_database(), kept_files(*places), said(heard.text)) == []


def test_nothing_of_what_the_network_brought_is_left_but_in_quarantine(
    study, phantom, settings, heard, tmp_path
):
    settings.INBOX_QUIET_SECONDS = -1
    folder = planted(phantom() / "CT", tmp_path / "ct")
    words = {*WORDS, *identifiers(folder)}
    changed = pydicom.dcmread(next(folder.iterdir()))
    changed.PixelData = bytes(len(changed.PixelData))
    changed.save_as(tmp_path / "changed")
    for paths in (sorted(folder.iterdir()), [tmp_path / "changed"]):
        batch = Batch(site_code="SPH", way="c_store", sender="PACS")
        for path in paths:
            keep_file(batch, path.read_bytes(), site_code="SPH")
        batch.end(Ending.RELEASED)
        read_spool()
    settle_inbox()
    assert ArrivalConflict.objects.count() == 1
    participant, by = enrolled(), person(Role.COORDINATOR)
    client = Client()
    client.force_login(by)
    inbox = client.get(reverse("web:inbox")).content.decode()
    settle_conflict(conflict=ArrivalConflict.objects.get(), reason="The first.", by=by)
    series = assign_arrival(arrival=Arrival.objects.get(), participant=participant, by=by)
    check_series(series=series)
    assert ImagingSeries.objects.get().status == "accepted"

    pages = [inbox, *(client.get(place).content.decode() for place in (
        reverse("web:upload", args=[series.pk]), reverse("web:pair", args=[series.pair_id]),
        reverse("web:series_deidentification", args=[series.pk, "txt"]),
        reverse("web:participant", args=[participant.pk]), reverse("web:worklist"),
    ))]  # fmt: skip
    places = (settings.ARCHIVE_DIR, settings.QUARANTINE_DIR, settings.SPOOL_DIR)
    assert told(words, whole_database(), kept_files(*places), said(heard.text, *pages)) == []


def test_chinese_names_of_files_are_gone_once_the_series_is_accepted(
    study, phantom, settings, heard, tmp_path
):
    files = sorted(planted(phantom() / "CT", tmp_path / "ct").iterdir())
    participant, by = enrolled(), person(Role.COORDINATOR)
    series = open_series(participant=participant, role=CT, by=by)
    contents = [path.read_bytes() for path in files]
    sent = [(hashlib.sha256(content).hexdigest(), len(content)) for content in contents]
    named = [AnnouncedFile(f"张三丰/胸部{n}.dcm", size, sha) for n, (sha, size) in enumerate(sent)]
    announce_files(series=series, files=named, by=by)
    take_files(series=series, stream=io.BytesIO(b"".join(contents)), sent=sent, by=by)
    assert told(["张三丰"], kept_files(settings.QUARANTINE_DIR)) != []
    check_series(series=complete_upload(series=series, by=by))

    assert ImagingSeries.objects.get().status == "accepted"
    places = (settings.ARCHIVE_DIR, settings.QUARANTINE_DIR, settings.SPOOL_DIR)
    found = told(
        [*WORDS, "张三丰", "胸部"], whole_database(), kept_files(*places), said(heard.text)
    )
    assert found == []


@pytest.mark.parametrize(
    "way", ["a slice is missing", "two patients", "broken elements", "intake breaks"]
)
def test_a_refusal_tells_no_name(way, study, phantom, heard, tmp_path, monkeypatch):
    folder = planted(phantom() / "CT", tmp_path / "Zwielicht")
    names = sorted(folder.iterdir())
    words = {*WORDS, *identifiers(folder)}
    if way == "a slice is missing":
        names[2].unlink()
    elif way == "two patients":
        dataset = pydicom.dcmread(names[1])
        dataset.PatientID, dataset.PatientName = "H4711-0816", "Quendel"
        dataset.save_as(names[1])
    elif way == "broken elements":
        content = names[1].read_bytes()
        names[1].write_bytes(
            content.replace(b"\x28\x00\x10\x00US\x02\x00", b"\x28\x00\x10\x00PNXX", 1)
        )
    else:
        monkeypatch.setattr(Reader, "look", raising("Zwielicht^Ottokar H4711"))
    series = taken_in(enrolled(), CT, folder)

    assert series.status == "quarantined"
    client = Client()
    client.force_login(person(Role.COORDINATOR))
    pages = [
        client.get(reverse(f"web:{page}", args=[key])).content.decode()
        for page, key in (("upload", series.pk), ("pair", pair_of(series.pair.participant).pk))
    ]
    assert told(words, whole_database(), said(heard.text, *pages)) == []


def raising(words: str):
    def broken(*_args: object, **_options: object) -> None:
        raise ValueError(words)

    return broken
