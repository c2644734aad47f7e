"""A pair with a stored PET and outlines, put into the archive directly: intake has tests of its own."""

import json
import tempfile
from pathlib import Path

import pydicom

from studyportal.core.storage import path_of, store_bytes, store_file
from studyportal.imaging.services.outlines import stored_masks
from studyportal.imaging.states import SeriesRole
from tests import factories as make
from tests.portal.scenes import small_phantom


def stored(folder: Path, change=None) -> str:
    """Digest of the manifest of a folder put into the archive, each header changed before."""
    path_of("0" * 64).parent.mkdir(parents=True, exist_ok=True)
    digests = []
    for path in sorted(folder.iterdir()):
        if change is None:
            digests.append(store_file(path).sha256)
            continue
        header = pydicom.dcmread(path)
        change(header)
        with tempfile.NamedTemporaryFile() as changed:
            header.save_as(changed.name)
            digests.append(store_file(Path(changed.name)).sha256)
    return store_bytes(json.dumps({"files": [{"sha256": d} for d in digests]}).encode()).sha256


def outlined_pair(folder: Path, *, seed: int = 3):
    """A ready pair with the PET of a phantom and the outlines it was made with."""
    pair = make.ScanPairFactory(ready=True)
    reference = make.ImagingSeriesFactory(
        pair=pair,
        role=SeriesRole.REFERENCE,
        accepted=True,
        manifest_sha256=stored(folder / "PET"),
    )
    masks = {r.label: r.mask for r in small_phantom(seed).regions if r.mask.any()}
    make.OutlineSetFactory(
        pair=pair,
        reference=reference,
        masks_sha256=stored_masks(masks).sha256,
        regions=[{"region": name, "voxels": int(m.sum())} for name, m in sorted(masks.items())],
    )
    return pair
