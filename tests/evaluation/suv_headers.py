"""Headers of a PET slice: injected at 10:00, series and acquisition at 11:00, 70 kg, 350 MBq."""

import warnings

from pydicom import Dataset

from tests.evaluation.imaging_series import injected, pet_slice

HALF_LIFE_S = 6586.2
ONE_HOUR = 70_000 / 350e6 * 2 ** (3600 / HALF_LIFE_S)  # the factor of the header as it is


def header(radiopharmaceutical: dict | None = None, **changes) -> Dataset:
    made = pet_slice(0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some of the values set here are wrong on purpose
        made.RadiopharmaceuticalInformationSequence = [injected(**(radiopharmaceutical or {}))]
        for keyword, value in changes.items():
            setattr(made, keyword, value)
    return made


def ids(reasons):
    return [reason.id for reason in reasons]
