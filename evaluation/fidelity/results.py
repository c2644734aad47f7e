"""What a fidelity metric returns, and what it refuses to compute."""

import math
from dataclasses import dataclass

import numpy as np

from evaluation.fidelity.kernels import each_plane, extent_plane
from evaluation.imaging import Volume

Image = np.ndarray | Volume
Mask = np.ndarray | Volume | None


class FidelityRefused(ValueError):
    """The two images cannot be compared as they are; the sentence says why."""


@dataclass(frozen=True)
class FidelityResult:
    """A value with its unit, the number of voxels behind it, the full recipe, and flags.

    ``value`` is None where no value exists; ``flags`` then say why (``identical``,
    ``empty_mask``, ``too_small``, ``mask_too_thin``, ``zero_reference`` ...). ``skipped`` counts what
    was left out by rule: slices of a slice-wise metric, voxels beyond the edges of strata.
    """

    value: float | None
    unit: str
    n_voxels: int
    method: str
    flags: tuple[str, ...] = ()
    skipped: int = 0


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images that may be compared: same shape, finite, float32, with a mask of that shape.

    ``flags`` name an image that is constant; they go with every result.
    """

    reference: np.ndarray
    synthetic: np.ndarray
    mask: np.ndarray | None
    data_range: float
    unit: str
    flags: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """The part of the image that is measured, as the recipe names it."""
        return "whole image" if self.mask is None else "mask"

    @property
    def inside(self) -> np.ndarray:
        """The measured voxels; without a mask a view that takes no memory."""
        return np.broadcast_to(np.True_, self.reference.shape) if self.mask is None else self.mask

    def result(
        self,
        value: float | None,
        *flags: str,
        n: int,
        method: str,
        unit: str = "1",
        skipped: int = 0,
    ) -> FidelityResult:
        """Return a result that carries the flags of the images as well.

        A similarity of exactly one is looked into: ``identical`` if the images are.
        """
        same = ("identical",) if unit == "1" and value == 1.0 and self._identical() else ()
        return FidelityResult(value, unit, n, method, (*flags, *same, *self.flags), skipped)

    def _identical(self) -> bool:
        inside = self.inside
        a, b = (i[inside].clip(0, self.data_range) for i in self.images)
        return bool(np.array_equal(a, b))

    @property
    def images(self) -> tuple[np.ndarray, np.ndarray]:
        """Reference and synthetic image."""
        return self.reference, self.synthetic


def checked_pair(reference: Image, synthetic: Image, *, data_range: float, mask: Mask) -> Pair:
    """Return the pair as arrays, or refuse it.

    Raises
    ------
    FidelityRefused
        When shapes, grids or units differ, a value is not finite, or the data range is no
        positive finite number.
    """
    if not math.isfinite(data_range) or data_range <= 0:
        raise FidelityRefused(f"the data range must be a positive number, not {data_range}")
    _check_places(reference, synthetic, mask)
    first, second = _array(reference), _array(synthetic)
    if first.shape != second.shape:
        raise FidelityRefused(f"shapes differ: {first.shape} and {second.shape}")
    if first.ndim != 3:
        raise FidelityRefused(f"images have three axes [z, y, x], not {first.ndim}")
    constant = tuple(
        f"constant_{name}"
        for name, values in (("reference", first), ("synthetic", second))
        if _is_constant(values, name)
    )
    unit = reference.unit if isinstance(reference, Volume) else ""
    return Pair(first, second, _mask(mask, first.shape), float(data_range), unit, constant)


def _is_constant(values: np.ndarray, name: str) -> bool:
    """Refuse values that are not finite; tell whether all are the same."""
    if values.size == 0:
        raise FidelityRefused(f"the {name} image has no voxels: shape {values.shape}")
    extents = np.zeros((len(values), 3))
    each_plane(len(values), lambda z: extent_plane(values[z], extents[z]))
    bad = np.flatnonzero(np.isnan(extents[:, 2]))
    if len(bad):
        raise FidelityRefused(
            f"the {name} image holds values that are no finite numbers, in {len(bad)} planes, the first "
            f"is plane {bad[0]}"
        )
    return bool(extents[:, 0].min() == extents[:, 1].max())


def _check_places(reference: Image, synthetic: Image, mask: Mask) -> None:
    if isinstance(reference, Volume) and isinstance(synthetic, Volume):
        if reference.unit != synthetic.unit:
            raise FidelityRefused(f"units differ: {reference.unit} and {synthetic.unit}")
        _check_grids(reference, synthetic, "the images lie on different grids; resample one first")
    if isinstance(reference, Volume) and isinstance(mask, Volume):
        _check_grids(reference, mask, "the mask lies on another grid than the images")


def _check_grids(one: Volume, other: Volume, sentence: str) -> None:
    if not one.grid.same_as(other.grid):
        raise FidelityRefused(sentence)


def _array(image: Image) -> np.ndarray:
    values = image.array if isinstance(image, Volume) else np.asarray(image)
    if values.dtype.kind not in "fiub":
        raise FidelityRefused(f"an image holds real numbers, not {values.dtype}")
    return np.ascontiguousarray(values, dtype=np.float32)


def _mask(mask: Mask, shape: tuple[int, ...]) -> np.ndarray | None:
    if mask is None:
        return None
    values = mask.array if isinstance(mask, Volume) else np.asarray(mask)
    if values.shape != shape:
        raise FidelityRefused(f"the mask has shape {values.shape}, the images {shape}")
    return np.ascontiguousarray(values != 0)
