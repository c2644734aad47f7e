"""The data of a run: split on record, images on the model's grid, and a digest of all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from synthesis.config import FamilyRun, SplitConfig
from synthesis.data.source import Source
from synthesis.data.sources import open_source
from synthesis.data.splits import (
    PARTS,
    ParticipantSplit,
    SplitRefusedError,
    leave_site_out,
    load_split,
    split_participants,
)
from synthesis.training.case_store import CaseStore
from synthesis.training.descent import Descent, require_unseen
from synthesis.training.world import World

SPLIT = "split.json"
Report = Callable[[str, int, int], None]  # stage, done, total


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Data of a run, split and on the model's grid.

    Attributes
    ----------
    fingerprint
        SHA-256 of settings, split, images and parent: what a checkpoint must belong to.
    descent
        The release that the training begins from; None where it begins from nothing.
    """

    source: Source
    split: ParticipantSplit
    cases: CaseStore
    images_sha256: str
    fingerprint: str
    descent: Descent | None = None


def prepare(
    run: FamilyRun,
    spec: str,
    out: Path,
    *,
    world: World,
    report: Report = silent,
    images: Path | None = None,
    descent: Descent | None = None,
) -> Prepared:
    """Return the data of a run; the first process makes what is not there yet.

    `images` is where images on the model's grid are kept: beside the run, or a folder that several
    runs share.

    Raises
    ------
    LeakError
        When the parent learned from somebody whom this run would be tested on.
    """
    if not world.writes:
        world.wait()
    out.mkdir(parents=True, exist_ok=True)
    domain = run.family.domain
    source = open_source(spec, domain.spacing_zyx_mm, out / "data", source=domain.source)
    split = _split(run.split, source, out / SPLIT)
    if descent is not None:
        require_unseen(split, descent.parent)
    cases = CaseStore(source, run.family, images or out / "cases")
    everyone = (*split.train, *split.validation, *split.test)
    cases.prepare(everyone, partial(report, "reading images"), processes=run.training.prefetch)
    if world.writes:
        world.wait()
    seen = cases.digest(everyone)
    parent = () if descent is None else (descent.parent.digest, descent.relation)
    text = "/".join((run.digest, split.digest, seen, *parent))
    fingerprint = hashlib.sha256(text.encode()).hexdigest()
    return Prepared(source, split, cases, seen, fingerprint, descent)


def _split(config: SplitConfig, source: Source, path: Path) -> ParticipantSplit:
    """Return the split on record beside the run, or make it and put it there."""
    if path.is_file():
        stored = load_split(path)
        strangers = sorted({n for part in PARTS for n in getattr(stored, part)} - set(source.sites))
        if strangers:
            raise SplitRefusedError(
                f"{path.name} names participant {strangers[0]}, who is not in the data."
            )
        return stored
    if config.by == "site":
        split = leave_site_out(
            source.sites, config.test_site, seed=config.seed, validation=config.validation
        )
    else:
        split = split_participants(
            source.sites, seed=config.seed, validation=config.validation, test=config.test
        )
    split.store(path)
    return split
