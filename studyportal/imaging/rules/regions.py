"""Names of regions, and what each is called in the codes of DICOM."""

import re

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

_REGION = re.compile(r"^(lesion:[1-9]\d{0,2}|(node|distant|organ):\w{1,30})$", re.ASCII)
_KINDS = {
    "lesion": (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion),
    "distant": (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion),
    "node": (codes.SCT.AnatomicalStructure, codes.SCT.LymphNode),
    "organ": (codes.SCT.AnatomicalStructure, Code("113343008", "SCT", "Organ")),
}
_ORGANS = {
    "organ:liver": codes.SCT.Liver,
    "organ:blood_pool": codes.SCT.Aorta,
    "organ:lung_left": Code("44029006", "SCT", "Left lung structure"),
    "organ:lung_right": Code("3341006", "SCT", "Right lung structure"),
}


def is_region(name: str) -> bool:
    """Whether this is a name of the portal: `lesion:1`, `node:4R`, `distant:…`, `organ:…`."""
    return _REGION.match(name) is not None


def region_codes(name: str) -> tuple[Code, Code]:
    """Return category and type of a region for a DICOM segmentation."""
    category, of_kind = _KINDS[name.partition(":")[0]]
    return category, _ORGANS.get(name, of_kind)
