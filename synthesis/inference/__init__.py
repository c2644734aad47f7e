"""From a CT series to a synthetic PET volume in SUV."""

from synthesis.inference.acceptance import accept_ct
from synthesis.inference.device import choose_device
from synthesis.inference.family_volume import sample_on_grid, sample_twin, synthesise_volume
from synthesis.inference.of_release import Translate, Translated, translator_of
from synthesis.inference.sampling import Sampled, Sampling

__all__ = [
    "Sampled",
    "Sampling",
    "Translate",
    "Translated",
    "accept_ct",
    "choose_device",
    "sample_on_grid",
    "sample_twin",
    "synthesise_volume",
    "translator_of",
]
