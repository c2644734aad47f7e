"""Weights as safetensors, which cannot run code."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import nn

from synthesis.models.pix2pix import Generator, build_generator
from synthesis.registry import Release, ReleaseRefusedError


def save_weights(network: nn.Module, path: Path) -> None:
    """Write the network's tensors in a fixed order."""
    tensors = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    save_file(dict(sorted(tensors.items())), path)


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill the network; every tensor must be there with its shape."""
    network.load_state_dict(load_file(path), strict=True)


def load_generator(release: Release) -> Generator:
    """Return the release's generator, ready to translate.

    Raises
    ------
    ReleaseRefusedError
        When the weights do not fit the network that the release describes.
    """
    if release.model is None:
        raise ReleaseRefusedError(f"{release.title} is a release of a family, not of schema 1.")
    generator = build_generator(release.model, seed=0)
    try:
        load_weights(generator, release.weights)
    except RuntimeError as error:
        raise ReleaseRefusedError(
            f"The weights of {release.title} do not fit its network."
        ) from error
    return generator.eval().requires_grad_(requires_grad=False)
