"""What the network entrances take: SOP classes that intake can use, and transfer syntaxes without loss."""

from evaluation.imaging.instance import ACCEPTED_SYNTAXES, CT_IMAGE, MULTIFRAME, PET_IMAGE

RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"

# Multi-frame images are taken so that intake can say by name why it refuses them.
SOP_CLASSES = (CT_IMAGE, PET_IMAGE, RTSTRUCT, SEGMENTATION, *MULTIFRAME)
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
# Best first: explicit, so that a sender that converts for us keeps the kinds of private values; implicit last.
TRANSFER_SYNTAXES = (
    EXPLICIT_LITTLE_ENDIAN,
    *sorted(ACCEPTED_SYNTAXES - {EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN}),
    IMPLICIT_LITTLE_ENDIAN,
)
