"""Dates and times of a PET header: injection, reference time of decay, and the seconds between."""

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from evaluation.imaging.header import number, private_value, text
from evaluation.imaging.reasons import Reason

DAY_S = 86400.0
LONGEST_UPTAKE_S = 12 * 3600.0
SHORT_LIVED_HALF_LIFE_S = 3 * 3600.0
MOST_HALF_LIVES = 10  # a thousandth is left: no image is made of that
_TIME = re.compile(r"(\d{2}):?(\d{2})?:?(\d{2})?(\.\d{1,6})?$")
_OFFSET = re.compile(r"([+-])(\d{2})(\d{2})$")
_DATE_TIME = re.compile(r"(\d{8})(\d{2,6}(?:\.\d{1,6})?)?([+-]\d{4})?$")


@dataclass(frozen=True)
class Injection:
    """When the tracer was given; ``dated`` is false when the date was taken from the series.

    ``clock`` is what StartTime says beside a StartDateTime, for comparison only.
    """

    moment: dt.datetime
    dated: bool
    tag: str
    clock: "Injection | None" = None


def parse_date(value: str) -> dt.date | None:
    """Return a DICOM DA value as a date, None when it is none."""
    digits = value.replace(".", "").replace("-", "")
    try:
        return dt.datetime.strptime(digits, "%Y%m%d").date()  # noqa: DTZ007 - DICOM local date
    except ValueError:
        return None


def parse_time(value: str) -> dt.time | None:
    """Return a DICOM TM value (fractions and short forms too) as a time, None when it is none."""
    found = _TIME.match(value.strip())
    if not found:
        return None
    hours, minutes, seconds, fraction = found.groups()
    micro = round(float(fraction or 0) * 1e6)
    try:
        return dt.time(
            int(hours), int(minutes or 0), min(int(seconds or 0), 59), min(micro, 999999)
        )
    except ValueError:
        return None


def parse_moment(value: str, *, zone: str = "") -> dt.datetime | None:
    """Return a DICOM DT value as local time, None when it names no day and hour.

    An offset from UTC in the value is turned into that of ``zone`` (TimezoneOffsetFromUTC of the
    header, in which all other times stand). Without a zone it is left away: the value then is the
    local time of the place that wrote it, as the other times of the header are.
    """
    found = _DATE_TIME.match(value.strip())
    if not found or not found.group(2):
        return None
    moment = _moment(found.group(1), found.group(2))
    own, header = _offset(found.group(3) or ""), _offset(zone)
    if moment is None or own is None or header is None:
        return moment
    return moment + (header - own)


def _offset(value: str) -> dt.timedelta | None:
    found = _OFFSET.match(value.strip())
    if not found:
        return None
    ahead = dt.timedelta(hours=int(found.group(2)), minutes=int(found.group(3)))
    return -ahead if found.group(1) == "-" else ahead


def _moment(date: str, time: str) -> dt.datetime | None:
    day, clock = parse_date(date), parse_time(time)
    return None if day is None or clock is None else dt.datetime.combine(day, clock)


def series_moment(header: Dataset) -> dt.datetime | None:
    """Return SeriesDate and SeriesTime as one moment."""
    return _moment(text(header, "SeriesDate"), text(header, "SeriesTime"))


def acquisition_moment(header: Dataset) -> dt.datetime | None:
    """Return AcquisitionDate (else the series date) and AcquisitionTime as one moment."""
    date = text(header, "AcquisitionDate") or text(header, "SeriesDate")
    return _moment(date, text(header, "AcquisitionTime"))


def injection_of(header: Dataset, radiopharmaceutical: Dataset) -> Injection | None:
    """Return the injection from StartDateTime, else from StartTime with the series date."""
    date = text(header, "SeriesDate") or text(header, "AcquisitionDate")
    moment = _moment(date, text(radiopharmaceutical, "RadiopharmaceuticalStartTime"))
    clock = None if moment is None else Injection(moment, dated=False, tag="(0018,1072)")
    zone = text(header, "TimezoneOffsetFromUTC")
    stated = parse_moment(text(radiopharmaceutical, "RadiopharmaceuticalStartDateTime"), zone=zone)
    if stated is None:
        return clock
    return Injection(stated, dated=True, tag="(0018,1078)", clock=clock)


