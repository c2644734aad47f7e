"""Networks, built from MONAI, and their weights as safetensors."""

from synthesis.models.pix2pix import Generator, build_discriminator, build_generator
from synthesis.models.weights import load_generator, load_weights, save_weights

__all__ = [
    "Generator",
    "build_discriminator",
    "build_generator",
    "load_generator",
    "load_weights",
    "save_weights",
]
