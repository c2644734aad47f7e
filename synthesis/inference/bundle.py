"""A release as a MONAI bundle: what it holds, in the words and places of MONAI's specification.

https://docs.monai.io/en/stable/mb_specification.html
"""

from __future__ import annotations

import json
import math
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from synthesis.config import DomainConfig
from synthesis.inference.bundle_parts import BundleNetwork, network_of
from synthesis.registry import (
    BUNDLE,
    Release,
    ReleaseRefusedError,
    load_bundle,
)

LICENCE = Path(__file__).parents[2] / "LICENSE"
PACKAGE = "studyportal"
REQUIRED = (PACKAGE, "nibabel", "safetensors", "scipy", "einops")
HERE = "synthesis.inference.bundle_parts"
LOWEST_HU, HIGHEST_HU = -1024, 3071
TASK = "Synthesis of an FDG-PET in SUV from a CT of the chest"
NOT_FOR_USE = "Research use only. Never for diagnosis or treatment."


def write_bundle(release: Release, out: Path) -> Path:
    """Write the bundle of a release into a folder, whole or absent, and return the folder.

    `models/model.pt` is a pickled state dictionary because the format asks for one; it is written
    and never read here.

    Raises
    ------
    ReleaseRefusedError
        When the folder exists, or the release does not turn a CT into a PET.
    """
    if out.exists():
        raise ReleaseRefusedError(f"{out.name} exists; name a folder that does not.")
    network = network_of(release)
    unfinished = out.with_name(f"{out.name}.partial")
    shutil.rmtree(unfinished, ignore_errors=True)
    for folder in ("configs", "models", "docs"):
        (unfinished / folder).mkdir(parents=True)
    for name, of in BUNDLE.wanted.items():
        shutil.copyfile(release.folder / of, unfinished / name)
    _write_json(unfinished / "configs" / "metadata.json", metadata(release, network))
    _write_json(unfinished / "configs" / "inference.json", inference())
    torch.save(network.state_dict(), unfinished / "models" / "model.pt")
    _write_licence(unfinished / "LICENSE")
    unfinished.rename(out)
    return load_bundle(out).folder


def metadata(release: Release, network: BundleNetwork) -> dict[str, Any]:
    """Return `configs/metadata.json`: versions, task, intended use, and what goes in and comes out."""
    needs_kvp = "kvp" in network.family.spec().needs
    return {
        "version": release.version,
        "changelog": {release.version: f"exported from the release with SHA-256 {release.digest}"},
        "monai_version": version("monai"),
        "pytorch_version": version("torch").split("+")[0],
        "numpy_version": version("numpy"),
        "required_packages_version": {name: version(name) for name in REQUIRED},
        "name": release.name,
        "task": TASK,
        "description": f"{release.title}, family {release.family}. See docs/README.md.",
        "authors": release.authors,
        "copyright": "See LICENSE.",
        "created": release.created,
        "intended_use": f"{release.intended_use or 'not stated'}. {NOT_FOR_USE}",
        "data_type": "NIfTI",
        "image_classes": "CT in HU"
        + ("; the tube voltage (kvp) must be given" if needs_kvp else ""),
        "pred_classes": "synthetic FDG-PET in SUV by body weight (g/ml)",
        "eval_metrics": release.metrics,
        "training": release.training,
        "release_sha256": release.digest,
        "weights_sha256": release.weights_sha256,
        "network_data_format": {
            "inputs": {"image": _image(network.domain)},
            "outputs": {"pred": _prediction(network.domain)},
        },
    }


def _image(domain: DomainConfig) -> dict[str, Any]:
    return {
        **_volume(domain),
        "modality": "CT",
        "value_range": [LOWEST_HU, HIGHEST_HU],
        "channel_def": {"0": "CT in Hounsfield units; air is -1000"},
        "windows_hu": [[window.low_hu, window.high_hu] for window in domain.windows],
    }


def _prediction(domain: DomainConfig) -> dict[str, Any]:
    return {
        **_volume(domain),
        "modality": "PET",
        "value_range": [0.0, domain.codec.top_suv],
        "channel_def": {"0": "synthetic FDG uptake in SUV by body weight (g/ml)"},
    }


def _volume(domain: DomainConfig) -> dict[str, Any]:
    return {
        "type": "image",
        "format": "magnitude",
        "num_channels": 1,
        "spatial_shape": ["*", "*", "*"],
        "spatial_axes": "z, y, x towards head, back and left (LPS)",
        "spacing_zyx_mm": list(domain.spacing_zyx_mm),
        "dtype": "float32",
        "is_patch_data": False,
    }


def inference() -> dict[str, Any]:
    """Return `configs/inference.json`: every NIfTI of `dataset_dir` becomes a PET in `output_dir`."""
    return {
        "imports": ["$import glob"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/ct'",
        "output_dir": "$@bundle_root + '/pet'",
        "kvp": None,
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        "network_def": {"_target_": f"{HERE}.bundle_network", "bundle_root": "@bundle_root"},
        "network": "$@network_def.to(@device)",
        "datalist": (
            "$[{'image': path, 'kvp': @kvp} for path in sorted(glob.glob(@dataset_dir + '/*.nii*'))]"
        ),
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [{"_target_": f"{HERE}.CtOnModelGrid", "network": "@network"}],
        },
        "dataset": {"_target_": "Dataset", "data": "@datalist", "transform": "@preprocessing"},
        "inferer": {"_target_": "SimpleInferer"},
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [{"_target_": f"{HERE}.WritePet", "output_dir": "@output_dir"}],
        },
        "evaluator": {
            "_target_": f"{HERE}.Evaluator",
            "device": "@device",
            "dataset": "@dataset",
            "network": "@network",
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
        },
        "run": ["$@evaluator.run()"],
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(_finite(content), indent=2) + "\n", encoding="utf-8")


def _finite(value: Any) -> Any:
    """Return the same with None for what is no number: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_licence(path: Path) -> None:
    """Write the licence of the software; that of the weights stands on the model card."""
    text = LICENCE.read_text("utf-8") if LICENCE.is_file() else "Apache License, Version 2.0\n"
    path.write_text(text, encoding="utf-8")
