"""How templates write statuses, moments, numbers and addresses."""

from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django import template
from django.template.context import RequestContext
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from evaluation.report import formats as formats_of_report
from evaluation.report import wording
from studyportal.clinical.rules import RULES
from studyportal.core import clock, language
from studyportal.exports.states import DataFormat
from studyportal.web.crf import said as label_said
from studyportal.web.model_card import render_card
from studyportal.web.words import (
    CERTAINTY_WORDS,
    COMPARED_WORDS,
    CONDITION_WORDS,
    FAMILY_WORDS,
    FORMAT_WORDS,
    HELD_OUT_WORDS,
    LEFT_OUT_WORDS,
    ROLE_WORDS,
    RULE_WORDS,
    STATISTIC_WORDS,
    word_of,
)

register = template.Library()
_ABSENT = "–"


@register.simple_tag
def status(machine: str, value: str) -> SafeString:
    """Return the status as a coloured word."""
    return _status(machine, str(value), get_language())


@lru_cache(maxsize=1024)  # a page shows hundreds of few
def _status(machine: str, value: str, _language: str | None) -> SafeString:
    word = word_of(machine, value)
    return format_html('<span class="status status--{}">{}</span>', word.tone, word.text)


@register.simple_tag
def tone(machine: str, value: str) -> str:
    """Return the meaning of the status, which names its colour."""
    return word_of(machine, value).tone


@register.filter
def when(moment: datetime | date | None) -> SafeString | str:
    """Return a moment in the study's time zone, or a day, with ISO on hover."""
    if moment is None:
        return _ABSENT
    if isinstance(moment, datetime):
        local = timezone.localtime(moment)
        shown = formats.date_format(local, _moment_format())
        iso = local.isoformat(timespec="seconds")
    else:
        shown, iso = formats.date_format(moment, _day_format()), moment.isoformat()
    return format_html('<time datetime="{0}" title="{0}">{1}</time>', iso, shown)


def _day_format() -> str:
    """How a day is written: “3 Mar 2026”, “2026年3月3日”."""
    return "Y年n月j日" if language.reads_chinese() else "j M Y"


def _moment_format() -> str:
    return f"{_day_format()} H:i" if language.reads_chinese() else f"{_day_format()}, H:i"


@register.filter
def said(text: object) -> str:
    """Return a sentence of the rooms in the reader's language."""
    return language.said("" if text is None else text)


@register.simple_tag
def both_names(english: str, chinese: str) -> SafeString:
    """Return a name in the reader's language, and beside it as it is called in the other one."""
    names = [(english, "en"), (chinese, "zh-Hans")]
    (own, _own_language), (other, tongue) = names[::-1] if language.reads_chinese() else names
    return format_html('{} <span class="quiet" lang="{}">{}</span>', own, tongue, other)


@register.filter
def ago(day: date | None) -> str:
    """Return how long ago a day was, in words."""
    if day is None:
        return ""
    days = (clock.today() - day).days
    if days <= 0:
        return _("today")
    if days == 1:
        return _("yesterday")
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": days}


@register.filter
def number(value: float | None, digits: int = 2) -> str:
    """Return a number with this many decimals, or a dash."""
    return _ABSENT if value is None else f"{value:,.{digits}f}"


@register.filter
def tidy(value: float | None) -> str:
    """Return a number with as many digits as its size deserves."""
    if value is None:
        return _ABSENT
    if float(value).is_integer() and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.4f}" if abs(value) < 0.01 else f"{value:.2f}"


@register.filter
def estimate(row: Any) -> str:
    """Return an estimate with its interval: “0.87 (0.84 to 0.90)”."""
    with _report_language():
        return formats_of_report.interval_of(row)


def _report_language() -> AbstractContextManager[None]:
    """The words of the report in the reader's language."""
    return wording.speaking("zh-Hans" if language.reads_chinese() else "en")


@register.filter
def left_out(reason: str) -> str:
    """Return why pairs did not leave with an export."""
    return str(LEFT_OUT_WORDS[reason])


@register.filter
def data_format(file_format: str) -> str:
    """Return what a format of clinical data is called."""
    return str(FORMAT_WORDS[DataFormat(file_format)])


@register.filter
def held_out(quantity: str) -> str:
    """Return a held-out quantity of a release with its unit."""
    return str(HELD_OUT_WORDS.get(quantity) or words(quantity))


@register.filter
def compared(statistic_name: str) -> str:
    """Return what a comparison of releases shows."""
    return str(COMPARED_WORDS[statistic_name])


@register.filter
def interval(row: dict[str, Any]) -> str:
    """Return a number of a comparison with its interval; what is missing is said by its reason."""
    if row["value"] is None:
        return _ABSENT
    digits = 3 if row["unit"] in ("", "1", "SUVbw", "ln ratio") else 2 if row["unit"] == "dB" else 1
    sign = "+" if row["against"] else ""
    text = f"{row['value']:{sign}.{digits}f}"
    if row["lower"] is None or row["upper"] is None:
        return text
    return f"{text} ({row['lower']:{sign}.{digits}f} {_to()} {row['upper']:{sign}.{digits}f})"


