"""What may stay of the texts by which outlines are named: words of anatomy and of contouring, nothing else.

A name decides what a region is (`GTV_Mass`, `Lung_L`, `organ:liver`), so it stays where every word of it is
on the list of neutral words (after AAPM TG-263); any other name becomes a code, equal for equal texts of a site.
"""

import re

from studyportal.imaging.rules.pseudonym import PseudonymContext, text_code
from studyportal.imaging.rules.regions import is_region

NAMING_TEXTS = frozenset(
    [
        "ROIName",
        "ROIObservationLabel",
        "StructureSetLabel",
        "SegmentLabel",
        "SegmentAlgorithmName",
        "AlgorithmName",
        "AlgorithmVersion",
        "DimensionDescriptionLabel",
        "TrackingID",
        "DeviceSerialNumber",  # a segmentation must have one; the table wants a stand-in for it
    ]
)
CODED_LABELS = frozenset({"ContentLabel"})  # capitals only, so that no code of a text fits
EMPTIED_TEXTS = frozenset({"ContentDescription"})
OUTLINE_TEXTS = NAMING_TEXTS | CODED_LABELS | EMPTIED_TEXTS
NEUTRAL_LABEL = "OUTLINES"
_WORD = re.compile(r"[^\W\d_]+|\d+")
_MOST_DIGITS = 3  # a longer number may be one of a person
_NEUTRAL_WORDS = frozenset(
    """
    gtv ctv ptv itv igtv gtvp gtvn ctvn ptvn prv oar roi seg rt rtstruct label labels mask masks
    region regions structure structures set contour contours outline outlines organ organs distant
    lesion lesions tumor tumors tumour tumours mass nodule nodules edema oedema necrosis necrotic
    primary secondary met mets metastasis metastases node nodes nodal lymph lymphnode lymphnodes
    lung lungs pulmonary lobe lul lll rul rml rll lingula hilum hilar pleura pleural effusion
    atelectasis pneumonia consolidation bronchus bronchi bronchial trachea carina airway airways
    mediastinum mediastinal thorax thoracic chest wall sternum rib ribs clavicle scapula
    heart atrium ventricle aorta aortic blood pool bloodpool vein artery vena cava vessel vessels
    liver hepatic spleen kidney kidneys renal adrenal adrenals gland glands pancreas stomach
    duodenum bowel colon rectum bladder prostate uterus ovary breast thyroid parotid esophagus
    oesophagus larynx pharynx brain brainstem cerebellum eye eyes lens spinal cord spinalcord canal
    bone bones bony skeleton vertebra vertebrae vertebral sacrum pelvis pelvic femur humerus head
    neck abdomen body external skin fat muscle soft tissue extremity arm leg
    left right bilateral upper lower middle anterior posterior superior inferior medial lateral
    central peripheral proximal distal apical basal whole total partial rest
    paratracheal subcarinal prevascular retrotracheal aortopulmonary paraesophageal station
    pet ct mr fdg suv suvmax suvpeak max mean peak percent threshold fixed mtv tlg hot spot avid
    background reference ref percist isodose avoid boost margin
    manual auto automatic semiautomatic semi automated edited copy final draft version segment
    segments segmentation number dimension stack position frame in by of on the and with not
    method stated growing brush corrected
    lt rt sup inf ant post
    a b c l n r p s t v x y z ap
    """.split()  # noqa: SIM905 a list of two hundred words reads better so
)


def is_neutral(name: str) -> bool:
    """Whether no word of the name can be anybody's."""
    words = _WORD.findall(name)
    return bool(words) and all(
        len(word) <= _MOST_DIGITS if word.isdigit() else word.casefold() in _NEUTRAL_WORDS
        for word in words
    )


def cleaned_name(keyword: str, name: str, context: PseudonymContext, *, coded: bool) -> str:
    """The name as it may stay. With `coded` it was cleaned before, and codes stand as they are."""
    if keyword in EMPTIED_TEXTS:
        return ""
    if is_neutral(name) or (coded and _is_code(name)):
        return name
    if keyword in CODED_LABELS:
        return NEUTRAL_LABEL
    code = text_code(context, name)
    kind, _, rest = name.partition(":")
    # An organ with an unlisted name stays one, or it would count as a lesion.
    return f"{kind}:{code.replace('-', '_')}" if rest and is_region(name) else code


def _is_code(name: str) -> bool:
    return re.fullmatch(r"(?:(?:node|distant|organ):)?TEXT[-_][0-9A-F]{8}", name) is not None
