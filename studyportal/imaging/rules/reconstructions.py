"""Which of several reconstructions of one CT to take, and why; judged by geometry and look, never by order."""

from collections.abc import Sequence
from dataclasses import dataclass

from studyportal.imaging.rules.kernels import sharpness_of
from studyportal.imaging.rules.summary import SeriesSummary
from studyportal.protocol.rules import ImagingConstraints

_KERNELS = {"soft": 2, "unknown": 1, "sharp": 0}
_SOUNDS = {"soft": "for soft tissue", "unknown": "not known here", "sharp": "edge-enhancing"}


@dataclass(frozen=True)
class Ranked:
    """One reconstruction with its place in the order of preference (0 is proposed) and what speaks for or against it."""

    candidate: int
    place: int
    facts: tuple[str, ...]


def rank_reconstructions(
    candidates: Sequence[SeriesSummary], pet: SeriesSummary | None, limits: ImagingConstraints
) -> tuple[Ranked, ...]:
    """The candidates from the best to the worst.

    What counts, in this order: the position of the PET, how much of the PET is covered, slices within the
    protocol's limit, a kernel for soft tissue, more slices of the body, thinner slices. Without a PET the first two
    say nothing.
    """
    order = sorted(
        range(len(candidates)),
        key=lambda k: _merit(candidates[k], pet, limits),
        reverse=True,
    )
    return tuple(Ranked(k, n, _facts(candidates[k], pet, limits)) for n, k in enumerate(order))


def covered_share(ct: SeriesSummary, pet: SeriesSummary) -> float:
    """The share of the length of the PET that the CT covers."""
    (ct_low, ct_high), (low, high) = ct.z_extent_mm, pet.z_extent_mm
    return max(min(ct_high, high) - max(ct_low, low), 0.0) / (high - low)


def _thickness(ct: SeriesSummary) -> float:
    return max(ct.slice_thickness_mm or 0.0, ct.spacing_mm[0])


def _merit(
    ct: SeriesSummary, pet: SeriesSummary | None, limits: ImagingConstraints
) -> tuple[float, ...]:
    length = ct.z_extent_mm[1] - ct.z_extent_mm[0]
    return (
        float(pet is not None and _same_position(ct, pet)),
        0.0 if pet is None else round(covered_share(ct, pet), 2),
        float(_thickness(ct) <= limits.ct_max_slice_thickness_mm),
        float(_KERNELS[sharpness_of(ct.kernel)]),
        round(length),
        -_thickness(ct),
    )


def _same_position(ct: SeriesSummary, pet: SeriesSummary) -> bool:
    return (
        bool(ct.frame_of_reference_uid) and ct.frame_of_reference_uid == pet.frame_of_reference_uid
    )


def _facts(
    ct: SeriesSummary, pet: SeriesSummary | None, limits: ImagingConstraints
) -> tuple[str, ...]:
    found = []
    if pet is not None:
        found.append(
            "same position as the PET"
            if _same_position(ct, pet)
            else "another position than the PET"
        )
        found.append(f"covers {100 * covered_share(ct, pet):.0f} % of the PET")
    thin = _thickness(ct) <= limits.ct_max_slice_thickness_mm
    found.append(
        f"slices of {_thickness(ct):.1f} mm{'' if thin else ', thicker than the protocol asks'}"
    )
    found.append(f"kernel {ct.kernel or 'not named'}, {_SOUNDS[sharpness_of(ct.kernel)]}")
    found.append(f"{ct.z_extent_mm[1] - ct.z_extent_mm[0]:.0f} mm long")
    return tuple(found)
