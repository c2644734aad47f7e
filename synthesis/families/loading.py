"""Families to and from the weights of a release."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file, save_file

from synthesis.families.base import Family
from synthesis.registry import Release, ReleaseRefusedError


def save_parts(family: Family, path: Path) -> None:
    """Write the networks that a release needs, in a fixed order; `part/tensor` names each."""
    tensors = {
        f"{part}/{name}": tensor.detach().cpu().contiguous()
        for part in family.spec().parts_in_release
        for name, tensor in family.networks[part].state_dict().items()
    }
    save_file(dict(sorted(tensors.items())), path)


def fill_parts(family: Family, release: Release) -> Family:
    """Return the family with the weights of a release, ready to sample.

    Raises
    ------
    ReleaseRefusedError
        When the weights do not fit the networks that the release describes.
    """
    tensors = load_file(release.weights)
    parts = family.spec().parts_in_release
    try:
        if {name.split("/", 1)[0] for name in tensors} != set(parts):
            raise RuntimeError("other networks")  # noqa: TRY301 # the one sentence is below
        for part in parts:
            prefix = f"{part}/"
            own = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
            family.networks[part].load_state_dict(own, strict=True)
    except RuntimeError as error:
        raise ReleaseRefusedError(
            f"The weights of {release.title} do not fit its networks."
        ) from error
    family.networks.eval().requires_grad_(requires_grad=False)
    return family
