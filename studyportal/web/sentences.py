"""Verdicts on images in words, put together from what intake kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from studyportal.imaging.models import ImagingSeries, ScanPair


def series_sentences(series: ImagingSeries) -> list[str]:
    """What became of one series, in the order in which a coordinator asks."""
    if series.status != "accepted":
        return []
    if series.role == "outlines":
        return [_("The outlines were read.")]
    summary = series.summary
    name = _("CT") if series.role == "source" else _("PET")
    said = [
        _("%(name)s: %(slices)s slices of %(thickness).1f mm, %(maker)s.")
        % {
            "name": name,
            "slices": summary["slices"],
            "thickness": summary["spacing_mm"][0],
            "maker": " ".join(filter(None, (summary["manufacturer"], summary["model"])))
            or _("scanner not named"),
        }
    ]
    return [*said, suv_sentence(series.suv)] if series.suv else said


def suv_sentence(suv: Mapping[str, Any]) -> str:
    """How SUV is computed for a PET, in words."""
    facts = [_("rule %(rule)s") % {"rule": str(suv["rule"]).replace("_", " ")}]
    if suv.get("dose_bq"):
        dose = _("injected dose %(dose).1f MBq") % {"dose": suv["dose_bq"] / 1e6}
        if suv.get("injection_time"):
            dose += _(" at %(time)s") % {"time": _clock(suv["injection_time"])}
        facts.append(dose)
    if suv.get("reference_time"):
        facts.append(_("reference time %(time)s") % {"time": _clock(suv["reference_time"])})
    if suv.get("weight_kg"):
        facts.append(_("weight %(weight).1f kg") % {"weight": suv["weight_kg"]})
    return _("SUV can be computed (%(facts)s).") % {"facts": "; ".join(facts)}


def coverage_sentence(source: ImagingSeries | None, reference: ImagingSeries | None) -> str:
    """How much of the PET's length the CT covers; empty until both are there."""
    if source is None or reference is None:
        return ""
    low, high = _extent(reference)
    ct_low, ct_high = _extent(source)
    shared = max(0.0, min(high, ct_high) - max(low, ct_low))
    share = 100 * shared / (high - low)
    return _("The CT covers %(share).0f %% of the PET.") % {"share": share}


def pair_sentence(pair: ScanPair) -> str:
    """Where the pair stands and what is to be done."""
    said = {
        "awaiting_images": _("The other series is still to be sent."),
        "checking": _("The images are being checked."),
        "ready": _("Ready."),
        "query_open": _("Something is to be mended; see the findings."),
        "excluded": _("Excluded."),
    }
    return said[pair.status]


def _extent(series: ImagingSeries) -> tuple[float, float]:
    low, high = series.summary["z_range_mm"]
    half = series.summary["spacing_mm"][0] / 2
    return low - half, high + half


def _clock(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text):%H:%M}"
    except ValueError:
        return text
