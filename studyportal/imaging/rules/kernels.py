"""What the name of a CT kernel says about the sharpness of the reconstruction."""

import re
from typing import Literal

Sharpness = Literal["soft", "sharp", "unknown"]

# Siemens: B40f, Br64, I31f, Bl57, Hr60: the number is the sharpness. Canon: FC13, FC52. The rest by name.
_SIEMENS = re.compile(r"^(?:[BHIJDTUQ][A-Z]?)(\d{2})[A-Z]?\b", re.IGNORECASE)
_CANON = re.compile(r"^FC(\d{2})", re.IGNORECASE)
_SIEMENS_SHARP, _CANON_SHARP = 60, 30
_SOFT = frozenset(
    {"STANDARD", "SOFT", "STND", "A", "B", "C", "SA", "SB", "SC", "UA", "UB", "UC", "IA", "IB"}
)
_SHARP = frozenset(
    {"LUNG", "BONE", "BONEPLUS", "EDGE", "DETAIL", "CHST", "CHEST", "ULTRA", "HD", "HDLUNG"}
    | {"D", "E", "L", "YA", "YB", "YC", "YD", "YE", "YL"}
)


def sharpness_of(kernel: str) -> Sharpness:
    """Whether a ConvolutionKernel (several values joined by a backslash) smooths or enhances edges."""
    name = kernel.split("\\", maxsplit=1)[0].strip().upper()
    for pattern, sharp in ((_CANON, _CANON_SHARP), (_SIEMENS, _SIEMENS_SHARP)):
        if match := pattern.match(name):
            return "sharp" if int(match[1]) >= sharp else "soft"
    plain = re.sub(r"[^A-Z]", "", name)
    if plain in _SOFT:
        return "soft"
    return "sharp" if plain in _SHARP else "unknown"
