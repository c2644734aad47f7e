"""Run by the Python of 3D Slicer's libraries: fetch every series of a study over DICOMweb as Slicer does, and load it.

    python benchmarks/slicer_reader.py ADDRESS TOKEN STUDY-UID FOLDER

The order of requests is that of Slicer's import from DICOMweb (series, their metadata, then each series at once, with a
bearer token); each series is loaded by the reader behind its DICOM browser, vtkMRMLVolumeArchetypeStorageNode.
One line of JSON a series: what Slicer holds afterwards, in its own space (RAS, mm).
"""

import json
import sys
from pathlib import Path

import numpy as np
from dicomweb_client import DICOMwebClient
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLScene, vtkMRMLVolumeArchetypeStorageNode
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonMath import vtkMatrix4x4


def fetched(client: DICOMwebClient, study: str, series: str, folder: Path) -> list[str]:
    announced = len(client.retrieve_series_metadata(study, series))
    folder.mkdir()
    paths = []
    for number, instance in enumerate(client.iter_series(study, series)):
        path = folder / f"{number}.dcm"
        instance.save_as(path)
        paths.append((float(instance.ImagePositionPatient[2]), str(path)))
    assert len(paths) == announced, f"{announced} instances announced, {len(paths)} came"
    return [path for _, path in sorted(paths)]


def loaded(paths: list[str]) -> dict[str, object]:
    scene = vtkMRMLScene()
    storage, volume = vtkMRMLVolumeArchetypeStorageNode(), vtkMRMLScalarVolumeNode()
    for node in (storage, volume):
        scene.AddNode(node)
    storage.SetFileName(paths[0])
    storage.ResetFileNameList()
    for path in paths:
        storage.AddFileName(path)
    storage.SetSingleFile(0)
    assert storage.ReadData(volume), "Slicer's reader gave up"
    matrix = vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    image = volume.GetImageData()
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).astype(np.float64)
    return {
        "voxels": image.GetDimensions(),
        "ijk_to_ras": [[matrix.GetElement(row, column) for column in range(4)] for row in range(4)],
        "mean": voxels.mean(),
        "least": voxels.min(),
        "most": voxels.max(),
    }


def main() -> None:
    address, token, study, folder = sys.argv[1:]
    client = DICOMwebClient(url=address, headers={"Authorization": f"Bearer {token}"})
    for number, row in enumerate(client.search_for_series(study_instance_uid=study)):
        series = row["0020000E"]["Value"][0]
        paths = fetched(client, study, series, Path(folder) / str(number))
        print(
            json.dumps({"series": series, "modality": row["00080060"]["Value"][0]} | loaded(paths))
        )


if __name__ == "__main__":
    main()
