"""What the portal and a synthesis job say to each other, as JSON; knows no torch."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Device = Literal["auto", "cpu", "cuda"]
Status = Literal["succeeded", "refused", "cancelled", "errored"]
Progress = Callable[[int, int, str], None]  # done, total, stage
Cancelled = Callable[[], bool]


class ContractError(ValueError):
    """A message does not have the form that the contract describes."""


class RefusedError(Exception):
    """The work says no; `refused` says why in words for people."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.sentence)
        self.refused = refused


class CancelledError(Exception):
    """Someone asked to stop, and the work stopped."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the work said no: a stable id, and a sentence a coordinator understands."""

    id: str
    sentence: str

    def to_json(self) -> str:
        """Return the refusal as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Refused:
        """Return the refusal of one line of JSON."""
        return cls(**_table(line, required={"id", "sentence"}, allowed={"id", "sentence"}))


@dataclass(frozen=True, slots=True)
class TranslationRequest:
    """Translate one CT series into a synthetic PET series.

    Attributes
    ----------
    job_id
        Unique; all UIDs of the output derive from it, so a rerun cannot make twins.
    release_dir, release_sha256
        Folder of the model release and the digest that it must have.
    ct_files
        Every file of one CT series.
    out_dir
        Folder that the job creates; it appears complete or not at all.
    labels
        Words about the origin that the output carries in its private block; short strings.
    """

    job_id: str
    release_dir: str
    release_sha256: str
    ct_files: tuple[str, ...]
    out_dir: str
    seed: int = 0
    device: Device = "auto"
    labels: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a request that nobody can carry out."""
        if not self.job_id or not self.release_dir or not self.out_dir:
            raise ContractError("A request needs a job id, a release folder and an output folder.")
        if self.device not in get_args(Device):
            raise ContractError(f"Unknown device {self.device!r}; choose auto, cpu or cuda.")

    def to_json(self) -> str:
        """Return the request as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> TranslationRequest:
        """Return the request of one line of JSON; refuse unknown and missing keys."""
        required = {"job_id", "release_dir", "release_sha256", "ct_files", "out_dir"}
        table = _table(line, required=required, allowed=required | {"seed", "device", "labels"})
        return cls(**{**table, "ct_files": tuple(table["ct_files"])})


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """One file of the output."""

    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class TranslationResult:
    """What came of a request; `reason` is a sentence for people unless it succeeded.

    `notes` are sentences about what went otherwise than asked, or was not known; the series is
    whole all the same. `series_sha256` is the SHA-256 over the lines `sha256  name` of all files, sorted by name.
    """

    job_id: str
    status: Status
    reason_id: str = ""
    reason: str = ""
    files: tuple[WrittenFile, ...] = ()
    series_uid: str = ""
    series_sha256: str = ""
    release_sha256: str = ""
    device: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the result as one line of JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> TranslationResult:
        """Return the result of one line of JSON."""
        names = set(cls.__dataclass_fields__)
        table = _table(line, required={"job_id", "status"}, allowed=names)
        if table["status"] not in get_args(Status):
            raise ContractError(f"Unknown status {table['status']!r}.")
        files = tuple(WrittenFile(**entry) for entry in table.get("files", ()))
        return cls(**{**table, "files": files, "notes": tuple(table.get("notes", ()))})


def _table(line: str, *, required: set[str], allowed: set[str]) -> dict[str, Any]:
    try:
        table = json.loads(line)
    except json.JSONDecodeError as error:
        raise ContractError(f"The message is not JSON: {error}.") from error
    if not isinstance(table, dict):
        raise ContractError("The message is not a JSON object.")
    if missing := sorted(required - set(table)):
        raise ContractError(f"The message lacks {missing[0]!r}.")
    if unknown := sorted(set(table) - allowed):
        raise ContractError(f"The message has an unknown key {unknown[0]!r}.")
    return table
