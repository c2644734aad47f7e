"""What the upload page's script asks of the server: announce, send, complete, stop."""

import hashlib
import io
import json

import pytest
from django.test import Client
from django.urls import reverse

from studyportal.core.errors import Refused
from studyportal.imaging.models import ImagingSeries
from studyportal.imaging.rules import AnnouncedFile, read_announcement
from studyportal.imaging.selectors import announced_names, quarantine_of, upload_state
from studyportal.imaging.services import (
    abandon_upload,
    announce_files,
    complete_upload,
    open_series,
    take_files,
)
from studyportal.imaging.states import SeriesRole, SeriesStatus
from studyportal.sites.rules import Role
from tests.portal.scenes import enrolled, open_study, person

pytestmark = pytest.mark.django_db
CONTENTS = (b"first", b"the second", b"")


@pytest.fixture
def series():
    open_study()
    return open_series(participant=enrolled(), role=SeriesRole.SOURCE, by=person(Role.COORDINATOR))


@pytest.fixture
def client(series):
    client = Client()
    client.force_login(person(Role.COORDINATOR))
    return client


def announced(*contents, name="CT/{}.dcm"):
    return [
        AnnouncedFile(name.format(n), len(content), hashlib.sha256(content).hexdigest())
        for n, content in enumerate(contents)
    ]


def begin(series, *contents, **more):
    by = person(Role.COORDINATOR)
    return announce_files(series=series, files=announced(*contents), by=by, **more)


def take(series, *contents, stream=None):
    sent = [(file.sha256, file.size) for file in announced(*contents)]
    body = io.BytesIO(b"".join(contents) if stream is None else stream)
    return take_files(series=series, stream=body, sent=sent, by=person(Role.COORDINATOR))


def post(client, series, name, body):
    place = reverse(f"web:{name}", args=[series.pk])
    return client.post(place, data=body, content_type="application/octet-stream")


def test_what_broke_off_is_gone_on_with_and_nothing_arrives_twice(series):
    assert len(begin(series, *CONTENTS).missing) == 3
    assert take(series, CONTENTS[0]) == 1
    state = begin(series, *CONTENTS)
    assert (state.announced, state.arrived, len(state.missing)) == (3, 1, 2)
    assert take(series, *CONTENTS) == 2
    closed = complete_upload(series=series, by=person(Role.COORDINATOR))
    assert (closed.status, closed.received_files) == (SeriesStatus.RECEIVED, 3)


def test_a_connection_that_ends_within_a_file_keeps_the_whole_ones(series):
    begin(series, *CONTENTS)
    with pytest.raises(Refused, match="broke off"):
        take(series, *CONTENTS, stream=b"firstthe sec")
    state = upload_state(series.pk)
    assert (state.arrived, state.missing) == (
        1,
        (announced(*CONTENTS)[1].sha256, announced(*CONTENTS)[2].sha256),
    )
    assert not list(quarantine_of(series.pk).glob(".incoming*"))


def test_two_clients_at_once_in_any_order_meet_the_list_and_no_file_arrives_twice(series):
    """The second client comes between two pieces of the first, with a file that both send."""

    class Interrupted(io.BytesIO):
        arrived = None

        def read(self, size: int = -1) -> bytes:
            if self.arrived is None:
                self.arrived = 0  # the second client reads a stream of its own
                self.arrived = take(series, CONTENTS[2], CONTENTS[1])
            return super().read(size)

    begin(series, *CONTENTS)
    begin(series, *CONTENTS)
    sent = [(file.sha256, file.size) for file in announced(CONTENTS[1], CONTENTS[0])]
    stream = Interrupted(CONTENTS[1] + CONTENTS[0])
    by = person(Role.COORDINATOR)
    take_files(series=series, stream=stream, sent=sent, by=by)
    assert stream.arrived == 2
    assert upload_state(series.pk).missing == ()
    assert complete_upload(series=series, by=by).received_files == 3
    assert len(list(quarantine_of(series.pk).glob("[0-9a-f]*"))) == 3
    assert not list(quarantine_of(series.pk).glob(".incoming*"))


def test_an_upload_is_not_complete_before_everything_announced_is_here(series):
    begin(series, *CONTENTS)
    take(series, CONTENTS[0])
    with pytest.raises(Refused, match="3 files were announced and 1 arrived"):
        complete_upload(series=series, by=person(Role.COORDINATOR))


def test_bytes_that_are_not_the_announced_ones_are_not_kept(series):
    begin(series, *CONTENTS)
    with pytest.raises(Refused, match="changed on the way"):
        take(series, CONTENTS[0], stream=b"firsd")
    with pytest.raises(Refused, match="not announced"):
        take(series, b"something else")
    assert upload_state(series.pk).arrived == 0


