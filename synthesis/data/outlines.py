"""The outlines of foci and organs on the PET grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from synthesis.data.canvas import Canvas, Slices
from synthesis.data.disease import Spot
from synthesis.data.pet_chain import halve_in_plane
from synthesis.data.tissue import Tissue

Mask = NDArray[np.bool_]
# Organs drawn whole; a bilateral one is cut at the midline. Urine belongs to its kidney, the
# chambers to the heart.
WHOLE = {
    "spleen": (Tissue.SPLEEN,),
    "kidney": (Tissue.KIDNEY, Tissue.URINE),
    "stomach": (Tissue.STOMACH, Tissue.MEAL, Tissue.STOMACH_GAS),
    "pancreas": (Tissue.PANCREAS,),
    "heart": (Tissue.CHAMBER, Tissue.MYOCARDIUM),
    "aorta": (Tissue.AORTA,),
    "vertebrae": (Tissue.VERTEBRA,),
}
# Organs that measure a normal uptake: only voxels that hold nothing else, this far from the edge
# and from every focus.
REFERENCE = {"liver": (Tissue.LIVER, 2), "blood_pool": (Tissue.AORTA, 1), "lung": (Tissue.LUNG, 1)}
BILATERAL = ("kidney", "lung")


@dataclass(frozen=True, slots=True)
class Region:
    """One labelled region on the PET grid, named `kind:unit` (for instance `node:4R`)."""

    label: str
    mask: Mask


def outline(canvas: Canvas, spots: tuple[Spot, ...]) -> tuple[Region, ...]:
    """Return the masks on the PET grid: every focus, then organs (those in the field)."""
    z, y, x = canvas.labels.shape
    shape = (z, y // 2, x // 2)
    regions = [Region(spot.label, _spot_mask(spot, shape)) for spot in spots]
    foci = np.any([region.mask for region in regions], axis=0)
    near = ndimage.binary_dilation(foci, iterations=2)
    left = np.broadcast_to(canvas.axes[2][::2] > 0, shape)  # x grows to the patient's left
    for name, mask in _whole_organs(canvas.labels).items():
        regions += _sides(name, mask, left)
    for name, (tissue, depth) in REFERENCE.items():
        inside = ndimage.binary_erosion(_wholly(canvas.labels == tissue), iterations=depth) & ~near
        regions += _sides(name, inside, left)
    return tuple(regions)


def _sides(name: str, mask: Mask, left: Mask) -> list[Region]:
    if name not in BILATERAL:
        return [Region(f"organ:{name}", mask)]
    return [
        Region(f"organ:{name}_left", mask & left),
        Region(f"organ:{name}_right", mask & ~left),
    ]


def _whole_organs(labels: NDArray[np.uint8]) -> dict[str, Mask]:
    """Return the PET voxels that each organ fills at least half."""
    number = np.zeros(256, dtype=np.uint8)
    for n, tissues in enumerate(WHOLE.values(), start=1):
        number[list(tissues)] = n
    organs = number[labels]
    z, y, x = labels.shape
    quarters = [organs[:, row::2, column::2] for row in (0, 1) for column in (0, 1)]
    found = {}
    for n, name in enumerate(WHOLE, start=1):
        filled = np.zeros((z, y // 2, x // 2), dtype=np.uint8)
        for quarter in quarters:
            filled += quarter == n
        found[name] = np.asarray(filled >= 2, dtype=np.bool_)
    return found


def _wholly(found: Mask) -> Mask:
    """Return the PET voxels of which all four CT voxels belong to the organ."""
    pairs = found[:, ::2] & found[:, 1::2]
    return np.asarray(pairs[:, :, ::2] & pairs[:, :, 1::2], dtype=np.bool_)


def _spot_mask(spot: Spot, shape: tuple[int, int, int]) -> Mask:
    """Return the voxels that are at least half filled, or the fullest one of a tiny focus."""
    mask = np.zeros(shape, dtype=np.bool_)
    where, share = _even_box(spot.where, spot.outline)
    box = halve_in_plane(share)
    part = box >= 0.5
    if box.size and not part.any():
        part.flat[int(np.argmax(box))] = True
    mask[where] = part
    return mask


def _even_box(where: Slices, share: NDArray[np.float32]) -> tuple[Slices, NDArray[np.float32]]:
    """Return the box on the PET grid that holds a CT box, and the share padded to fill it."""
    pads, box = [(0, 0)], [where[0]]
    for part in where[1:]:
        start, stop = part.start // 2, -(-part.stop // 2)
        pads.append((part.start - 2 * start, 2 * stop - part.stop))
        box.append(slice(start, stop))
    return (box[0], box[1], box[2]), np.pad(share, pads)
