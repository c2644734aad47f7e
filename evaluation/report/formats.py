"""How a number of the study is printed; the numbers themselves come from result rows only."""

import re
from collections.abc import Mapping

from evaluation.analysis import ResultRow
from evaluation.report.wording import names, say, sentence

WITHHELD = "*"
"""Stands for a number that small-cell suppression took out."""

QUANTITIES = names("quantities")
TESTS = names("tests")
CONDITIONS = names("conditions")
STEPS = names("steps")
STATISTICS = names("statistics")
UNITS = names("units")
REGIONS = names("regions")
METHODS = names("methods")
_DIGITS = {
    "psnr": 2, "mse": 3, "mae": 3, "ssim": 3, "ssim_2d": 3, "structural_similarity": 3,
    "age_years": 1, "bias": 3,
}  # fmt: skip
_STATISTIC_DIGITS = {"ccc": 3, "icc_a1": 3, "pearson": 3, "slope": 3, "cutoff": 2, "sites_tau": 3,
                     "brier": 3, "idi": 3}  # fmt: skip
_THREE_DIGITS = ("auc", "partial_auc", "nri", "continuous_nri", "idi", "net_benefit")


class Printed(str):
    """Printed text that remembers which result row it prints: ``order`` of the long table."""

    order: int

    @classmethod
    def of(cls, text: str, row: ResultRow) -> "Printed":
        """Return the text bound to its row."""
        printed = cls(text)
        printed.order = row.order
        return printed


def label(names: Mapping[str, str], key: str) -> str:
    """Return the printed name of a key; of ``test:reader`` with the reader behind it."""
    head, _, reader = key.partition(":")
    if reader and head in names:
        return say("reader_named", test=names[head], reader=reader)
    return names.get(key) or sentence(key.replace("_", " "))


def method(name: str) -> str:
    """Return the printed name of a method.

    Examples
    --------
    >>> method("wilson (number of participants)")
    'Wilson (number of participants)'
    """
    return re.sub(r"\w+", lambda word: METHODS.get(word.group(), word.group()), sentence(name))


def number(value: float | None, digits: int) -> str:
    """Return a number with fixed digits and a true minus; a dash where there is none.

    Examples
    --------
    >>> number(-1.25, 1), number(None, 2)
    ('−1.2', '–')
    """
    if value is None:
        return "–"
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")


def digits_of(row: ResultRow) -> int:
    """Return how many decimals a row is printed with."""
    if row.method == "count" or row.statistic.endswith("_n"):
        return 0
    if row.endpoint == "precision":
        return 3
    if row.statistic.endswith("_percent"):
        return 2 if row.statistic.startswith("within") else 1
    if row.statistic.startswith("sites_") and row.unit_of_value == "%":
        return 1
    if row.statistic in _STATISTIC_DIGITS:
        return _STATISTIC_DIGITS[row.statistic]
    if row.statistic.startswith(_THREE_DIGITS):
        return 3
    return _DIGITS.get(row.quantity, 2)


def value_of(row: ResultRow | None) -> str:
    """Return the value of a row without its interval."""
    if row is None:
        return "–"
    if row.value is None and withheld(row):
        return WITHHELD
    return Printed.of(number(row.value, digits_of(row)), row)


def interval_of(row: ResultRow | None, *, split: bool = False) -> str:
    """Return ``0.87 (0.84 to 0.90)``; with ``split`` the interval on its own line."""
    if row is None:
        return "–"
    if row.value is None:
        return Printed.of(WITHHELD if withheld(row) else say("not_estimable"), row)
    digits = digits_of(row)
    text = number(row.value, digits)
    if row.lower is not None and row.upper is not None:
        gap = "\n" if split else " "
        text += f"{gap}({number(row.lower, digits)} {say('to')} {number(row.upper, digits)})"
    return Printed.of(text, row)


def count_of(row: ResultRow | None) -> str:
    """Return a count."""
    if row is None or row.value is None:
        return WITHHELD if row and withheld(row) else "–"
    return Printed.of(f"{row.value:,.0f}", row)


def n_of(row: ResultRow) -> str:
    """Return the units used, or a star where suppression withholds their number."""
    return WITHHELD if withheld(row) and row.n == 0 else f"{row.n:,}"


def missing_of(row: ResultRow) -> str:
    """Return the units left out for want of a value."""
    return WITHHELD if withheld(row) and row.n == 0 else f"{row.missing:,}"


def withheld(row: ResultRow) -> bool:
    """Tell whether small-cell suppression took the numbers of a row out."""
    return row.reason.startswith("suppressed: ")


def level_of(rows: tuple[ResultRow, ...]) -> str:
    """Return the confidence level of the rows, as ``95 %``."""
    return f"{100 * rows[0].level:g} %" if rows else "95 %"