def test_another_folder_is_refused_until_the_person_starts_over(series):
    begin(series, *CONTENTS)
    take(series, CONTENTS[0])
    with pytest.raises(Refused, match="begun with other files: 2 of the 3"):
        begin(series, CONTENTS[0], b"new")
    state = begin(series, b"new", start_over=True)
    assert (state.announced, state.arrived) == (1, 0)


def test_a_file_that_lies_there_twice_is_sent_once(series):
    state = begin(series, b"a", b"b", b"a")
    assert (state.announced, state.copies) == (2, 1)


def test_too_many_and_too_large_files_are_refused_before_one_is_sent(series, settings):
    settings.UPLOAD_MAX_FILES = 2
    with pytest.raises(Refused, match="These are 3 files; one upload takes 2"):
        begin(series, *CONTENTS)
    settings.UPLOAD_MAX_BYTES_PER_FILE = 6
    with pytest.raises(Refused, match="never is: CT/1"):
        begin(series, *CONTENTS[:2])
    assert not quarantine_of(series.pk).exists()


def test_a_full_disk_is_said_before_one_file_is_sent(series, settings):
    settings.SPOOL_MIN_FREE_BYTES = 1 << 62
    with pytest.raises(Refused, match="no room"):
        begin(series, *CONTENTS)


def test_a_stopped_upload_leaves_nothing_and_can_be_begun_anew(
    series, django_capture_on_commit_callbacks
):
    begin(series, *CONTENTS)
    take(series, CONTENTS[0])
    with django_capture_on_commit_callbacks(execute=True):
        abandon_upload(series=series, by=person(Role.COORDINATOR))
    assert not quarantine_of(series.pk).exists()
    assert ImagingSeries.objects.get().status == SeriesStatus.PURGED
    with pytest.raises(Refused, match="takes no more files"):
        begin(series, *CONTENTS)


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "C:\\x", "a\0b", "x" * 3000, "中文"])
def test_a_name_is_never_a_path(series, tmp_path, name):
    by = person(Role.COORDINATOR)
    rows = [{"name": name, "size": 5, "sha256": announced(b"first")[0].sha256}]
    files, faults = read_announcement(rows)
    assert faults == ()
    announce_files(series=series, files=files, by=by)
    take(series, b"first")
    here = sorted(path.name for path in quarantine_of(series.pk).iterdir())
    assert here == [".announced.json", files[0].sha256]
    assert len(announced_names(series.pk)[files[0].sha256]) <= 1000


@pytest.mark.parametrize(
    "row", [None, {}, {"name": "a", "size": -1, "sha256": "0" * 64}, {"name": "a", "size": True, "sha256": "0" * 64},
            {"name": "", "size": 1, "sha256": "0" * 64}, {"name": "a", "size": 1, "sha256": "../" * 21 + "a"}]
)  # fmt: skip
def test_a_row_that_names_no_file_size_and_digest_is_refused(row):
    files, faults = read_announcement([row])
    assert files == ()
    assert faults == ("Entry 1 of the list names no file, size and SHA-256.",)


def test_the_page_announces_sends_and_completes(client, series, monkeypatch):
    checked = []
    monkeypatch.setattr("studyportal.tasks.dispatch.check_series", checked.append)
    files = announced(*CONTENTS)
    listed = json.dumps({"files": [vars(file) for file in files]})
    answer = post(client, series, "upload_announce", listed)
    assert answer.json()["missing"] == [file.sha256 for file in files]
    head = json.dumps({"files": [[file.sha256, file.size] for file in files]}).encode() + b"\n"
    sent = post(client, series, "upload_files", head + b"".join(CONTENTS))
    assert (sent.status_code, sent.json()) == (201, {"new": 3})
    assert (
        "3 of 3 files arrived before"
        in client.get(reverse("web:upload", args=[series.pk])).content.decode()
    )
    closed = post(client, series, "upload_complete", "{}")
    assert closed["Location"] == reverse("web:upload", args=[series.pk])
    assert checked == [series.pk]


@pytest.mark.parametrize(
    "body", [b"", b"[]\n", b"{}\n", b'{"files": [["a"]]}\n', b"\xff\n", b'{"files": 7}\n']
)
def test_a_request_that_does_not_say_what_it_holds_is_refused_in_words(client, series, body):
    for name in ("upload_files", "upload_announce"):
        answer = post(client, series, name, body)
        assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")


def test_another_folder_can_be_told_from_other_refusals(client, series):
    begin(series, *CONTENTS)
    listed = json.dumps({"files": [vars(file) for file in announced(b"new")]})
    assert post(client, series, "upload_announce", listed).json()["reasons"] == ["other_folder"]
    assert post(client, series, "upload_stop", "").status_code == 200
