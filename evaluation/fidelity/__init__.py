"""Image fidelity of a synthetic PET against its reference PET."""

from evaluation.fidelity.body import BodyNotFound, body_mask, negative_controls
from evaluation.fidelity.results import FidelityRefused, FidelityResult
from evaluation.fidelity.structural import ssim, ssim_components, ssim_map
from evaluation.fidelity.voxelwise import mae, mse, nrmse, psnr

__all__ = [
    "BodyNotFound",
    "FidelityRefused",
    "FidelityResult",
    "body_mask",
    "mae",
    "mse",
    "negative_controls",
    "nrmse",
    "psnr",
    "ssim",
    "ssim_components",
    "ssim_map",
]
