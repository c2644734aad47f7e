"""Whether the weights of a release are those its networks need; builds no network in memory."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open

from synthesis.families import build_family
from synthesis.registry import Release, ReleaseRefusedError, TensorHead, read_heads

FORMATS = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip


def require_fit(release: Release) -> None:
    """Return quietly when every tensor is there, has its shape and format, and is finite.

    Raises
    ------
    ReleaseRefusedError
        With a sentence that names the first tensor that is missing, too many, or different.
    """
    needed, found = tensors_of(release), read_heads(release.weights)
    for name in sorted(needed.keys() | found.keys()):
        fault = _fault(name, needed.get(name), found.get(name))
        if fault:
            raise ReleaseRefusedError(
                f"The weights of {release.title} do not fit its networks: {fault}"
            )
    _require_finite(release.weights)


def tensors_of(release: Release) -> dict[str, TensorHead]:
    """Return what the networks of a release need, by name; only shapes are made, no numbers.

    Raises
    ------
    ReleaseRefusedError
        When the configuration describes networks that cannot be built.
    """
    try:
        with torch.device("meta"):
            states = _states(release)
    except (RuntimeError, ValueError, TypeError, MemoryError, OverflowError) as error:
        raise ReleaseRefusedError(
            f"The networks that {release.title} describes cannot be built."
        ) from error
    return {
        name: TensorHead(FORMATS[tensor.dtype], tuple(tensor.shape))
        for name, tensor in states.items()
    }


def _states(release: Release) -> dict[str, torch.Tensor]:
    family = build_family(release.config, device="meta")
    return {
        f"{part}/{name}": tensor
        for part in family.spec().parts_in_release
        for name, tensor in family.networks[part].state_dict().items()
    }


def _fault(name: str, needed: TensorHead | None, found: TensorHead | None) -> str:
    if found is None:
        return f"{name} is missing."
    if needed is None:
        return f"{name[:80]} belongs to none of them."
    if needed.shape != found.shape:
        return f"{name} has shape {list(found.shape)} where {list(needed.shape)} is needed."
    if needed.format != found.format:
        return f"{name} holds {found.format} where {needed.format} is needed."
    return ""


def _require_finite(path: Path) -> None:
    """One tensor after the other is read, so memory holds the largest and not their sum."""
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 # no mapping
            tensor = file.get_tensor(name)
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise ReleaseRefusedError(
                    f"{name} of the weights holds values that are no numbers."
                )
