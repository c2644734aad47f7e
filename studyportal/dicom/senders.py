"""Which DICOM senders may send for which site: the allow-list of AE titles, a TOML file."""

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST = 16  # characters of an AE title


class SendersRefused(ValueError):
    """The allow-list cannot be used. Carries every fault found."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__(" ".join(faults))


@dataclass(frozen=True)
class Sender:
    """One sender: the title it calls itself, the title it calls us, its site, and where it may call from."""

    calling: str
    called: str
    site: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Senders:
    """Every sender that is let in."""

    entries: tuple[Sender, ...]

    def find(self, *, calling: str, called: str, address: str) -> Sender | None:
        """The sender with both titles, calling from an address of its own; None when nobody like it is listed."""
        for entry in self.entries:
            same = (entry.calling, entry.called) == (calling.strip(), called.strip())
            if same and (not entry.addresses or address in entry.addresses):
                return entry
        return None

    def knows_called(self, title: str) -> bool:
        """Whether anybody may call us by this title."""
        return any(entry.called == title.strip() for entry in self.entries)


def read_senders(path: Path, *, called: str = "STUDYPORTAL") -> Senders:
    """The allow-list in this file; who does not say by which title it calls us uses `called`.

    Raises
    ------
    SendersRefused
        With every fault: a file that cannot be read, a key that is not known, a title that is none, two entries
        with the same two titles.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SendersRefused(
            f"The list of senders {path} cannot be read ({error.strerror})."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SendersRefused(f"The list of senders {path} is not TOML: {error}.") from error
    rows = content.get("sender")
    if set(content) != {"sender"} or not isinstance(rows, list) or not rows:
        raise SendersRefused(f"{path} must hold [[sender]] tables and nothing else.")
    rows = [{"called": called, **row} if isinstance(row, dict) else {} for row in rows]
    faults = [fault for number, row in enumerate(rows, 1) for fault in _faults(number, row)]
    if faults:
        raise SendersRefused(*faults)
    entries = tuple(Sender(**{**row, "addresses": tuple(row.get("addresses", ()))}) for row in rows)
    twice = [pair for pair, n in Counter((e.calling, e.called) for e in entries).items() if n > 1]
    if twice:
        raise SendersRefused(
            *(f"{calling} calling {called} is listed twice." for calling, called in twice)
        )
    return Senders(entries)


def _faults(number: int, row: Mapping[str, Any]) -> list[str]:
    faults = [
        f"Sender {number}: {key} is not known."
        for key in set(row) - set(Sender.__dataclass_fields__)
    ]
    for key in ("calling", "called", "site"):
        value = row.get(key)
        if not isinstance(value, str) or not value.strip():
            faults.append(f"Sender {number}: {key} is missing.")
        elif key != "site" and (value != value.strip() or len(value) > _LONGEST or "\\" in value):
            faults.append(f"Sender {number}: {key} is no AE title (at most {_LONGEST} characters).")
        elif key == "site" and not (value.isalnum() and value.isascii()):
            faults.append(f"Sender {number}: site must be the code of a site.")
    addresses = row.get("addresses", [])
    if not isinstance(addresses, list) or not all(isinstance(a, str) for a in addresses):
        faults.append(f"Sender {number}: addresses must be a list of IP addresses.")
    return faults
