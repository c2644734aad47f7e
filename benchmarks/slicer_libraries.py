"""3D Slicer's own libraries over the portal's DICOMweb: does Slicer hold the voxels and places that the portal stored?

    python -m venv slicer && slicer/bin/pip install slicer-core==5.13.31053.0 dicomweb-client==0.61.2
    python -m benchmarks.slicer_libraries --python slicer/bin/python

A phantom's CT and PET and a synthetic PET are fetched and loaded as Slicer's import from DICOMweb does. Compared with
the stored files as pydicom reads them: number of voxels, matrix from voxel to millimetre, mean, least and most value.
Ends with 1 when anything differs by more than the rounding of single precision.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom

from benchmarks.portal_process import REPOSITORY, Portal

CLOSE = 1e-6  # Slicer keeps voxels that are no whole numbers in single precision
STUDY = """
import json, tempfile
from pathlib import Path
from rest_framework.authtoken.models import Token
from studyportal.core.models import User
from studyportal.imaging.selectors import stored_paths
from tests.portal import scenes
from tests.synthesis.makers import untrained_release
scenes.open_study()
place = Path(tempfile.mkdtemp())
pair = scenes.ready_pair(scenes.write_small_phantom(3, place / "phantom"))
untrained_release(place / "release")  # the way is real, the image is not
made = scenes.synthesised(pair, scenes.released(place / "release"))
person = User.objects.get(username="coordinator-SPH")
series = [*pair.series.filter(status="accepted"), made]
files = {one.series_uid: [str(path) for path in stored_paths(one.manifest_sha256)] for one in series}
print(json.dumps({"token": Token.objects.create(user=person).key, "files": files,
                  "study": pair.series.get(role="source", status="accepted").study.study_uid}))
"""  # fmt: skip


def expected(paths: list[str]) -> dict[str, npt.NDArray[np.float64]]:
    """The same numbers out of the stored files: matrix from (column, row, slice) to RAS, values after slope and intercept."""
    slices = sorted(map(pydicom.dcmread, paths), key=lambda one: float(one.ImagePositionPatient[2]))
    first, last = slices[0], slices[-1]
    row, column = np.reshape([float(v) for v in first.ImageOrientationPatient], (2, 3))
    rows_mm, columns_mm = (float(v) for v in first.PixelSpacing)
    places = [np.array([float(v) for v in one.ImagePositionPatient]) for one in (first, last)]
    lps = np.eye(4)
    lps[:3, 0], lps[:3, 1] = row * columns_mm, column * rows_mm
    lps[:3, 2], lps[:3, 3] = (places[1] - places[0]) / (len(slices) - 1), places[0]
    voxels = np.stack(
        [one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept) for one in slices]
    )
    return {
        "voxels": np.array([first.Columns, first.Rows, len(slices)], dtype=np.float64),
        "ijk_to_ras": np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps,
        "mean": voxels.mean(),
        "least": voxels.min(),
        "most": voxels.max(),
    }


def differences(found: dict[str, object], truth: dict[str, npt.NDArray[np.float64]]) -> list[str]:
    return [
        name
        for name, value in truth.items()
        if not np.allclose(np.array(found[name]), value, rtol=CLOSE, atol=CLOSE)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", type=Path, required=True, help="that has slicer-core")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="slicer-") as scratch,
        Portal(Path(scratch) / "portal", people="") as portal,
    ):
        study = json.loads(portal.shell(STUDY).splitlines()[-1])
        there = Path(scratch) / "slicer"
        there.mkdir()
        words = [f"{portal.address}/dicomweb", study["token"], study["study"], str(there)]
        script = REPOSITORY / "benchmarks" / "slicer_reader.py"
        answer = subprocess.run(
            [asked.python, script, *words], check=True, capture_output=True, text=True, timeout=300
        )
        rows = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
        truths = {uid: expected(paths) for uid, paths in study["files"].items()}
    assert {row["series"] for row in rows} == truths.keys(), "not every series came"
    wrong = 0
    for row in rows:
        apart = differences(row, truths[row["series"]])
        wrong += bool(apart)
        size = " x ".join(map(str, row["voxels"]))
        print(f"{row['modality']} {size}, {row['least']:.4g} to {row['most']:.4g}: ", end="")
        print(f"differs in {', '.join(apart)}" if apart else "as stored")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
