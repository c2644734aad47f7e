"""The illness of a made-up participant, from which all their forms follow, so that the forms agree with each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from studyportal.cli.loading.chance import Chance
from studyportal.clinical.rules import metastasis_category, node_category

_LOBES = {"right": ("RUL", "RML", "RLL"), "left": ("LUL", "LLL")}
_STATIONS = {
    "right": ("2R", "4R", "7", "9R", "10R", "11R", "12R"),
    "left": ("4L", "5", "6", "7", "9L", "10L", "11L"),
}
_NEEDLE = ("4R", "4L", "7", "10R", "11R")
_MEDIASTINAL = ("4R", "4L", "5", "7")
ORGANS = ("brain", "bone", "liver", "adrenal")


@dataclass(frozen=True)
class Lesion:
    """One lesion: where, how large in mm, and whether it is malignant."""

    lobe: str
    size_mm: float
    malignant: bool


@dataclass(frozen=True)
class Illness:
    """What is the case, before anybody writes it down. Days lie in the order of the examinations."""

    side: str
    lesions: tuple[Lesion, ...]
    resected: bool
    stations: tuple[str, ...]
    positive: frozenset[str]
    organs: dict[str, str]
    imaged_on: date
    tissue_on: date
    staged_on: date
    treated_on: date

    @property
    def t(self) -> str:
        """T by the size of the first lesion."""
        size = self.lesions[0].size_mm
        limits = ((10, "T1a"), (20, "T1b"), (30, "T1c"), (40, "T2a"), (50, "T2b"), (70, "T3"))
        return next((name for limit, name in limits if size <= limit), "T4")

    @property
    def n(self) -> str:
        """N by the positive stations."""
        return node_category(self.positive, self.side)

    @property
    def m(self) -> str:
        """M by the organs with metastasis."""
        return metastasis_category(self.organs)


def illness(enrolled_on: date, chance: Chance, *, last: date) -> Illness:
    """The illness of one participant, found in the weeks after enrolment."""
    side = chance.one("right", "left", weights=(58, 42))
    imaged = chance.later(enrolled_on, 0, 7, last=last)
    tissue = chance.later(imaged, 5, 14, last=last)
    staged = chance.later(tissue, 1, 7, last=last)
    organs = _organs(chance)
    resected = not organs and chance.happens(0.75)
    stations = _stations(side, chance, resected=resected)
    return Illness(
        side=side,
        lesions=_lesions(side, chance),
        resected=resected,
        stations=stations,
        positive=_positive(stations, chance, resected=resected),
        organs=organs,
        imaged_on=imaged,
        tissue_on=tissue,
        staged_on=staged,
        treated_on=chance.later(staged, 0, 14, last=last),
    )


def _lesions(side: str, chance: Chance) -> tuple[Lesion, ...]:
    count = chance.one(1, 2, 3, weights=(65, 25, 10))
    return tuple(
        Lesion(
            lobe=chance.one(*_LOBES[side]),
            size_mm=float(chance.around(26 if place == 0 else 11, 11, low=5, high=95)),
            malignant=chance.happens(0.9 if place == 0 else 0.45),
        )
        for place in range(count)
    )


def _organs(chance: Chance) -> dict[str, str]:
    if not chance.happens(0.17):
        return {}
    found = chance.some((*ORGANS, "pleura", "contralateral_lung"), chance.one(1, 2, weights=(7, 3)))
    return {organ: chance.one("single", "multiple") for organ in found}


def _stations(side: str, chance: Chance, *, resected: bool) -> tuple[str, ...]:
    if resected:
        kept = chance.some(_STATIONS[side], chance.whole(4, 7))
        return tuple(dict.fromkeys([*kept, "7"]))
    own = [name for name in _NEEDLE if not name.startswith(("10", "11")) or side == "right"]
    return tuple(chance.some(own, chance.whole(2, 4)))


def _positive(stations: tuple[str, ...], chance: Chance, *, resected: bool) -> frozenset[str]:
    share = 0.22 if resected else 0.5
    if not chance.happens(share):
        return frozenset()
    return frozenset(chance.some(stations, chance.one(1, 2, 3, weights=(6, 3, 1))))
