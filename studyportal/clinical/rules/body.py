"""What cannot be about body measurements, in the words of the cases file."""

from studyportal.core.errors import Reason


def baseline_faults(height_cm: float | None, weight_kg: float | None) -> list[Reason]:
    """What cannot be about body measurements; empty when they can be kept."""
    faults = []
    if height_cm is not None and not 50 <= height_cm <= 250:
        faults.append(
            Reason("height_range", f"A height of {height_cm:g} cm cannot be.", "height_cm")
        )
    if weight_kg is not None and not 10 <= weight_kg <= 400:
        faults.append(
            Reason("weight_range", f"A weight of {weight_kg:g} kg cannot be.", "weight_kg")
        )
    for name, value in (("height_cm", height_cm), ("weight_kg", weight_kg)):
        if value is not None and value == value and abs(value * 10 - round(value * 10)) > 1e-6:
            faults.append(Reason("decimals", f"{value:g} has more than one decimal.", name))
    return faults
