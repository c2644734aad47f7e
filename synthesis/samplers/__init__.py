"""From condition to sample, step by step: watched, cancellable, and the same for the same seed."""

from synthesis.samplers.bridge import sample_bridge, walk_bridge
from synthesis.samplers.cascade import Chunked, blend_chunks, sample_in_chunks
from synthesis.samplers.flow import sample_flow, walk_flow
from synthesis.samplers.gaussian import sample_gaussian, walk_gaussian, warm_start
from synthesis.samplers.heun import heun_steps, sample_heun
from synthesis.samplers.noise import NoiseSource, generator_of
from synthesis.samplers.watch import Network, Watch
from synthesis.samplers.way import Place, Stride, end_of, strides

__all__ = [
    "Chunked",
    "Network",
    "NoiseSource",
    "Place",
    "Stride",
    "Watch",
    "blend_chunks",
    "end_of",
    "generator_of",
    "heun_steps",
    "sample_bridge",
    "sample_flow",
    "sample_gaussian",
    "sample_heun",
    "sample_in_chunks",
    "strides",
    "walk_bridge",
    "walk_flow",
    "walk_gaussian",
    "warm_start",
]
