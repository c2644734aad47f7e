"""From a CT series to a synthetic PET volume in SUV."""

from synthesis.inference.acceptance import accept_ct
from synthesis.inference.translate import Translation, choose_device, prepare, translate_volume

__all__ = ["Translation", "accept_ct", "choose_device", "prepare", "translate_volume"]
