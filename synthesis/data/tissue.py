"""What a voxel is made of: its attenuation in CT and its uptake in PET."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from synthesis.data.frame import Body
from synthesis.data.participant import PhantomParticipant, Uptake


class Tissue(IntEnum):
    """What a voxel of the label volume is made of."""

    AIR = 0
    SKIN = 1
    FAT = 2
    MUSCLE = 3
    LUNG = 4
    BLOOD = 5
    AORTA = 6
    MYOCARDIUM = 7
    LIVER = 8
    SPLEEN = 9
    STOMACH = 10
    GAS = 11
    KIDNEY = 12
    ADRENAL = 13
    MARROW = 14
    CORTEX = 15
    CORD = 16
    OESOPHAGUS = 17
    GLAND = 18
    VESSEL = 19
    COUCH = 20
    CARTILAGE = 21
    BROWN_FAT = 22
    CHAMBER = 23  # blood inside the heart
    URINE = 24
    CHYME = 25  # what the bowel holds
    BOWEL = 26
    AVID_BOWEL = 27
    PANCREAS = 28
    BILE = 29
    LIMB_BONE = 30  # cortex of the arms, not part of the spine or the ribs
    VERTEBRA = 31  # marrow of the spine
    LIMB_MARROW = 32  # mostly fat in adults
    MEAL = 33  # what the stomach holds
    STOMACH_GAS = 34


# HU mean at 120 kVp without contrast; liver, lung and marrow are set per participant.
HU = {
    Tissue.AIR: -1000, Tissue.SKIN: 20, Tissue.FAT: -102, Tissue.MUSCLE: 55, Tissue.LUNG: -835,
    Tissue.BLOOD: 42, Tissue.AORTA: 42, Tissue.MYOCARDIUM: 46, Tissue.LIVER: 58,
    Tissue.SPLEEN: 50, Tissue.STOMACH: 40, Tissue.GAS: -985, Tissue.KIDNEY: 34,
    Tissue.ADRENAL: 26, Tissue.MARROW: 180, Tissue.CORTEX: 620, Tissue.CORD: 32,
    Tissue.OESOPHAGUS: 38, Tissue.GLAND: 25, Tissue.VESSEL: 20, Tissue.COUCH: -720,
    Tissue.CARTILAGE: 95, Tissue.BROWN_FAT: -95, Tissue.CHAMBER: 42, Tissue.URINE: 5,
    Tissue.CHYME: 18, Tissue.BOWEL: 36, Tissue.AVID_BOWEL: 36, Tissue.PANCREAS: 40,
    Tissue.BILE: 8, Tissue.LIMB_BONE: 900, Tissue.VERTEBRA: 180,
    Tissue.LIMB_MARROW: 60, Tissue.MEAL: 18, Tissue.STOMACH_GAS: -985,
}  # fmt: skip
# Share of the aorta's enhancement that a tissue shows about 30 s and about 70 s after injection.
CONTRAST_SHARE = {
    "arterial": {
        Tissue.BLOOD: 0.7, Tissue.AORTA: 1.0, Tissue.CHAMBER: 0.9, Tissue.VESSEL: 0.8,
        Tissue.MYOCARDIUM: 0.4, Tissue.LIVER: 0.12, Tissue.SPLEEN: 0.5, Tissue.KIDNEY: 0.8,
        Tissue.PANCREAS: 0.45, Tissue.STOMACH: 0.25, Tissue.BOWEL: 0.25, Tissue.AVID_BOWEL: 0.25,
    },
    "venous": {
        Tissue.BLOOD: 1.0, Tissue.AORTA: 1.0, Tissue.CHAMBER: 1.0, Tissue.VESSEL: 0.85,
        Tissue.MYOCARDIUM: 0.5, Tissue.LIVER: 0.45, Tissue.SPLEEN: 0.6, Tissue.KIDNEY: 1.1,
        Tissue.PANCREAS: 0.5, Tissue.STOMACH: 0.35, Tissue.BOWEL: 0.35, Tissue.AVID_BOWEL: 0.35,
        Tissue.MUSCLE: 0.06,
    },
}  # fmt: skip
BONES = (Tissue.MARROW, Tissue.VERTEBRA, Tissue.CORTEX, Tissue.LIMB_BONE)
# Calcium and iodine attenuate more at lower tube voltage: about 1.18 and 1.25 times at 100 kVp.
CALCIUM_EXPONENT, IODINE_EXPONENT = 0.9, 1.2
REFERENCE_KVP = 120.0


def enhancement(body: Body, tissue: Tissue, kvp: float) -> float:
    """Return by how many HU contrast agent brightens a tissue; 0 without contrast."""
    share = CONTRAST_SHARE.get(body.contrast_phase, {}).get(tissue, 0.0)
    return body.contrast_hu * share * (REFERENCE_KVP / kvp) ** IODINE_EXPONENT


def hu_table(participant: PhantomParticipant, kvp: float) -> NDArray[np.float32]:
    """Return HU by tissue label (256 entries) for this participant at a tube voltage."""
    body = participant.body
    own = HU | {
        Tissue.LIVER: body.liver_hu, Tissue.LUNG: body.lung_hu,
        Tissue.MARROW: body.marrow_hu, Tissue.VERTEBRA: body.marrow_hu,
    }  # fmt: skip
    table = np.zeros(256, dtype=np.float32)
    for tissue, value in own.items():
        bone = (REFERENCE_KVP / kvp) ** CALCIUM_EXPONENT if tissue in BONES else 1.0
        table[tissue] = value * bone + enhancement(body, tissue, kvp)
    return table


def suv_table(uptake: Uptake) -> NDArray[np.float32]:
    """Return SUV by tissue label (256 entries) before any scanner effect."""
    table = np.zeros(256, dtype=np.float32)
    by_tissue = {
        Tissue.SKIN: uptake.fat * 1.6, Tissue.FAT: uptake.fat, Tissue.MUSCLE: uptake.muscle,
        Tissue.LUNG: uptake.lung, Tissue.BLOOD: uptake.blood, Tissue.AORTA: uptake.blood,
        Tissue.CHAMBER: uptake.blood, Tissue.MYOCARDIUM: uptake.myocardium,
        Tissue.LIVER: uptake.liver, Tissue.SPLEEN: uptake.spleen, Tissue.STOMACH: uptake.stomach,
        Tissue.KIDNEY: uptake.kidney, Tissue.URINE: uptake.urine, Tissue.ADRENAL: uptake.adrenal,
        Tissue.MARROW: uptake.marrow * 0.8, Tissue.VERTEBRA: uptake.marrow,
        Tissue.CORTEX: uptake.marrow * 0.5, Tissue.LIMB_BONE: uptake.muscle * 0.6,
        Tissue.CORD: uptake.muscle * 1.9, Tissue.OESOPHAGUS: uptake.oesophagus,
        Tissue.GLAND: uptake.gland, Tissue.VESSEL: uptake.blood * 0.9,
        Tissue.CARTILAGE: uptake.muscle * 1.1, Tissue.BROWN_FAT: uptake.brown,
        Tissue.CHYME: uptake.muscle * 0.6, Tissue.BOWEL: uptake.bowel,
        Tissue.AVID_BOWEL: uptake.avid_bowel, Tissue.PANCREAS: uptake.pancreas,
        Tissue.BILE: uptake.fat, Tissue.MEAL: uptake.muscle * 0.6,
        Tissue.LIMB_MARROW: uptake.muscle * 0.8,
    }  # fmt: skip
    for tissue, value in by_tissue.items():
        table[tissue] = value
    return table
