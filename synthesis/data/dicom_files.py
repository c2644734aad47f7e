"""One phantom as a folder of DICOM series."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from synthesis.data.dicom_base import study_facts
from synthesis.data.dicom_ct import write_ct
from synthesis.data.dicom_pet import write_pet
from synthesis.data.dicom_seg import write_seg
from synthesis.data.phantom import PhantomPair
from synthesis.data.scanner import PetStyle

DEFAULT_STUDY_DATE = date(2026, 1, 12)


def write_dicom(
    pair: PhantomPair,
    folder: Path,
    *,
    style: PetStyle | None = None,
    study_date: date = DEFAULT_STUDY_DATE,
    with_pet: bool = True,
) -> None:
    """Write `CT/`, `PET/` and `LESIONS/seg.dcm` under a folder that must not hold them yet.

    Parameters
    ----------
    pair
        From `make_phantom`.
    folder
        Created when missing.
    style
        Vendor style of the PET; the scanner's own by default.
    study_date
        Date of the imaging study.
    with_pet
        False writes the CT alone: a participant whose PET has not arrived.

    Raises
    ------
    FileExistsError
        When one of the three folders exists already.
    """
    facts = study_facts(pair.participant, pair.scanner, study_date)
    write_ct(pair.ct, folder / "CT", facts)
    if not with_pet:
        return
    write_pet(pair.pet, folder / "PET", facts, style=style or pair.scanner.style)
    write_seg(pair.regions, folder / "LESIONS" / "seg.dcm", facts, pet_folder=folder / "PET")
