"""The spool by itself, and the list of senders."""

import os
import time

import pytest

from studyportal.core import spool
from studyportal.core.spool import Batch, Ending, Identity, Outcome
from studyportal.dicom.senders import Sender, SendersRefused, read_senders

IDENTITY = Identity(instance_key="a" * 32, series_key="b" * 32, digest="c" * 64)


@pytest.fixture(autouse=True)
def place(settings, tmp_path):
    settings.SPOOL_DIR = tmp_path / "spool"
    return settings.SPOOL_DIR


def a_batch(content: bytes = b"slice", *, identity: Identity = IDENTITY) -> tuple[Batch, Outcome]:
    batch = Batch(site_code="SPH", way="c_store", sender="PACS")
    temporary = batch.incoming()
    temporary.write_bytes(content)
    return batch, batch.settle(temporary, identity, sha256="d" * 64)


def grow_old(folder, seconds=700):
    for path in (*folder.iterdir(), folder):
        os.utime(path, (time.time() - seconds,) * 2)


def test_an_open_batch_is_left_alone_and_a_killed_one_is_found_after_a_while():
    batch, _ = a_batch()
    assert list(spool.ended_batches()) == []
    grow_old(batch.folder)
    (found,) = spool.ended_batches()
    assert (found.ending, len(found.files)) == ("", 1)


def test_a_batch_whose_file_gets_its_name_at_this_moment_is_no_silent_one():
    batch, _ = a_batch()
    grow_old(batch.folder)
    (batch.folder / ".incoming-x").symlink_to("settled")  # listed, and gone when looked at
    assert list(spool.ended_batches()) == []


def test_of_two_that_receive_the_same_instance_at_once_one_is_kept(place):
    first, second = (Batch(site_code="SPH", way="stow", sender="x") for _ in range(2))
    places = [batch.incoming() for batch in (first, second)]
    for path in places:
        path.write_bytes(b"slice")
    outcomes = [
        batch.settle(path, IDENTITY, sha256="d" * 64)
        for batch, path in zip((first, second), places, strict=True)
    ]
    assert outcomes == [Outcome.STORED, Outcome.SAME]
    assert len(list(place.rglob("d" * 64))) == 1
    assert not list(place.rglob(".incoming-*"))


def test_lines_that_a_crash_cut_do_not_hide_what_stands_after_them(place):
    batch, _ = a_batch()
    with (batch.folder / "journal").open("a") as journal:
        journal.write('{"event": "conf\n')
    with (place / "SPH" / "ledger" / "aaa").open("a") as ledger:
        ledger.write("aaab cut")
    _, outcome = a_batch(identity=Identity("aaab" + "0" * 28, "b" * 32, "e" * 64))
    batch.end(Ending.RELEASED)
    assert outcome == Outcome.STORED
    assert [found.ending for found in spool.ended_batches()] == ["released"]
    assert Batch(site_code="SPH", way="stow", sender="x").look_up(IDENTITY) == Outcome.SAME


def test_ending_a_batch_twice_keeps_the_first_ending():
    batch, _ = a_batch()
    batch.end(Ending.RELEASED)
    batch.end(Ending.BROKEN_OFF)
    assert [found.ending for found in spool.ended_batches()] == ["released"]


@pytest.mark.parametrize("code", ["../SPH", "", "SPH/x", "上海"])
def test_a_site_whose_code_could_be_a_path_has_no_folder(code):
    with pytest.raises(ValueError, match="letters and digits"):
        Batch(site_code=code, way="stow", sender="x")


def a_list(folder, text):
    path = folder / "senders.toml"
    path.write_text(text)
    return path


def test_a_list_of_senders_is_read(tmp_path):
    text = (
        '[[sender]]\ncalling = "PACS"\ncalled = "PORTAL"\nsite = "SPH"\naddresses = ["10.0.0.1"]\n'
    )
    senders = read_senders(a_list(tmp_path, text))
    expected = Sender("PACS", "PORTAL", "SPH", ("10.0.0.1",))
    assert senders.find(calling="PACS ", called="PORTAL", address="10.0.0.1") == expected
    assert senders.find(calling="PACS", called="PORTAL", address="10.0.0.2") is None
    assert senders.find(calling="PACS", called="OTHER", address="10.0.0.1") is None


PAIR = '[[sender]]\ncalling = "PACS"\ncalled = "PORTAL"\nsite = "SPH"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must hold"),
        ("sender = 1", "must hold"),
        ("[[sender", "not TOML"),
        (PAIR + 'colour = "red"\n', "colour is not known"),
        (PAIR + 'addresses = "10.0.0.1"\n', "must be a list"),
        (PAIR + PAIR, "listed twice"),
        (PAIR.replace("PACS", "P" * 17), "no AE title"),
        (PAIR.replace("SPH", "../x"), "code of a site"),
        (PAIR.replace('calling = "PACS"\n', ""), "calling is missing"),
    ],
)
def test_a_list_of_senders_with_a_fault_is_refused_by_name(tmp_path, text, said):
    with pytest.raises(SendersRefused, match=said):
        read_senders(a_list(tmp_path, text))


def test_a_missing_list_of_senders_is_refused(tmp_path):
    with pytest.raises(SendersRefused, match="cannot be read"):
        read_senders(tmp_path / "none.toml")


def test_a_sender_who_does_not_say_how_it_calls_us_uses_the_title_of_the_installation(tmp_path):
    path = a_list(tmp_path, PAIR.replace('called = "PORTAL"\n', ""))
    (sender,) = read_senders(path, called="TRIAL").entries
    assert sender.called == "TRIAL"
