"""One CT or PET series, read from its files and placed in the patient."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import Dataset

from evaluation.imaging.facts import (
    SeriesFacts,
    facts_of,
    findings_of,
    mixture_faults,
    rescale_faults,
)
from evaluation.imaging.grid import Grid
from evaluation.imaging.instance import Instance
from evaluation.imaging.pixels import PixelFacts, pixel_facts
from evaluation.imaging.reader import InstanceReader
from evaluation.imaging.reasons import Reason, SeriesRefused, SuvRefused
from evaluation.imaging.stack import Stack, stack_slices
from evaluation.imaging.suv import SuvConversion, suv_factor
from evaluation.imaging.suv_body import UNITS, SuvKind
from evaluation.imaging.volume import Volume

OTHER_KINDS = frozenset({
    "secondary_capture", "structured_report", "encapsulated_document", "presentation_state", "dicomdir",
})  # fmt: skip
_STORED_UNITS = {"BQML": "Bq/ml", "GML": "g/ml", "CM2ML": "cm2/ml", "CNTS": "counts"}


@dataclass(frozen=True, eq=False)
class PlacedSeries:
    """What a readable series says of itself, its slices ordered along their normal.

    ``header`` is the first slice's, ``slice_headers`` are all of them (without pixels), ``files``
    are in the same order. ``findings`` are remarks, not faults.
    """

    modality: str
    grid: Grid
    header: Dataset
    slice_headers: tuple[Dataset, ...]
    files: tuple[Path, ...]
    facts: SeriesFacts
    findings: tuple[Reason, ...]

    def suv_conversion(self, kind: SuvKind = "bw") -> SuvConversion:
        """Return how the stored values become SUV, with refusals if they cannot."""
        return suv_factor(self, kind=kind)


@dataclass(frozen=True, eq=False)
class Series(PlacedSeries):
    """A readable series: values after slope and intercept, ordered along the slice normal."""

    values: np.ndarray

    def pixel_facts(self) -> PixelFacts:
        """Return what can be wrong with the values, counted."""
        return pixel_facts(self.values)

    def stored_volume(self) -> Volume:
        """Return Hounsfield units for CT, values in the unit of the header for PET."""
        unit = "HU" if self.modality == "CT" else _STORED_UNITS.get(self.facts.units, "unknown")
        return Volume(self.values, self.grid, unit)

    def suv_volume(self, kind: SuvKind = "bw") -> Volume:
        """Return the standardised uptake values of a PET series.

        Raises
        ------
        SuvRefused
            When the series is no PET or its header does not allow the conversion; the reasons
            name the tags.
        """
        if self.modality != "PT":
            reason = Reason("modality", "Only PET images have uptake values.", "(0008,0060)")
            raise SuvRefused((reason,))
        conversion = self.suv_conversion(kind)
        if conversion.refusals:
            raise SuvRefused(conversion.refusals)
        factors = np.array(conversion.slice_factors)[:, None, None]
        values = (self.values * factors).astype(np.float32)
        return Volume(values, self.grid, UNITS[kind])


def read_series(
    folder_or_files: Path | str | Iterable[Path | str], *, allow_synthetic: bool = False
) -> Series:
    """Read the files of one CT or PET series into a volume with its place and its facts.

    Parameters
    ----------
    folder_or_files
        A folder (every file below it is read, hidden files left out) or the files themselves.
    allow_synthetic
        Accept images that are marked as synthetic, as our own output is; refused otherwise.

    Returns
    -------
    Series
        Slices sorted by position along their normal; InstanceNumber plays no part.

    Raises
    ------
    SeriesRefused
        With every fault that was found: unreadable or cut files, files of other series, missing
        or unevenly spaced slices, gantry tilt, lossy compression.

    Examples
    --------
    >>> read_series([])
    Traceback (most recent call last):
    ...
    evaluation.imaging.reasons.SeriesRefused: No file was given.
    """
    files = files_of(folder_or_files)
    if not files:
        raise SeriesRefused((Reason("no_files", "No file was given."),))
    reader = InstanceReader(allow_synthetic=allow_synthetic)
    return series_of([reader.read(path) for path in files])


def series_of(instances: Sequence[Instance]) -> Series:
    """Place the files that were read one by one as one series, as `read_series` does.

    Parameters
    ----------
    instances
        At least one, each from `read_instance`.

    Raises
    ------
    SeriesRefused
        With every fault of a file and of the series.
    """
    stack = placed(instances)
    values = np.stack([_pixels(i) for i in stack.instances])
    return Series(**vars(described(stack)), values=values)


def placed(instances: Sequence[Instance]) -> Stack:
    """Return the slices in their order.

    Raises
    ------
    SeriesRefused
        With every fault of a file and of the series.
    """
    reasons = _merged([reason for i in instances for reason in i.reasons])
    readable = [i for i in instances if _may_be_placed(i)]
    stack: Stack | None = None
    if readable:
        stack, faults = stack_slices(readable)
        reasons += mixture_faults(readable) + rescale_faults(readable) + faults
    if reasons or stack is None:
        raise SeriesRefused(reasons)
    return stack


def files_of(folder_or_files: Path | str | Iterable[Path | str]) -> list[Path]:
    """Return the files of a folder and its subfolders (hidden ones left out), or those given."""
    if not isinstance(folder_or_files, Path | str):
        return [Path(path) for path in folder_or_files]
    folder = Path(folder_or_files)
    if folder.is_file():
        return [folder]
    below = sorted(path for path in folder.rglob("*") if path.is_file())
    return [p for p in below if not any(s.startswith(".") for s in p.relative_to(folder).parts)]


def _may_be_placed(instance: Instance) -> bool:
    """Whether a file can tell about the series: a report or a stump beside the images cannot."""
    ids = {reason.id for reason in instance.reasons}
    told = "SeriesInstanceUID" in instance.header and "ImagePositionPatient" in instance.header
    return bool(instance.header) and not ids & OTHER_KINDS and (told or not ids)


def _merged(reasons: Sequence[Reason]) -> tuple[Reason, ...]:
    """Keep three sentences of each kind of fault and count the rest, so that people can read it."""
    merged = []
    for fault in dict.fromkeys(reason.id for reason in reasons):
        alike = [reason for reason in reasons if reason.id == fault]
        merged += alike[:3]
        if len(alike) > 3:
            sentence = f"{len(alike) - 3} more files have the same fault."
            merged.append(Reason(fault, sentence, alike[0].tag))
    return tuple(merged)


def described(stack: Stack) -> PlacedSeries:
    """Return what the headers of placed slices say."""
    headers = tuple(i.header for i in stack.instances)
    last_z = float(headers[-1].ImagePositionPatient[2])
    dropped = sorted({tag for i in stack.instances for tag in i.dropped})
    facts = facts_of(headers[0], stack.grid, last_z_mm=last_z)
    return PlacedSeries(
        modality=facts.modality,
        grid=stack.grid,
        header=headers[0],
        slice_headers=headers,
        files=tuple(i.path for i in stack.instances),
        facts=facts,
        findings=findings_of(facts, dropped),
    )


def _pixels(instance: Instance) -> np.ndarray:
    if instance.pixels is None:
        raise SeriesRefused(instance.reasons)
    return instance.pixels
