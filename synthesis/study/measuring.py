"""Everything that is measured of one trained family on the same held-out participants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synthesis.config import Study
from synthesis.data.pairs import PairCase
from synthesis.data.sources import PhantomSource
from synthesis.families import Family
from synthesis.inference.family_volume import sample_on_grid, sample_twin
from synthesis.inference.sampling import Sampling
from synthesis.study.cost import cost_of
from synthesis.study.counterfactual import changes
from synthesis.study.evaluations import chosen, curve_of, with_evaluations
from synthesis.study.foci import focus_rows, stray_foci
from synthesis.study.memorisation import nearness
from synthesis.study.records import Change, Cost, Focus, Measured, Nearness, Strays
from synthesis.study.twins import twin_rows
from synthesis.training.family_held_out import (
    MODEL,
    Row,
    image_rows,
    lesion_rows,
    measure_held_out,
    predictions,
)
from synthesis.training.prepared import Prepared, Report

Array = NDArray[np.float32]


@dataclass(slots=True)
class _Rows:
    images: list[Row] = field(default_factory=list)
    foci: list[Focus] = field(default_factory=list)
    strays: list[Strays] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    pets: list[tuple[PairCase, Array]] = field(default_factory=list)


class Measuring:
    """Measures one family after its training.

    Parameters
    ----------
    family
        Trained, on its device.
    data
        Of its run: split and images on the model's grid.
    """

    def __init__(self, study: Study, name: str, family: Family, data: Prepared) -> None:
        self._study = study
        self._settings = study.settings(name)
        self._measures = study.config.measures
        self._family = family
        self._data = data

    def measured(self, key: str, report: Report) -> tuple[Measured, Family]:
        """Return the record, and the family with the number of evaluations that was chosen."""
        if self._family.config.family == "cascade3d":
            return self._twins(key, report), self._family
        counts = (*self._settings.evaluations, *self._settings.shown_evaluations)
        curve = curve_of(
            self._family,
            self._cases(self._data.split.validation, self._measures.curve_cases),
            counts,
            seed=self._measures.seed,
            done=lambda n: report("curve", n, len(counts)),
        )
        choice = [point for point in curve if point.evaluations in self._settings.evaluations]
        family = with_evaluations(self._family, chosen(choice, self._family.spec().evaluations))
        rows = self._held_out(family, report)
        spec = family.spec()
        record = Measured(
            key=key,
            evaluations=spec.evaluations,
            parameters=spec.parameters,
            cost=self._cost(family),
            rows=tuple(rows.images),
            foci=tuple(rows.foci),
            strays=tuple(rows.strays),
            changes=tuple(rows.changes),
            curve=curve,
            nearness=self._nearness(rows.pets),
        )
        return record, family

    def example(self, family: Family) -> tuple[PairCase, Array]:
        """Return the held-out participant with the most malignant foci, and the synthetic PET."""
        cases = self._cases(self._data.split.test)
        case = max(cases, key=lambda c: (sum(map(bool, c.malignant)), c.participant))
        if family.config.family == "cascade3d":
            raise ValueError("a twin is no image of a participant")
        return case, self._images(family, case, 1)[MODEL]

    def _cases(self, names: tuple[str, ...], most: int = 0) -> list[PairCase]:
        return [self._data.cases.case(name) for name in names[: most or len(names)]]

    def _images(self, family: Family, case: PairCase, samples: int) -> Mapping[str, Array]:
        several = samples if family.spec().stochastic else 1
        return predictions(family, case, self._sampling(several))

    def _sampling(self, samples: int = 1) -> Sampling:
        """Return the study's sampling; its few volumes would not repay a compiler."""
        return Sampling(seed=self._measures.seed, samples=samples, compiled="never")

    def _held_out(self, family: Family, report: Report) -> _Rows:
        found, names = _Rows(), self._data.split.test
        again = self._measures.counterfactual_cases or len(names)
        for number, case in enumerate(self._cases(names), start=1):
            images = self._images(family, case, self._settings.samples)
            for name, suv in images.items():
                found.images += image_rows(case, name, suv) + lesion_rows(case, name, suv)
                found.foci += focus_rows(case, name, suv)
                found.strays.append(stray_foci(case, name, suv, self._measures.focus_suv))
            found.pets.append((case, images[MODEL]))
            if number <= again:
                found.changes += self._changes(family, case, images)
            report("measuring", number, len(names))
        return found

    def _changes(self, family: Family, case: PairCase, own: Mapping[str, Array]) -> list[Change]:
        source = self._data.source
        if not isinstance(source, PhantomSource):
            raise TypeError("a study's participants are simulated")

        def predict(other: PairCase) -> Mapping[str, Array]:
            return own if other is case else self._images(family, other, 1)

        return changes(source, case, family.config.domain, predict)

    def _nearness(self, pets: list[tuple[PairCase, Array]]) -> Nearness:
        return nearness(
            pets, self._data.cases.case, self._data.split.train, seed=self._measures.seed
        )

    def _cost(self, family: Family) -> Cost:
        case = self._cases(self._data.split.test)[0]
        sampling = self._sampling()
        if family.config.family == "cascade3d":
            return self._cost_of_twin(family, case, sampling)
        hu = case.hu.astype(np.float32)
        return cost_of(
            lambda: sample_on_grid(family, hu, kvp=case.kvp, sampling=sampling),
            slices=len(hu),
            device=family.device,
        )

    def _cost_of_twin(self, family: Family, case: PairCase, sampling: Sampling) -> Cost:
        people = case.demographics
        if people is None:
            raise ValueError("a case of the cascade has demographics")

        def work() -> object:
            return sample_twin(family, people, sampling=sampling)

        return cost_of(work, slices=len(case.hu), device=family.device)

    def _twins(self, key: str, report: Report) -> Measured:
        family, names = self._family, self._data.split.test
        sampling = self._sampling()
        cases = self._cases(names)
        rows, pets = twin_rows(family, cases, sampling, lambda n: report("twins", n, len(names)))
        held_out = measure_held_out(family, cases, sampling, lambda _n: None)
        spec = family.spec()
        return Measured(
            key=key,
            evaluations=spec.evaluations,
            parameters=spec.parameters,
            cost=self._cost(family),
            rows=tuple(held_out),
            nearness=self._nearness(pets),
            twins=rows,
        )