def reference_moments(headers: Sequence[Dataset], half_life_s: float) -> dict[str, dt.datetime]:
    """Return every moment to which the values may have been decay-corrected, best first.

    The order is that of the rule for DecayCorrection START: the scan start of GE's private
    element, the series time if it is not after the first acquisition, the time computed back
    from FrameReferenceTime, the first acquisition. A series time that comes too late is last.
    """
    first = headers[0]
    earliest = _earliest(headers)
    series = series_moment(first)
    found: dict[str, dt.datetime | None] = {}
    scan = private_value(first, group=0x0009, element=0x0D, creator="GEMS_PETD_01")
    found["ge_scan_datetime"] = (
        None if scan is None else parse_moment(str(scan), zone=text(first, "TimezoneOffsetFromUTC"))
    )
    late = series is not None and earliest is not None and _is_after(series, earliest[0])
    if not late:
        found["series_time"] = series
    if earliest is not None:
        found["frame_reference_time"] = _computed_back(*earliest, half_life_s)
        found["acquisition_time"] = earliest[0]
    if late:
        found["series_time"] = series
    return {name: moment for name, moment in found.items() if moment is not None}


def _earliest(headers: Sequence[Dataset]) -> tuple[dt.datetime, Dataset] | None:
    """Return the first acquisition; of several at one time, that with the least frame reference.

    Scanners exist that give every bed the time of the first one and tell the beds apart by their
    frame reference alone. Clock times on both sides of midnight, more than 12 h apart, belong to
    two days even where both carry the date of the first.
    """
    acquired = [(moment, h) for h in headers if (moment := acquisition_moment(h)) is not None]
    if not acquired:
        return None
    latest = max(moment for moment, _ in acquired)

    def order(pair: tuple[dt.datetime, Dataset]) -> tuple[dt.datetime, float]:
        moment, header = pair
        past_midnight = (latest - moment).total_seconds() > LONGEST_UPTAKE_S
        day = dt.timedelta(days=1 if past_midnight else 0)
        return moment + day, number(header, "FrameReferenceTime") or 0.0

    return min(acquired, key=order)


def _is_after(series: dt.datetime, acquired: dt.datetime) -> bool:
    """Whether the series begins after the acquisition, by the clock alone where dates do not fit."""
    seconds = (series - acquired).total_seconds()
    if abs(seconds) <= LONGEST_UPTAKE_S:
        return seconds > 0
    clock = (seconds + DAY_S / 2) % DAY_S - DAY_S / 2
    return clock > 0


def _computed_back(
    acquired: dt.datetime, header: Dataset, half_life_s: float
) -> dt.datetime | None:
    reference_ms, duration_ms = (
        number(header, "FrameReferenceTime"),
        number(header, "ActualFrameDuration"),
    )
    if not reference_ms or not duration_ms or reference_ms < 0 or duration_ms < 0:
        return None
    shift = mean_activity_delay_s(duration_ms / 1000, half_life_s) - reference_ms / 1000
    return acquired + dt.timedelta(seconds=shift)


def mean_activity_delay_s(duration_s: float, half_life_s: float) -> float:
    """Return the time after the frame's start at which the activity equals the frame's mean.

    With decay constant ``l`` and duration ``T``: ``ln(lT / (1 - exp(-lT))) / l``.
    """
    decay = math.log(2) / half_life_s
    if decay * duration_s < 1e-6:
        return duration_s / 2
    return math.log(decay * duration_s / -math.expm1(-decay * duration_s)) / decay


def decay_seconds(
    injection: Injection, reference: dt.datetime, half_life_s: float
) -> tuple[float | None, tuple[Reason, ...]]:
    """Return seconds from injection to reference, and what had to be mended to get them.

    A start time without a date may lie on the day before. De-identification may have shifted
    one date and not the other: with a short-lived nuclide and more than 12 h between them, only
    the clock is used. None when even the clock gives no possible uptake time, which is one of at
    most ten half-lives (so that a half-life stated in minutes is found out).
    """
    seconds = (reference - injection.moment).total_seconds()
    short = half_life_s <= SHORT_LIVED_HALF_LIFE_S
    longest = MOST_HALF_LIVES * half_life_s
    if short:
        longest = min(longest, LONGEST_UPTAKE_S)
    if 0 <= seconds <= longest:
        return seconds, ()
    clock = seconds % DAY_S
    if clock > longest:
        return None, ()
    if not injection.dated and -DAY_S < seconds < 0:
        sentence = "The injection time lies after the scan: the day before was taken."
        return clock, (Reason("previous_day", sentence, injection.tag),)
    if short:
        sentence = "Dates of injection and scan do not fit: only the clock times were used."
        return clock, (Reason("clock_only", sentence, injection.tag),)
    return None, ()
