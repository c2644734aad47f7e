"""How far a rigid registration would move the PET: the residual of laying it over the CT as it is."""

from typing import Any

import numpy as np
import SimpleITK

from evaluation.imaging import Grid
from evaluation.imaging.volume import to_sitk
from evaluation.screening.results import Measured, unchecked
from evaluation.screening.scene import Scene

_itk: Any = SimpleITK
_FEWEST_VOXELS = 2000
_SMALLEST_EXTENT_MM = (100.0, 250.0, 250.0)  # a crop of the body has no outline to hold on to
_SEED = 20251201


def registration_of(scene: Scene) -> Measured:
    """Return how far (mm) the best rigid move of the PET would shift the body of the CT.

    Mutual information (Mattes, 32 bins, 40 % of the voxels with a fixed seed), six parameters, two
    resolutions, 16 and 8 mm. ``residual_mm`` is the root mean square shift of the voxels of the
    body, ``turn_degrees`` the angle. Two rigid bodies that lie on each other have a residual near 0.
    """
    extents = [n * edge for n, edge in zip(scene.grid.shape, scene.grid.spacing_mm, strict=True)]
    both = scene.body & scene.covered
    short = any(own < least for own, least in zip(extents, _SMALLEST_EXTENT_MM, strict=True))
    if both.sum() < _FEWEST_VOXELS or short:
        return unchecked("CT and PET share too little of the body to be registered.")
    fixed = to_sitk(np.clip(scene.hu, -1000.0, 300.0).astype(np.float32), scene.grid)
    moving = to_sitk(np.log1p(np.maximum(scene.suv, 0.0)).astype(np.float32), scene.grid)
    mask = to_sitk(scene.covered, scene.grid)
    try:
        move = _registered(fixed, moving, mask)
    except RuntimeError:
        return unchecked("The registration found no overlap to begin from.")
    shifts = _shifts(move, both, scene.grid)
    return Measured(
        {
            "residual_mm": float(np.sqrt((shifts**2).sum(axis=1).mean())),
            "largest_mm": float(np.sqrt((shifts**2).sum(axis=1)).max()),
            "turn_degrees": _turn_degrees(move),
        }
    )


def _registered(fixed: Any, moving: Any, mask: Any) -> Any:
    method = _itk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(32)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(0.4, _SEED)
    method.SetMetricFixedMask(mask)
    method.SetInterpolator(_itk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(4.0, 0.02, 60, 0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2])
    method.SetSmoothingSigmasPerLevel([8.0, 4.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetNumberOfThreads(1)  # the same request gives the same number
    start = _itk.CenteredTransformInitializer(
        fixed, moving, _itk.Euler3DTransform(), _itk.CenteredTransformInitializerFilter.GEOMETRY
    )
    method.SetInitialTransform(start, inPlace=False)
    return method.Execute(fixed, moving)


def _shifts(move: Any, mask: np.ndarray, grid: Grid) -> np.ndarray:
    """Shift (x, y, z in mm) of some thousand voxels of the mask."""
    places = np.argwhere(mask)
    places = places[:: max(len(places) // 4000, 1), ::-1]
    points = places @ grid.affine()[:3, :3].T + grid.affine()[:3, 3]
    moved = np.array([move.TransformPoint([float(v) for v in point]) for point in points])
    shifts: np.ndarray = moved - points
    return shifts


def _turn_degrees(move: Any) -> float:
    flat = (
        _itk.CompositeTransform(move).GetNthTransform(0)
        if move.GetName() != "Euler3DTransform"
        else move
    )
    matrix = np.array(_itk.Euler3DTransform(flat).GetMatrix()).reshape(3, 3)
    return float(np.degrees(np.arccos(np.clip((np.trace(matrix) - 1) / 2, -1.0, 1.0))))
