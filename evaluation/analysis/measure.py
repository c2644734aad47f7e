"""Everything that is measured on one pair of images, as long-table rows.

The reference PET is the place of comparison: a synthetic image on another grid is resampled onto the
reference's (linear), and both are cut to the part that the CT covers. Each row says so in its method.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.analysis.ct_features import ct_features
from evaluation.analysis.pair_fidelity import (
    FidelityChoices,
    Named,
    body_fidelity,
    lesion_fidelity,
    uptake_fidelity,
)
from evaluation.analysis.uptake import UptakeRegions, uptake_parameters, uptake_regions
from evaluation.fidelity import body_mask
from evaluation.fidelity import negative_controls as negative_control_images
from evaluation.imaging import Volume, overlap, resample
from evaluation.metabolic import Region, region_of

MaskLike = np.ndarray | Volume
Lesions = Mapping[int, MaskLike] | Mapping[str, MaskLike]


@dataclass(frozen=True)
class MeasurementRow:
    """One number: which region, of which image (or of the pair), what, how, and what to beware of.

    ``region`` is ``body``, ``lesion:N`` (or the name given), ``organ:NAME`` or ``uptake:LOW-HIGH``; ``image`` is
    ``pair``, ``reference``, ``synthetic``, ``ct`` or ``control:NAME``. ``value`` is None where none exists; ``flags`` say why.
    """

    region: str
    image: str
    quantity: str
    value: float | None
    unit: str
    method: str
    flags: tuple[str, ...] = ()
    n_voxels: int = 0


@dataclass(frozen=True, eq=False)
class _Case:
    """A pair on one grid with its masks, ready to be measured."""

    reference: Volume
    synthetic: Volume
    body: np.ndarray
    lesions: Mapping[str, np.ndarray]
    lesion_regions: Mapping[str, Region]
    backgrounds: Mapping[str, Region]
    choices: FidelityChoices
    remark: str
    flags: tuple[str, ...]
    cut_lesions: frozenset[str]


def measure_pair(  # noqa: PLR0913 - keyword-only, and each says one thing about the pair
    *,
    reference: Volume,
    synthetic: Volume,
    ct: Volume | None,
    lesions: Lesions,
    data_range: float,
    backgrounds: Mapping[str, MaskLike] | None = None,
    negative_controls: bool = False,
    sensitivity_data_range: float | None = None,
    uptake_edges: Sequence[float] | None = None,
    fsim: bool = False,
    sul_factor: float | None = None,
) -> list[MeasurementRow]:
    """Measure a synthetic PET against its reference PET.

    Parameters
    ----------
    reference, synthetic
        Uptake images in the same SUV unit and frame of reference.
    ct
        The CT in HU, from which the body mask comes. None: the whole image is measured, flag
        ``no_body_mask``.
    lesions
        Number (region ``lesion:N``) or name of the region (``lesion:1``, ``node:4R`` ...) -> mask on
        the grid of ``reference``; the same masks are laid on both images.
    data_range
        The trial's fixed window [0, L] in SUV.
    backgrounds
        Organ name -> mask on the grid of ``reference`` (``liver``, ``blood_pool`` ...); with them
        come organ statistics and the ratios ``tbr_max_NAME`` ...; ``tbr_max`` ... without a name are
        those to the blood pool, else the liver, else the first by name. Masks ``lung_left`` and
        ``lung_right``, or ``lungs`` of both, give ``tbr_max_lung_contralateral`` ... instead: the
        lung on the lesion's other side.
    negative_controls
        Measure also the three images that carry no information, as ``control:NAME``.
    sensitivity_data_range
        A second window [0, L] for SSIM and PSNR, rows ``ssim_lL`` and ``psnr_lL`` (``ssim_l10``).
    uptake_edges
        Limits of the uptake strata, from the plan; with them come regions ``uptake:LOW-HIGH``.
    fsim
        Measure FSIM as well; it takes longer than all the rest together.
    sul_factor
        Lean mass over weight of the participant; with it, and a ``liver`` among the backgrounds,
        come ``mtv_percist`` and ``tlg_percist``, each at the threshold of the image's own liver.

    Returns
    -------
    list of MeasurementRow
        In a fixed order: body, lesions by number, uptake strata, lesions and organs of each image,
        controls.

    Raises
    ------
    ValueError
        When units differ, the images do not overlap, a mask lies on another grid, or the data range
        is no positive number.
    """
    choices = FidelityChoices(data_range, sensitivity_data_range, uptake_edges, fsim)
    case = _prepare(
        reference, synthetic, ct, lesions=lesions, backgrounds=backgrounds or {}, choices=choices
    )
    regions = uptake_regions(
        case.reference,
        lesions=case.lesion_regions,
        backgrounds=case.backgrounds,
        cut_lesions=case.cut_lesions,
        sul_factor=sul_factor,
    )
    rows = _fidelity_rows(case, case.synthetic, "pair")
    for image, volume in (("reference", case.reference), ("synthetic", case.synthetic)):
        rows += _uptake_rows(case, volume, image, regions)
    if ct is not None:
        rows += _ct_rows(case, ct)
    if negative_controls:
        rows += _control_rows(case, regions)
    return rows


def _prepare(
    reference: Volume,
    synthetic: Volume,
    ct: Volume | None,
    *,
    lesions: Lesions,
    backgrounds: Mapping[str, MaskLike],
    choices: FidelityChoices,
) -> _Case:
    if reference.unit != synthetic.unit:
        raise ValueError(f"units differ: reference {reference.unit}, synthetic {synthetic.unit}")
    spans, remark = _common_part(reference, synthetic, ct)
    cut = reference.crop(spans)
    placed = resample(synthetic, cut.grid, outside=0.0)
    if not synthetic.grid.same_as(cut.grid):
        remark = "; synthetic resampled (linear) onto the reference grid" + remark
    named = _named(lesions)
    placed_lesions = {n: _cut_mask(reference, m, spans) for n, m in named.items()}
    body = np.ones(cut.grid.shape, dtype=np.bool_) if ct is None else body_mask(ct, cut.grid)
    return _Case(
        reference=cut,
        synthetic=placed,
        body=body,
        lesions=placed_lesions,
        lesion_regions={n: region_of(cut, m) for n, m in placed_lesions.items()},
        backgrounds={
            n: region_of(cut, _cut_mask(reference, m, spans))
            for n, m in sorted(backgrounds.items())
        },
        choices=choices,
        remark=remark,
        flags=("no_body_mask",) if ct is None else (),
        cut_lesions=frozenset(
            n for n in placed_lesions if placed_lesions[n].sum() < _size(named[n])
        ),
    )


def _common_part(
    reference: Volume, synthetic: Volume, ct: Volume | None
) -> tuple[tuple[slice, slice, slice], str]:
    extents = [overlap(reference.grid, synthetic.grid)]
    if ct is not None:
        extents.append(overlap(reference.grid, ct.grid))
    spans = tuple(
        slice(max(s.start for s in axis), min(s.stop for s in axis))
        for axis in zip(*extents, strict=True)
    )
    if any(s.start >= s.stop for s in spans):
        raise ValueError("reference, synthetic and CT have no voxel in common")
    z, y, x = spans
    whole = all(s == slice(0, n) for s, n in zip(spans, reference.grid.shape, strict=True))
    return (z, y, x), "" if whole else "; cut to the part that all images cover"


def _cut_mask(reference: Volume, mask: MaskLike, spans: tuple[slice, slice, slice]) -> np.ndarray:
    if isinstance(mask, Volume):
        if not mask.grid.same_as(reference.grid):
            raise ValueError("a mask lies on another grid than the reference image")
        mask = mask.array
    if mask.shape != reference.array.shape:
        raise ValueError(f"a mask has shape {mask.shape}, the image {reference.array.shape}")
    part = mask[spans]
    return np.ascontiguousarray(part if part.dtype == np.bool_ else part != 0)


def _named(lesions: Lesions) -> dict[str, MaskLike]:
    """Regions by name, in the order of kind and number (``lesion:2`` before ``lesion:10``)."""
    names = {k if isinstance(k, str) else f"lesion:{k}": m for k, m in lesions.items()}

    def place(name: str) -> tuple[str, int, str]:
        kind, _, rest = name.partition(":")
        return (kind, int(rest) if rest.isdigit() else 0, name)

    return {name: names[name] for name in sorted(names, key=place)}


def _size(mask: MaskLike) -> int:
    values = mask.array if isinstance(mask, Volume) else mask
    return int(np.count_nonzero(values))


def _fidelity_rows(case: _Case, other: Volume, image: str) -> list[MeasurementRow]:
    choices, body = case.choices, case.body
    regions = (case.lesions, case.lesion_regions)
    results: Iterable[Named] = (
        *body_fidelity(case.reference, other, body, choices),
        *lesion_fidelity(case.reference, other, *regions, data_range=choices.data_range),
        *uptake_fidelity(case.reference, other, body, choices),
    )
    return [_fidelity_row(case, image, named) for named in results]


def _fidelity_row(case: _Case, image: str, named: Named) -> MeasurementRow:
    result = named.result
    over_body = named.region == "body" or named.region.startswith("uptake:")
    return MeasurementRow(
        region=named.region,
        image=image,
        quantity=named.quantity,
        value=result.value,
        unit=result.unit,
        method=result.method + case.remark,
        flags=result.flags + (case.flags if over_body else ()),
        n_voxels=result.n_voxels,
    )


def _uptake_rows(
    case: _Case, volume: Volume, image: str, regions: UptakeRegions
) -> list[MeasurementRow]:
    return [
        MeasurementRow(
            region, image, p.quantity, p.value, p.unit, p.method + case.remark, p.flags, p.n_voxels
        )
        for region, p in uptake_parameters(volume, regions)
    ]


def _ct_rows(case: _Case, ct: Volume) -> list[MeasurementRow]:
    return [
        MeasurementRow(region, "ct", quantity, value, unit, method + case.remark, n_voxels=n)
        for region, quantity, value, unit, method, n in ct_features(
            ct, case.lesions, case.reference
        )
    ]


def _control_rows(case: _Case, regions: UptakeRegions) -> list[MeasurementRow]:
    rows = []
    controls = negative_control_images(case.reference, mask=case.body, lesions=case.lesions)
    for name, volume in controls.items():
        rows += _fidelity_rows(case, volume, f"control:{name}")
        rows += _uptake_rows(case, volume, f"control:{name}", regions)
    return rows
