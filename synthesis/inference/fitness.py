"""Whether a CT is like those that a release learned from; what is not is refused or said."""

from __future__ import annotations

from collections.abc import Callable

from evaluation.imaging import Volume
from synthesis.contract import Refused, RefusedError
from synthesis.data.ct_look import CtLook, CtsSeen, look_of
from synthesis.registry import Release

COARSER = 1.1  # scanners round their spacing
LUNG_SHARE = 0.25  # of the least lung learned from; an emptier CT shows another body part
EDGE_SAID, EDGE_REFUSED = 0.02, 0.25  # more of the border than was learned from
SHORT = 0.8
NOT_STATED = (
    "{} does not state which CTs it learned from: spacing, body part and field of view of this one "
    "were not compared with them."
)

Rule = Callable[[CtLook, CtsSeen], str | None]


def require_fit(ct: Volume, release: Release) -> tuple[str, ...]:
    """Return what has to be said of this CT for this release, in sentences.

    A finer CT than those learned from is averaged down to the model's grid, and is no fault.

    Raises
    ------
    RefusedError
        When its voxels are coarser than any that the release learned from, it shows another body
        part, or a large part of the body lies outside the field of view.
    """
    stated = release.training.get("seen")
    if stated is None:
        return (NOT_STATED.format(release.title),)
    look, seen = look_of(ct), CtsSeen.of_table(stated)
    for reason_id, rule in REFUSALS.items():
        sentence = rule(look, seen)
        if sentence is not None:
            raise RefusedError(Refused(reason_id, sentence))
    said = (rule(look, seen) for rule in REMARKS)
    return tuple(sentence for sentence in said if sentence is not None)


def _too_coarse(look: CtLook, seen: CtsSeen) -> str | None:
    pairs = zip(look.spacing_zyx_mm, seen.coarsest_zyx_mm, strict=True)
    if all(own <= COARSER * most for own, most in pairs):
        return None
    return (
        f"The CT's voxels are {_by(look.spacing_zyx_mm)} mm (z, y, x); the release learned from "
        f"voxels of at most {_by(seen.coarsest_zyx_mm)} mm."
    )


def _other_body_part(look: CtLook, seen: CtsSeen) -> str | None:
    if look.lung_ml >= LUNG_SHARE * seen.least_lung_ml:
        return None
    return (
        f"The CT shows {look.lung_ml:.0f} ml of lung and every CT that the release learned from "
        f"{seen.least_lung_ml:.0f} ml or more: it is another body part, or a part of the chest only."
    )


def _cut_off(look: CtLook, seen: CtsSeen) -> str | None:
    if look.edge_share <= seen.largest_edge_share + EDGE_REFUSED:
        return None
    return (
        f"The field of view cuts through the body: it reaches {100 * look.edge_share:.0f} % of the "
        f"image's edge, and at most {100 * seen.largest_edge_share:.0f} % where the release learned."
    )


def _near_the_edge(look: CtLook, seen: CtsSeen) -> str | None:
    if look.edge_share <= seen.largest_edge_share + EDGE_SAID:
        return None
    return (
        f"The body reaches {100 * look.edge_share:.0f} % of the image's edge: what lies beyond it "
        "was not seen, and uptake near it is uncertain."
    )


def _short(look: CtLook, seen: CtsSeen) -> str | None:
    if look.length_mm >= SHORT * seen.shortest_mm:
        return None
    return (
        f"The CT covers {look.length_mm:.0f} mm from foot to head; the release learned from "
        f"{seen.shortest_mm:.0f} mm or more, and uptake near the ends is uncertain."
    )


def _by(spacing: tuple[float, ...]) -> str:
    return " x ".join(f"{side:.2f}" for side in spacing)


REFUSALS: dict[str, Rule] = {
    "spacing_unseen": _too_coarse,
    "field_of_view": _cut_off,  # before the next: lungs that are open to the edge are not found
    "body_part": _other_body_part,
}
REMARKS: tuple[Rule, ...] = (_near_the_edge, _short)
