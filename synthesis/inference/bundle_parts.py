"""What the `inference.json` of a MONAI bundle names: reads a CT, holds the networks, writes a PET.

A bundle runs where this package is installed; its images are those of `python -m synthesis
translate`, because the same code brings a CT to the model's grid and samples from the family.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from evaluation.imaging import Grid, Volume, read_nifti
from evaluation.imaging.nifti import write_nifti
from synthesis.config import DomainConfig
from synthesis.data.model_grid import model_grid, smooth_resample, to_axial
from synthesis.families import Family, load_family
from synthesis.inference.family_volume import sample_on_grid
from synthesis.inference.sampling import Sampling
from synthesis.registry import Release, ReleaseRefusedError, load_bundle

IMAGE, PREDICTION, GRID, NAME, KVP = "image", "pred", "grid", "name", "kvp"


class BundleNetwork(nn.Module):
    """The networks of a release, and how they are sampled, as one module."""

    def __init__(self, family: Family, seed: int = 0) -> None:
        super().__init__()
        self.family = family
        self.networks = nn.ModuleDict(
            {part: family.networks[part] for part in family.spec().parts_in_release}
        )
        self.seed = seed

    @property
    def domain(self) -> DomainConfig:
        """Grid, windows and uptake scale."""
        return self.family.config.domain

    def forward(self, image: Tensor, kvp: float | None = None) -> Tensor:
        """Return SUVbw (n, 1, z, y, x) of HU of the same shape on the model's grid.

        Raises
        ------
        ConditionRefusedError
            When the family needs the tube voltage of the CT and it is not given.
        """
        sampling = Sampling(seed=self.seed)
        drawn = [
            sample_on_grid(self.family, hu[0].float().cpu().numpy(), kvp=kvp, sampling=sampling)
            for hu in image
        ]
        return torch.stack([torch.from_numpy(one.first)[None] for one in drawn]).to(image.device)


def network_of(release: Release) -> BundleNetwork:
    """Return the networks of a release with their weights.

    Raises
    ------
    ReleaseRefusedError
        When the release does not turn a CT into a PET: twins, other sources, fusion images.
    """
    family = load_family(release)
    spec = family.spec()
    if "hu" not in spec.needs or "suv" not in spec.outputs or spec.domain.source != "ct":
        raise ReleaseRefusedError(
            f"{release.title} ({release.family}) makes no PET of a CT; a bundle is for those that do."
        )
    return BundleNetwork(family).eval()


def bundle_network(bundle_root: str) -> BundleNetwork:
    """Return the networks of the bundle in a folder, every digest checked; model.pt is not read."""
    return network_of(load_bundle(Path(bundle_root)))


class CtOnModelGrid:
    """Transform: a CT in HU as NIfTI, on the model's grid, with the grid beside it."""

    def __init__(self, network: BundleNetwork) -> None:
        self.domain = network.domain

    def __call__(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return HU (1, z, y, x) as `image`, its `grid`, its `name` and what else was given."""
        path = Path(item[IMAGE])
        ct = to_axial(read_nifti(path, "HU"))
        grid = model_grid(ct.grid, self.domain)
        hu = torch.from_numpy(smooth_resample(ct, grid).array)[None]
        return {**item, IMAGE: hu, GRID: grid, NAME: path.name.partition(".")[0]}


class WritePet:
    """Transform: writes the prediction as NIfTI in SUVbw and says where."""

    def __init__(self, output_dir: str) -> None:
        self.folder = Path(output_dir)

    def __call__(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Return the item with the `path` of its image."""
        grid: Grid = item[GRID]
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{item[NAME]}_synthetic_pet.nii.gz"
        write_nifti(Volume(item[PREDICTION][0].cpu().numpy(), grid, "SUVbw"), path)
        return {**item, "path": str(path)}


class Evaluator:
    """Runs a bundle over its dataset; needs nothing but this package and MONAI."""

    def __init__(
        self,
        *,
        device: str | torch.device,
        dataset: Iterable[Mapping[str, Any]],
        network: BundleNetwork,
        inferer: Any,
        postprocessing: Any,
    ) -> None:
        self.device = torch.device(device)
        self.dataset = dataset
        self.network = network.to(self.device)
        self.inferer = inferer
        self.postprocessing = postprocessing

    def run(self) -> list[str]:
        """Return the paths of the images that were written, one for each CT."""
        written = []
        for item in self.dataset:
            image = item[IMAGE][None].to(self.device)
            pred = self.inferer(image, self.network, kvp=item.get(KVP))[0]
            written.append(str(self.postprocessing({**item, PREDICTION: pred})["path"]))
        return written