def _to() -> str:
    """What stands between the ends of an interval."""
    return "至" if language.reads_chinese() else "to"


@register.filter
def figure(shown: Any) -> str:
    """Return a held-out figure with its interval: “0.19 (0.17 to 0.21)”; a dash where there is none."""
    if shown.value is None:
        return _ABSENT
    digits = 3 if abs(shown.value) < 1 else 2
    if shown.low is None or shown.high is None:
        return f"{shown.value:.{digits}f}"
    return f"{shown.value:.{digits}f} ({shown.low:.{digits}f} {_to()} {shown.high:.{digits}f})"


@register.filter
def megabytes(size: int) -> str:
    """Return a size in a unit that suits it."""
    for limit, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB")):
        if size >= limit:
            return f"{size / limit:.1f} {unit}"
    return f"{size / 1e3:.0f} kB"


@register.filter
def short(digest: str) -> SafeString | str:
    """Return the first digits of a digest, the whole on hover."""
    if not digest:
        return _ABSENT
    return format_html('<span class="code" title="{}">{}…</span>', digest, digest[:12])


@register.filter
def words(name: str) -> str:
    """Return a name of the code as words in the reader's language."""
    return language.said(str(name).replace("_", " ").replace(":", " "))


@register.filter
def role_word(role: str) -> str:
    """Return what people call a series in this role."""
    return str(ROLE_WORDS[role])


@register.filter
def family_word(family: str) -> str:
    """Return what a family of results that a look for quality may show is called."""
    return str(FAMILY_WORDS[family])


@register.filter
def rule_word(rule: str) -> str:
    """Return what a rule of de-identification does."""
    return str(RULE_WORDS.get(rule, rule))


@register.filter
def condition_word(condition: str) -> str:
    """Return what people call a target condition."""
    return str(CONDITION_WORDS[condition])


@register.filter
def certainty_word(certainty: str) -> str:
    """Return how firmly a reference standard is established."""
    return str(CERTAINTY_WORDS[certainty])


@register.filter
def reference_rule(rule: str) -> str:
    """Return the rule that decided a reference standard, in words."""
    return label_said(RULES[rule]) if rule in RULES else _("Entered before there were forms.")


@register.filter
def clock_time(text: str) -> str:
    """Return the clock time of an ISO moment."""
    return datetime.fromisoformat(text).strftime("%H:%M") if text else _ABSENT


@register.filter
def duration(seconds: float | timedelta | None) -> str:
    """Return a duration as people say it."""
    if seconds is None:
        return _ABSENT
    total = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    if total < 90:
        return _("%(n)s s") % {"n": f"{total:.1f}"}
    return _("%(n)s min") % {"n": f"{total / 60:.0f}"}


@register.filter
def took(job: Any) -> str:
    """Return how long the last attempt of a job took."""
    return duration(job.ended_at - job.started_at) if job.ended_at and job.started_at else _ABSENT


@register.filter
def unit(name: str) -> str:
    """Return a unit as people write it; a plain number has none."""
    return {"1": "", "SUVbw": "SUV", "SUVbw^2": "SUV²"}.get(name, name)


@register.filter
def quantity(name: str) -> str:
    """Return a quantity as the report writes it."""
    with _report_language():
        return formats_of_report.label(formats_of_report.QUANTITIES, name)


@register.filter
def statistic(name: str) -> str:
    """Return a statistic as the report writes it."""
    with _report_language():
        return str(
            STATISTIC_WORDS.get(name) or formats_of_report.label(formats_of_report.STATISTICS, name)
        )


@register.filter
def index_test(name: str) -> str:
    """Return an index test as the report writes it."""
    with _report_language():
        return formats_of_report.label(formats_of_report.TESTS, name)


@register.filter
def provenance_name(key: str) -> str:
    """Return what a number can be traced to as the report names it."""
    with _report_language():
        return wording.named("provenance_names", key)


@register.filter
def method(name: str) -> str:
    """Return a method as the report writes it."""
    with _report_language():
        return formats_of_report.method(name)


@register.filter
def sentence(name: str) -> str:
    """Return a name of the code as words that begin a sentence."""
    text = quantity(name)
    return text[:1].upper() + text[1:]


@register.filter
def card(text: str) -> SafeString:
    """Return a model card as HTML; every word of it is escaped."""
    return render_card(text)


@register.simple_tag(takes_context=True)
def with_query(context: RequestContext, **changes: object) -> str:
    """Return the query of this address with these keys changed; an empty value drops the key."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        if value in ("", None):
            query.pop(key, None)
        else:
            query[key] = str(value)
    return f"?{query.urlencode()}" if query else "?"
