"""Lets a network that learned from blocks see a whole volume: windows, blended without a seam."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from monai.inferers.utils import sliding_window_inference
from torch import Tensor, nn

from synthesis.families import Family

OVERLAP = 0.5
WIDTH = 0.25  # of the Gaussian, in windows: narrower ones change over within two voxels
BLENDED = ("generator", "denoiser")


@contextmanager
def whole_volumes(family: Family, batch: int) -> Iterator[None]:
    """Let a family of blocks sample whole volumes for a while.

    Every evaluation of a network is the Gaussian-weighted mean over windows, so a sampler of many
    steps sees one image at every step: windows never go their own ways. `cpdm` and `cascade3d`
    work in chunks with one shared noise by themselves.
    """
    domain = family.config.domain
    own_chunks = family.config.family in ("cpdm", "cascade3d")
    with ExitStack() as stack:
        if domain.dimensions == 3 and not own_chunks:
            for name in BLENDED:
                if name in family.networks:
                    window = in_windows(family.networks[name], domain.patch, batch=batch)
                    stack.enter_context(window)
        yield


@contextmanager
def in_windows(network: nn.Module, window: Sequence[int], *, batch: int) -> Iterator[None]:
    """Let a network compute (1, channels, *volume) in windows of its own size for a while."""
    in_one_piece = network.forward

    def forward(x: Tensor, t: Tensor | None = None, conditions: Tensor | None = None) -> Tensor:
        channels = x.shape[1]
        seen = x if conditions is None else torch.cat([x, conditions], dim=1)

        def one(part: Tensor) -> Tensor:
            image, beside = part[:, :channels], part[:, channels:]
            if t is None:
                return torch.as_tensor(in_one_piece(image))
            times = t[:1].expand(len(part))
            return torch.as_tensor(in_one_piece(image, times, beside if beside.shape[1] else None))

        out = sliding_window_inference(
            seen,
            tuple(window),
            batch,
            one,
            overlap=OVERLAP,
            mode="gaussian",
            sigma_scale=WIDTH,
        )
        if not isinstance(out, Tensor):
            raise TypeError("a network in windows gives one tensor")
        return out

    network.forward = forward
    try:
        yield
    finally:
        del network.forward
