"""The embedded servers, each case in processes and a folder of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from studyportal.config import embedded

REPOSITORY = Path(__file__).resolve().parents[2]
OWNER = """
import sys
from pathlib import Path
from studyportal.config import embedded
print(embedded.ensure_database(Path(sys.argv[1]))["DATABASE_URL"], flush=True)
sys.stdin.read()
"""


class Owner:
    """A process that uses the database of a folder until it is told to end."""

    def __init__(self, var: Path) -> None:
        self.process = subprocess.Popen(
            (sys.executable, "-c", OWNER, str(var)),
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate(timeout=30)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=30)


@pytest.fixture
def var(tmp_path: Path) -> Iterator[Path]:
    """A folder for the servers; whatever still runs in it is ended."""
    folder = tmp_path / "var"
    yield folder
    embedded.stop_redis(folder)
    note = folder / "postgres" / "postmaster.pid"
    if note.exists():
        postmaster = psutil.Process(int(note.read_text().split()[0]))
        postmaster.terminate()
        postmaster.wait(30)


def _accepts(address: str) -> bool:
    try:
        psycopg.connect(address, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_database_runs_as_long_as_one_process_uses_it(var: Path) -> None:
    first, second = Owner(var), Owner(var)
    assert first.address == second.address

    first.end()
    assert _accepts(second.address)

    second.end()
    assert not _accepts(second.address)


def test_an_owner_that_was_killed_does_not_keep_the_server_for_ever(var: Path) -> None:
    killed = Owner(var)
    killed.kill()
    assert _accepts(killed.address)

    heir = Owner(var)
    heir.end()

    assert not _accepts(killed.address)


def test_a_note_of_a_dead_server_whose_number_another_program_got_is_dropped(var: Path) -> None:
    owner = Owner(var)
    note = var / "postgres" / "postmaster.pid"
    lines = note.read_text().splitlines()
    owner.end()
    note.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    again = Owner(var)

    assert _accepts(again.address)
    again.end()


@pytest.mark.parametrize("name", ["with a space", "x" * 120, "研究"])
def test_a_folder_with_an_awkward_name_holds_both_servers(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    owner = Owner(folder)
    try:
        assert _accepts(owner.address)
        assert embedded.ensure_redis(folder) == embedded.live_redis(folder)
    finally:
        embedded.stop_redis(folder)
        owner.end()


def test_the_database_sorts_alike_on_every_machine(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "POSIX")
    monkeypatch.setenv("PGPORT", "6000")
    owner = Owner(var)

    with psycopg.connect(owner.address) as connection:
        row = connection.execute(
            "SELECT datcollate FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    owner.end()

    assert row == ("C.UTF-8",)
    assert "port=5432" in owner.address


def test_redis_is_started_once_and_stopped(var: Path) -> None:
    address = embedded.ensure_redis(var)
    number = (var / "redis" / "redis.pid").read_text()

    assert embedded.ensure_redis(var) == address
    assert (var / "redis" / "redis.pid").read_text() == number

    embedded.stop_redis(var)
    assert embedded.live_redis(var) is None


def test_redis_opens_no_network_port(var: Path) -> None:
    address = embedded.ensure_redis(var)
    client = redis.Redis(unix_socket_path=address.removeprefix("redis+socket://"))

    assert client.config_get("port") == {"port": "0"}
    client.close()


def test_a_second_portal_in_the_same_folder_is_refused_by_name(var: Path) -> None:
    words = "import sys; from pathlib import Path; from studyportal.config import embedded\nwith embedded.sole_runner(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        (sys.executable, "-c", words, str(var)),
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"

    with (
        pytest.raises(embedded.EmbeddedServiceError, match=rf"already runs .*process {holder.pid}"),
        embedded.sole_runner(var),
    ):
        pass

    holder.communicate(timeout=30)
    with embedded.sole_runner(var):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(embedded.EmbeddedServiceError, match="cannot be made"):
        embedded.ensure_redis(tmp_path / "file" / "var")
