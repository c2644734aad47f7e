"""The body measures by which uptake is normalised, and how one SUV turns into another.

With activity concentration C and decayed dose D: SUVbw = C * weight / D, SUVlbm = C * lean mass / D,
SUVibw = C * ideal mass / D, SUVbsa = C * surface / D. All masses in g, the surface in cm2.
"""

import math
from dataclasses import dataclass
from typing import Literal

from pydicom import Dataset

from evaluation.imaging.header import number, text
from evaluation.imaging.reasons import Reason, SuvRefused

SuvKind = Literal["bw", "lbm_james", "lbm_janmahasatian", "lbm_dicom", "bsa", "ibw"]
UNITS: dict[str, str] = {
    "bw": "SUVbw",
    "lbm_james": "SUVlbm",
    "lbm_janmahasatian": "SUVlbm",
    "lbm_dicom": "SUVlbm",
    "bsa": "SUVbsa",
    "ibw": "SUVibw",
}


@dataclass(frozen=True)
class Body:
    """Weight, height and sex as far as the header states them."""

    weight_kg: float | None
    height_m: float | None
    sex: str
    reasons: tuple[Reason, ...] = ()


def body_of(header: Dataset) -> Body:
    """Read weight, height and sex; a weight above 1000 is in grams, and that is noted."""
    weight, height = number(header, "PatientWeight"), number(header, "PatientSize")
    notes: tuple[Reason, ...] = ()
    if weight is not None and weight > 1000:
        sentence = f"The weight {weight:g} was taken as grams."
        weight, notes = weight / 1000, (Reason("weight_in_grams", sentence, "(0010,1030)"),)
    usable = weight is not None and 0 < weight <= 1000
    plausible = height is not None and 0.3 <= height <= 2.6
    sex = text(header, "PatientSex").upper()
    return Body(weight if usable else None, height if plausible else None, sex, notes)


def measure(body: Body, kind: SuvKind) -> tuple[float | None, tuple[Reason, ...]]:
    """Return the normaliser of ``kind`` (g, or cm2 for bsa), or None with the reasons why not."""
    missing = _missing(body, kind)
    if missing or body.weight_kg is None:
        return None, missing
    if kind == "bw":
        return body.weight_kg * 1000, ()
    height = body.height_m or 0.0
    if kind == "bsa":
        return 71.84 * body.weight_kg**0.425 * (height * 100) ** 0.725, ()
    if body.sex == "O":
        both = [_mass_kg(kind, body.weight_kg, height, sex) for sex in ("M", "F")]
        sentence = "Sex is stated as other: the mean of the formulae for men and women was taken."
        return sum(both) / 2 * 1000, (Reason("sex_other", sentence, "(0010,0040)"),)
    return _mass_kg(kind, body.weight_kg, height, body.sex) * 1000, ()


def _missing(body: Body, kind: SuvKind) -> tuple[Reason, ...]:
    found = []
    if body.weight_kg is None:
        sentence = "The weight is missing, zero or impossible."
        found.append(Reason("weight", sentence, "(0010,1030)"))
    if kind != "bw" and body.height_m is None:
        sentence = "The height is missing or impossible."
        found.append(Reason("height", sentence, "(0010,1020)"))
    if kind not in ("bw", "bsa") and body.sex not in ("M", "F", "O"):
        found.append(Reason("sex", "The sex is not stated.", "(0010,0040)"))
    return tuple(found)


def _mass_kg(kind: SuvKind, weight_kg: float, height_m: float, sex: str) -> float:
    man = sex == "M"
    if kind in ("lbm_james", "lbm_dicom"):
        # DICOM's defined term LBM uses 120 for men where James (and LBMJAMES128) has 128.
        slope, square = (1.10, 128.0 if kind == "lbm_james" else 120.0) if man else (1.07, 148.0)
        return slope * weight_kg - square * (weight_kg / (height_m * 100)) ** 2
    if kind == "lbm_janmahasatian":
        bmi = weight_kg / height_m**2
        return 9270 * weight_kg / (6680 + 216 * bmi if man else 8780 + 244 * bmi)
    base, slope = (48.0, 1.06) if man else (45.5, 0.91)
    return base + slope * (height_m * 100 - 152)


def convert(body: Body, *, stored: SuvKind, wanted: SuvKind) -> tuple[float, tuple[Reason, ...]]:
    """Return the factor from an SUV of kind ``stored`` to ``wanted``; 1 when they are the same.

    Nothing of the body is needed, and none of it is applied, where both are the same. Not a number,
    with the reasons, where the body does not give both.
    """
    if stored == wanted:
        return 1.0, ()
    above, notes_above = measure(body, wanted)
    below, notes_below = measure(body, stored)
    notes = tuple(dict.fromkeys(notes_above + notes_below))
    if above is None or below is None:
        return float("nan"), notes
    if above <= 0 or below <= 0:
        sentence = "Weight and height give no lean or ideal mass above zero; one of them is wrong."
        return float("nan"), (*notes, Reason("mass", sentence, "(0010,1020)"))
    return above / below, notes + _beyond_james(body, (stored, wanted))


def _beyond_james(body: Body, kinds: tuple[SuvKind, SuvKind]) -> tuple[Reason, ...]:
    """Note that James' parabola has passed its top: more weight then gives less lean mass."""
    used = [k for k in kinds if k in ("lbm_james", "lbm_dicom")]
    height_cm, weight = (body.height_m or 0.0) * 100, body.weight_kg or 0.0
    tops = []
    for kind in used:
        man, woman = 1.10 / 2 / (128.0 if kind == "lbm_james" else 120.0), 1.07 / 2 / 148.0
        tops.append((man if body.sex == "M" else woman) * height_cm**2)
    if not any(weight > top for top in tops):
        return ()
    sentence = (
        "The weight is beyond the range of James' formula for lean mass; use Janmahasatian's."
    )
    return (Reason("beyond_james", sentence, "(0010,1030)"),)


def sul_factor(header: Dataset, *, formula: SuvKind = "lbm_janmahasatian") -> float:
    """Return by what SUVbw is multiplied to be SUL (lean mass over weight).

    Raises
    ------
    SuvRefused
        When weight, height or sex do not give a lean mass; the reasons name the tags.
    """
    factor, notes = convert(body_of(header), stored="bw", wanted=formula)
    if math.isnan(factor):
        raise SuvRefused(notes)
    return factor
