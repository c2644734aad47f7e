"""From a CT series to a synthetic PET volume in SUV."""

from synthesis.inference.acceptance import accept_ct
from synthesis.inference.family_volume import sample_on_grid, sample_twin, synthesise_volume
from synthesis.inference.of_release import Translate, Translated, translator_of
from synthesis.inference.sampling import Sampled, Sampling
from synthesis.inference.translate import Translation, choose_device, prepare, translate_volume

__all__ = [
    "Sampled",
    "Sampling",
    "Translate",
    "Translated",
    "Translation",
    "accept_ct",
    "choose_device",
    "prepare",
    "sample_on_grid",
    "sample_twin",
    "synthesise_volume",
    "translate_volume",
    "translator_of",
]
