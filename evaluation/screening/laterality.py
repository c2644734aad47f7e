"""Whether CT and PET agree on which side is left."""

import numpy as np
from scipy import ndimage

from evaluation.screening.organs import both_lungs
from evaluation.screening.results import Measured, unchecked
from evaluation.screening.scene import Scene

_BODY_SUV_SHARE = 0.25
_LARGEST_SLIDE_MM = 24.0
Images = tuple[np.ndarray, np.ndarray]  # outline of the body, logarithm of uptake


def laterality_of(scene: Scene) -> Measured:
    """Return how well the PET fits the CT as it lies and mirrored across the middle of the body.

    ``dice`` compares the outlines of the body (in the PET: above a quarter of the median uptake of
    the CT's body), ``fit`` is the correlation inside the body of CT density (-1000 to 150 HU) with
    the logarithm of uptake, which sees that heart and liver lie on one side. The mirrored PET may
    slide sideways by 24 mm, the best place counts.
    """
    if not both_lungs(scene):
        return unchecked("Both lungs are not in view, so left and right were not compared.")
    seen = np.asarray(scene.covered.any(axis=(1, 2)))
    part = slice(int(np.argmax(seen)), int(seen.size - np.argmax(seen[::-1])))
    body, suv = scene.body[part], scene.suv[part]
    if not body.any() or float(np.median(suv[body])) <= 0:
        return unchecked("The PET shows no uptake in the body of the CT.")
    density = np.clip(scene.hu[part], -1000.0, 150.0)
    images = _outline_and_uptake(suv, body)
    own = _fit(images, density, body)
    best = _best_mirrored(scene, images, density, body)
    return Measured(
        {
            "dice": own[0],
            "dice_mirrored": best[0],
            "fit": own[1],
            "fit_mirrored": best[1],
            "margin": own[1] - best[1],
        }
    )


def _outline_and_uptake(suv: np.ndarray, body: np.ndarray) -> Images:
    smooth = ndimage.gaussian_filter(suv, 1)
    level = _BODY_SUV_SHARE * float(np.median(suv[body]))
    dense = np.asarray(smooth > level, dtype=np.bool_)
    filled = [ndimage.binary_fill_holes(plane) for plane in dense]
    return np.stack(filled), np.log(np.maximum(smooth, 0.05))


def _best_mirrored(
    scene: Scene, images: Images, density: np.ndarray, body: np.ndarray
) -> tuple[float, float]:
    """The fit of the PET mirrored across the middle of the body, at the best place beside it."""
    slide = round(_LARGEST_SLIDE_MM / scene.grid.spacing_mm[2])
    middle = 2 * scene.midline - (density.shape[2] - 1)
    fits = []
    for k in range(-slide, slide + 1, 2):
        outline, uptake = (np.roll(volume[:, :, ::-1], middle + k, axis=2) for volume in images)
        fits.append(_fit((outline, uptake), density, body))
    return max(fits, key=lambda fit: fit[1])


def _fit(images: Images, density: np.ndarray, body: np.ndarray) -> tuple[float, float]:
    outline, uptake = images
    both = 2.0 * float((outline & body).sum()) / float(outline.sum() + body.sum())
    return both, float(np.corrcoef(density[body], uptake[body])[0, 1])
