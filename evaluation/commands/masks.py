"""Lesions and organs named on the command line, laid on the grid of the reference PET."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from evaluation.commands.images import Picture, is_nifti, refuse
from evaluation.imaging import Segment, read_segmentation


def lesions_of(argument: str | None, reference: Picture) -> dict[int, Segment]:
    """Return the regions of ``FILE`` or ``FILE#LABEL`` by number; none without an argument."""
    if argument is None:
        return {}
    return {segment.number: segment for segment in _segments(argument, reference)}


def organs_of(arguments: Sequence[str], reference: Picture) -> dict[str, np.ndarray]:
    """Return organ masks by name.

    ``NAME=FILE`` and ``NAME=FILE#LABEL`` name one region; a plain ``FILE`` names its regions
    itself: a DICOM SEG or RTSTRUCT by their labels, a NIfTI mask of one region by its file name.
    """
    found: dict[str, np.ndarray] = {}
    for argument in arguments:
        for name, mask in _named(argument, reference).items():
            if name in found:
                raise refuse("organs", f"The organ {name} is given twice.")
            found[name] = mask
    return found


def _named(argument: str, reference: Picture) -> dict[str, np.ndarray]:
    name, given, rest = argument.partition("=")
    segments = _segments(rest if given else argument, reference)
    if given:
        if len(segments) > 1:
            sentence = (
                f"{rest} holds {len(segments)} regions; say which is {name}: {argument}#LABEL."
            )
            raise refuse("organs", sentence)
        return {_plain(name): segments[0].mask}
    file = Path(argument.partition("#")[0])
    if not is_nifti(file):
        return {_plain(segment.label): segment.mask for segment in segments}
    if len(segments) > 1:
        sentence = (
            f"{file.name} has {len(segments)} labels and no names; name each: liver={file.name}#5."
        )
        raise refuse("organs", sentence)
    return {_plain(file.name.split(".")[0]): segments[0].mask}


def _plain(name: str) -> str:
    return "_".join(name.strip().lower().split())


def _segments(argument: str, reference: Picture) -> list[Segment]:
    name, _, label = argument.partition("#")
    file = Path(name)
    if not file.is_file():
        raise refuse("no_files", f"{file.name} is no file; masks are given as one file each.")
    segments = list(
        read_segmentation(
            file,
            reference.volume.grid,
            frame_of_reference_uid=reference.frame_of_reference_uid,
        ).values()
    )
    if not label:
        return segments
    chosen = [s for s in segments if label in (s.label, str(s.number))]
    if not chosen:
        there = ", ".join(f"{s.number} ({s.label})" for s in segments)
        raise refuse("label", f"{file.name} has no region {label}; it has {there}.")
    return chosen
