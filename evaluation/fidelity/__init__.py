"""Image fidelity of a synthetic PET against its reference PET."""

from evaluation.fidelity.body import BodyNotFound, body_mask, negative_controls
from evaluation.fidelity.features import fsim
from evaluation.fidelity.kernels import limit_threads
from evaluation.fidelity.multiscale import ms_ssim
from evaluation.fidelity.results import FidelityRefused, FidelityResult
from evaluation.fidelity.structural import ssim, ssim_components, ssim_map
from evaluation.fidelity.uptake import UptakeStratum, uptake_strata
from evaluation.fidelity.voxelwise import bias, mae, mse, nrmse, psnr

__all__ = [
    "BodyNotFound",
    "FidelityRefused",
    "FidelityResult",
    "UptakeStratum",
    "bias",
    "body_mask",
    "fsim",
    "limit_threads",
    "mae",
    "ms_ssim",
    "mse",
    "negative_controls",
    "nrmse",
    "psnr",
    "ssim",
    "ssim_components",
    "ssim_map",
    "uptake_strata",
]
