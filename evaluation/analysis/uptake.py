"""What is measured on one uptake image: lesions, their ratios to backgrounds, organs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from evaluation.imaging import Volume
from evaluation.metabolic import (
    Background,
    Lungs,
    MetabolicRefused,
    Parameter,
    PercistThreshold,
    Region,
    Uptake,
    background_of,
    contralateral_lung,
    factor_to_sul,
    lesion_parameters,
    lungs_of,
    lungs_of_sides,
    organ_statistics,
    own_region,
    percist_threshold,
    tumour_to_backgrounds,
    uptake_of,
)

LEADING_BACKGROUNDS = ("blood_pool", "liver")
LIVER, OTHER_LUNG = "liver", "lung_contralateral"
# Both lungs as one mask, or one mask each: a background by its other side only.
LUNGS, LEFT_LUNG, RIGHT_LUNG = "lungs", "lung_left", "lung_right"
_LUNG_MASKS = (LUNGS, LEFT_LUNG, RIGHT_LUNG)


@dataclass(frozen=True, eq=False)
class UptakeRegions:
    """The regions of a pair that are laid on the reference and on every other image alike.

    ``reference_regions`` are the voxels at or above 41 % of the reference's SUVmax; ``other_lungs``
    the lung on the other side of each lesion, or the sentence why there is none.
    """

    lesions: Mapping[str, Region]
    backgrounds: Mapping[str, Region]
    cut_lesions: frozenset[str]
    reference_regions: Mapping[str, Region]
    other_lungs: Mapping[str, Region | str]
    sul_factor: float | None


def uptake_regions(
    reference: Volume,
    *,
    lesions: Mapping[str, Region],
    backgrounds: Mapping[str, Region],
    cut_lesions: frozenset[str],
    sul_factor: float | None,
) -> UptakeRegions:
    """Return the regions of a pair, those that depend on the reference image among them."""
    image = uptake_of(reference)
    if sul_factor is not None:
        factor_to_sul(image.unit, sul_factor)  # a factor of no use is the caller's error
    return UptakeRegions(
        lesions=lesions,
        backgrounds=backgrounds,
        cut_lesions=cut_lesions,
        reference_regions={name: own_region(image, lesion) for name, lesion in lesions.items()},
        other_lungs=_other_lungs(reference, backgrounds, lesions),
        sul_factor=sul_factor,
    )


def _other_lungs(
    reference: Volume, backgrounds: Mapping[str, Region], lesions: Mapping[str, Region]
) -> dict[str, Region | str]:
    if not any(name in backgrounds for name in _LUNG_MASKS):
        return {}
    try:
        lungs = _lungs(reference, backgrounds)
    except MetabolicRefused as refusal:
        return dict.fromkeys(lesions, str(refusal))
    found: dict[str, Region | str] = {}
    for name, lesion in lesions.items():
        try:
            found[name] = contralateral_lung(reference, lungs, lesion)
        except MetabolicRefused as refusal:
            found[name] = str(refusal)
    return found


def _lungs(reference: Volume, backgrounds: Mapping[str, Region]) -> Lungs:
    if LUNGS in backgrounds:
        return lungs_of(reference, backgrounds[LUNGS])
    if not {LEFT_LUNG, RIGHT_LUNG} <= set(backgrounds):
        raise MetabolicRefused("only one lung has a mask, so the midline is not known")
    return lungs_of_sides(reference, left=backgrounds[LEFT_LUNG], right=backgrounds[RIGHT_LUNG])


def uptake_parameters(volume: Volume, regions: UptakeRegions) -> list[tuple[str, Parameter]]:
    """Return every parameter of an image with its region: lesions by number, organs by name."""
    image = uptake_of(volume)
    percist, missing = _percist(image, regions)
    backgrounds = {
        organ: background_of(image, mask)
        for organ, mask in regions.backgrounds.items()
        if organ not in _LUNG_MASKS
    }
    found: list[tuple[str, Parameter]] = []
    for name, lesion in regions.lesions.items():
        reference = regions.reference_regions[name]
        parameters = lesion_parameters(image, lesion, percist=percist, reference_region=reference)
        parameters += missing
        if name in regions.cut_lesions:
            parameters = tuple(replace(p, flags=(*p.flags, "lesion_cut")) for p in parameters)
        found += [(name, parameter) for parameter in parameters]
        found += [(name, ratio) for ratio in _ratios(image, name, regions, backgrounds)]
    for organ, statistics in organ_statistics(image, regions.backgrounds).items():
        found += [(f"organ:{organ}", parameter) for parameter in statistics]
    if percist is not None:
        found.append((f"organ:{LIVER}", _threshold(percist)))
    return found


def _percist(
    image: Uptake, regions: UptakeRegions
) -> tuple[PercistThreshold | None, tuple[Parameter, ...]]:
    """The threshold of the image's own liver, or the parameters that have no value without it."""
    if regions.sul_factor is None and image.unit != "SUVlbm":
        return None, ()
    why = "without a liver mask there is no PERCIST threshold"
    if LIVER in regions.backgrounds:
        liver = regions.backgrounds[LIVER]
        try:
            return percist_threshold(image, liver, sul_factor=regions.sul_factor), ()
        except MetabolicRefused as refusal:
            why = str(refusal)
    flags = ("no_percist_threshold",)
    return None, (
        Parameter("mtv_percist", None, "ml", why, flags),
        Parameter("tlg_percist", None, "SUVlbm ml", why, flags),
    )


def _threshold(percist: PercistThreshold) -> Parameter:
    return Parameter(
        "percist_threshold", percist.value, "SUVlbm", percist.method, (), percist.n_voxels
    )


def _ratios(
    image: Uptake, name: str, regions: UptakeRegions, backgrounds: Mapping[str, Background]
) -> list[Parameter]:
    """Ratios to every background by name, and once without a name to the one that leads."""
    lesion, other = regions.lesions[name], regions.other_lungs.get(name)
    behind = dict(backgrounds)
    if isinstance(other, Region):
        behind[OTHER_LUNG] = background_of(image, other)
    ratios = tumour_to_backgrounds(image, lesion, behind)
    if isinstance(other, str):
        flags = ("no_contralateral_lung",)
        ratios[OTHER_LUNG] = tuple(
            Parameter(f"tbr_{k}", None, "1", other, flags) for k in ("max", "mean", "peak")
        )
    if not ratios:
        return []
    leading = next((organ for organ in LEADING_BACKGROUNDS if organ in ratios), next(iter(ratios)))
    found = []
    for organ, parameters in ratios.items():
        named = [replace(p, method=f"{p.method} ({organ})") for p in parameters]
        found += [replace(p, quantity=f"{p.quantity}_{organ}") for p in named]
        found += named if organ == leading else []
    return found
