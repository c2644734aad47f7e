"""Runs a study: trains each family on one cohort and one split, measures it, writes its release."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from synthesis.config import FamilyRun, Study
from synthesis.data.pairs import PairCase
from synthesis.data.splits import ParticipantSplit, load_split
from synthesis.families import Family, load_family
from synthesis.registry import Release, load_release
from synthesis.study.card import study_notes
from synthesis.study.held_out_rows import held_out_rows
from synthesis.study.measuring import Array, Measuring
from synthesis.study.records import Measured, load_measured, store_measured
from synthesis.training.family_release import write_family_release
from synthesis.training.family_run import fit_family
from synthesis.training.prepared import Prepared, Report, prepare, silent
from synthesis.training.world import World

MEASURED = "measured.json"
IMAGES, SPLIT = "images", "split.json"


@dataclass(frozen=True, slots=True)
class Finished:
    """One family of a study: its settings, its release, its numbers."""

    run: FamilyRun
    release: Release
    measured: Measured


class StudyRun:
    """One study in one folder; called again it goes on where it was.

    A finished family is neither trained nor measured again. `out/families/NAME/` is a family's own
    run, with curves, checkpoint and release; `out/split.json` is the one split, and `out/images/`
    the images that families on the same grid share.
    """

    def __init__(self, study: Study, out: Path, *, world: World, report: Report = silent) -> None:
        self.study = study
        self._out = out
        self._world = world
        self._report = report

    def make_images(self, processes: int) -> None:
        """Draw cohort and split and make every family's images, in processes beside each other."""
        runs = [
            replace(run, training=replace(run.training, prefetch=processes))
            for run in self.study.runs
        ]
        self._draw(runs[0])
        for run in runs:
            self._prepared(run, self._folder(run))

    def finish(self, only: Collection[str] = ()) -> tuple[Finished, ...]:
        """Train and measure what is left; `only` names the releases to care for (none: all)."""
        self._draw(self.study.runs[0])
        return tuple(
            self._finish(run) for run in self.study.runs if not only or run.release.name in only
        )

    @property
    def split(self) -> ParticipantSplit:
        """The one split."""
        return load_split(self._out / SPLIT)

    def _draw(self, first: FamilyRun) -> None:
        """Draw cohort and split once; every family's folder gets the same split."""
        if not (self._out / SPLIT).is_file():
            self._prepared(first, self._out)
        split = self.split
        for run in self.study.runs:
            folder = self._folder(run)
            folder.mkdir(parents=True, exist_ok=True)
            if not (folder / SPLIT).is_file():
                split.store(folder / SPLIT)
            if load_split(folder / SPLIT).digest != split.digest:
                raise ValueError(f"{folder.name} was begun with another split.")

    def _prepared(self, run: FamilyRun, folder: Path) -> Prepared:
        return prepare(
            run, self.study.config.cohort, folder, world=self._world, report=self._report,
            images=self._out / IMAGES,
        )  # fmt: skip

    def _folder(self, run: FamilyRun) -> Path:
        return self._out / "families" / run.release.name

    def _finish(self, run: FamilyRun) -> Finished:
        folder = self._folder(run)
        self._report(f"family {run.release.name}", 0, 1)
        found = load_measured(folder / MEASURED, self._key(run))
        if found is not None and (folder / "release").is_dir():
            return Finished(run, load_release(folder / "release"), found)
        family, data = fit_family(
            run, self.study.config.cohort, folder, world=self._world, report=self._report,
            images=self._out / IMAGES, parent=self._parent(run),
        )  # fmt: skip
        family.networks.eval()
        measuring = Measuring(self.study, run.release.name, family, data)
        measures = self.study.config.measures
        measured, tuned = measuring.measured(self._key(run), self._report)
        release = write_family_release(
            run, tuned, data, folder, rows=list(held_out_rows(measured, measures.focus_suv)),
            study=study_notes(measured, measures),
        )  # fmt: skip
        store_measured(measured, folder / MEASURED)
        return Finished(run, release, measured)

    def _parent(self, run: FamilyRun) -> Release | None:
        named = self.study.settings(run.release.name).parent
        return load_release(self.study.folder / named) if named else None

    def _key(self, run: FamilyRun) -> str:
        """Return the digest of what a family's numbers belong to."""
        config, own = self.study.config, self.study.settings(run.release.name)
        parent = self._parent(run)
        begun = "" if parent is None else parent.digest
        text = (
            f"{config.cohort}/{config.measures!r}/{own!r}/{run.digest}/{self.split.digest}/{begun}"
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def example(self, finished: Finished) -> tuple[PairCase, Array]:
        """Return one held-out participant and the synthetic PET of a family, for a figure."""
        data = self._prepared(finished.run, self._folder(finished.run))
        family: Family = load_family(finished.release, device=self._world.device)
        name = finished.run.release.name
        return Measuring(self.study, name, family, data).example(family)
