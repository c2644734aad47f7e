"""One vocabulary of statuses: for each machine and status its meaning (a colour) and its word."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from studyportal.exports.states import DataFormat

WAITING, NEEDS_YOU, RUNNING, DONE, REFUSED, ERRORED, SEALED = (
    "waiting",
    "needs-you",
    "running",
    "done",
    "refused",
    "errored",
    "sealed",
)


@dataclass(frozen=True)
class Word:
    """A status as people read it."""

    tone: str
    text: str | Promise


STATUS_WORDS: Mapping[str, Mapping[str, Word]] = {
    "participant": {
        "screened": Word(NEEDS_YOU, _("screening open")),
        "screen_failed": Word(REFUSED, _("not eligible")),
        "eligible": Word(NEEDS_YOU, _("eligible")),
        "enrolled": Word(RUNNING, _("enrolled")),
        "completed": Word(DONE, _("completed")),
        "discontinued": Word(REFUSED, _("discontinued")),
    },
    "result opening": {
        "asked": Word(NEEDS_YOU, _("asked for")),
        "opened": Word(DONE, _("opened")),
        "declined": Word(SEALED, _("sealed")),
    },
    "pair": {
        "awaiting_images": Word(WAITING, _("awaiting images")),
        "checking": Word(RUNNING, _("being checked")),
        "ready": Word(DONE, _("ready")),
        "query_open": Word(NEEDS_YOU, _("needs mending")),
        "excluded": Word(REFUSED, _("excluded")),
    },
    "series": {
        "receiving": Word(WAITING, _("upload open")),
        "received": Word(RUNNING, _("being checked")),
        "validating": Word(RUNNING, _("being checked")),
        "deidentifying": Word(RUNNING, _("being de-identified")),
        "accepted": Word(DONE, _("accepted")),
        "quarantined": Word(NEEDS_YOU, _("refused by a check")),
        "purged": Word(REFUSED, _("deleted")),
    },
    "arrival": {
        "collecting": Word(RUNNING, _("more may come")),
        "waiting": Word(NEEDS_YOU, _("to assign")),
        "assigned": Word(NEEDS_YOU, _("refused by a check")),
        "discarded": Word(REFUSED, _("discarded")),
    },
    "finding": {
        "info": Word(WAITING, _("note")),
        "warning": Word(NEEDS_YOU, _("look at this")),
        "exclude": Word(ERRORED, _("stands in the way")),
        "accepted": Word(DONE, _("accepted")),
    },
    "job": {
        "queued": Word(WAITING, _("waiting")),
        "running": Word(RUNNING, _("running")),
        "succeeded": Word(DONE, _("done")),
        "refused": Word(REFUSED, _("refused")),
        "errored": Word(ERRORED, _("errored")),
        "cancelled": Word(WAITING, _("cancelled")),
        "lost": Word(ERRORED, _("worker lost")),
    },
    "synthetic": {
        "produced": Word(RUNNING, _("being checked")),
        "qc_passed": Word(DONE, _("checks passed")),
        "qc_failed": Word(ERRORED, _("checks failed")),
        "released": Word(DONE, _("released")),
        "withdrawn": Word(REFUSED, _("withdrawn")),
    },
    "release": {
        "candidate": Word(WAITING, _("candidate")),
        "validated": Word(RUNNING, _("validated")),
        "released": Word(DONE, _("released")),
        "retired": Word(REFUSED, _("retired")),
    },
    "reading": {
        "independent": Word(RUNNING, _("being read")),
        "consensus": Word(RUNNING, _("consensus")),
        "closed": Word(DONE, _("closed")),
    },
    "cut": {
        "open": Word(WAITING, _("not frozen yet")),
        "frozen": Word(SEALED, _("frozen")),
        "locked": Word(SEALED, _("locked")),
    },
    "run": {
        "planned": Word(WAITING, _("waiting")),
        "running": Word(RUNNING, _("running")),
        "completed": Word(DONE, _("complete")),
        "errored": Word(ERRORED, _("errored")),
        "superseded": Word(REFUSED, _("superseded")),
    },
    "comparison": {
        "planned": Word(WAITING, _("being measured")),
        "running": Word(RUNNING, _("running")),
        "completed": Word(DONE, _("complete")),
        "errored": Word(ERRORED, _("errored")),
    },
    "export": {
        "requested": Word(WAITING, _("waiting")),
        "building": Word(RUNNING, _("being built")),
        "ready": Word(DONE, _("ready")),
        "errored": Word(ERRORED, _("errored")),
        "expired": Word(REFUSED, _("expired")),
    },
    "query": {
        "open": Word(NEEDS_YOU, _("open")),
        "answered": Word(RUNNING, _("answered")),
        "closed": Word(DONE, _("closed")),
    },
    "data lock": {
        "standing": Word(SEALED, _("standing")),
        "unlock_asked": Word(NEEDS_YOU, _("unlocking asked")),
        "lifted": Word(DONE, _("lifted")),
    },
    "withdrawal": {
        "recorded": Word(RUNNING, _("being carried out")),
        "carried_out": Word(DONE, _("carried out")),
        "confirmed": Word(DONE, _("carried out and confirmed")),
    },
    "override": {
        "asked": Word(NEEDS_YOU, _("waits for a second person")),
        "granted": Word(DONE, _("granted")),
        "declined": Word(REFUSED, _("declined")),
    },
    "verdict": {
        "eligible": Word(DONE, _("Eligible")),
        "not_eligible": Word(REFUSED, _("Not eligible")),
        "undetermined": Word(NEEDS_YOU, _("Not decided yet")),
    },
    "form": {
        "draft": Word(NEEDS_YOU, _("draft")),
        "complete": Word(RUNNING, _("complete")),
        "verified": Word(DONE, _("verified")),
        "signed": Word(DONE, _("signed")),
        "locked": Word(SEALED, _("locked")),
    },
    "form unlock": {
        "asked": Word(NEEDS_YOU, _("waits for a second person")),
        "granted": Word(DONE, _("granted")),
        "declined": Word(REFUSED, _("declined")),
    },
    "signature": {
        "waiting": Word(WAITING, _("not verified yet")),
        "ready": Word(NEEDS_YOU, _("can be signed")),
        "stands": Word(DONE, _("signed")),
        "voided": Word(REFUSED, _("voided")),
        "broken": Word(ERRORED, _("does not count")),
    },
    "site": {
        "planned": Word(WAITING, _("planned")),
        "recruiting": Word(RUNNING, _("recruiting")),
        "closed": Word(DONE, _("closed")),
    },
    "reference": {
        "positive": Word(ERRORED, _("positive")),
        "negative": Word(DONE, _("negative")),
        "indeterminate": Word(WAITING, _("indeterminate")),
    },
    "health": {
        "well": Word(DONE, _("well")),
        "poor": Word(NEEDS_YOU, _("look at this")),
        "down": Word(ERRORED, _("down")),
    },
}
ROLE_WORDS: Mapping[str, str | Promise] = {
    "source": _("CT"),
    "reference": _("PET"),
    "outlines": _("Outlines"),
}
FAMILY_WORDS: Mapping[str, str | Promise] = {
    "flow": _("participant flow"),
    "baseline": _("baseline"),
    "missingness": _("what is missing"),
    "precision": _("precision of the measurements"),
    "reference": _("prevalence by the reference standard"),
}
"""What a look for quality may show."""
ANALYSIS_WORDS: Mapping[str, str | Promise] = {
    "primary": _("primary analysis"),
    "exploratory": _("exploratory"),
}
CERTAINTY_WORDS: Mapping[str, str | Promise] = {
    "definite": _("definite"),
    "probable": _("probable"),
    "presumed": _("presumed"),
    "unstated": _("not stated"),
    "none": "–",
}
CONDITION_WORDS: Mapping[str, str | Promise] = {
    "malignancy": _("Malignancy"),
    "nodal_metastasis": _("Lymph node metastasis"),
    "distant_metastasis": _("Distant metastasis"),
}

# What the report does not name by itself.
STATISTIC_WORDS: Mapping[str, str | Promise] = {
    "loa_lower": _("lower limit of agreement"),
    "loa_upper": _("upper limit of agreement"),
    "loa_lower_percent": _("lower limit of agreement (%)"),
    "loa_upper_percent": _("upper limit of agreement (%)"),
    "mean_reference": _("mean of the reference PET"),
    "mean_synthetic": _("mean of the synthetic PET"),
    "within_30_percent": _("within 30 %"),
    "sd": _("standard deviation"),
    "tp": _("true positive"),
    "fp": _("false positive"),
    "tn": _("true negative"),
    "fn": _("false negative"),
}

# What a comparison of releases shows of a quantity.
COMPARED_WORDS: Mapping[str, str | Promise] = {
    "mean": _("mean"),
    "bias": _("bias (synthetic − reference)"),
    "recovery_percent": _("recovery (geometric mean of synthetic / reference)"),
    "ccc": _("concordance with the reference (CCC)"),
    "mean_difference": _("paired difference (95 % interval)"),
    "bias_difference": _("paired difference of bias (95 % interval)"),
    "recovery_ratio_percent": _("shows more (+) or less (−) than the first"),
    "ccc_difference": _("paired difference of CCC (95 % interval)"),
}

# Held-out quantities as releases name them.
HELD_OUT_WORDS: Mapping[str, str | Promise] = {
    "mae_suv": _("MAE (SUV)"),
    "psnr_db": _("PSNR (dB)"),
    "ssim": "SSIM",
    "median_recovery": _("SUVmax recovered, median"),
    "stray_foci": _("stray foci in the lungs, a participant"),
    "removed_focus_stayed": _("stayed when taken out of CT (share)"),
    "body_litres": _("body (l)"),
    "body_mean_suv": _("mean SUV"),
    "body_p99_suv": _("99th percentile SUV"),
}


def word_of(machine: str, status: str) -> Word:
    """Return the status as people read it."""
    return STATUS_WORDS[machine][status]


# Proper names, the same in every language.
FORMAT_WORDS: Mapping[DataFormat, str | Promise] = {
    DataFormat.CSV: "CSV",
    DataFormat.XLSX: "Excel (XLSX)",
    DataFormat.PARQUET: "Parquet",
    DataFormat.XPORT5: "SAS XPORT 5",
    DataFormat.XPORT8: "SAS XPORT 8",
    DataFormat.SPSS: "SPSS (SAV)",
    DataFormat.STATA: "Stata (DTA)",
    DataFormat.ODM: "CDISC ODM-XML 1.3.2",
}
# Why a pair does not leave with an export of images.
LEFT_OUT_WORDS: Mapping[str, str | Promise] = {
    "no_consent": _("no consent"),
    "consent_withdrawn": _("consent withdrawn"),
    "not_enrolled": _("not enrolled"),
    "pair_excluded": _("pair excluded"),
    "pair_not_ready": _("pair not ready"),
}

# What each rule of de-identification does to an element; the ids are those of the stored reports.
RULE_WORDS: Mapping[str, str | Promise] = {
    "participant-code": _("name and number of the patient: replaced by the participant code"),
    "profile-removed": _("removed as the confidentiality table says"),
    "profile-emptied": _("emptied as the confidentiality table says"),
    "uid-replaced": _("identifiers (UIDs): replaced by keyed hashes"),
    "date-shifted": _("dates: moved back by the participant's number of days"),
    "clock-time-kept": _("clock times: kept"),
    "characteristic-kept": _("sex, age (capped), weight and height: kept"),
    "text-cleaned": _("descriptions: replaced by a code, or removed"),
    "outside-image-removed": _("removed because no image or outline needs them"),
    "overlay-or-curve-removed": _("overlays and curves: removed"),
    "private-removed": _("private elements of the scanner's maker: removed"),
    "safe-private-kept": _("private elements that SUV needs: kept"),
    "sequence-searched": _("nested lists: searched by the same rules"),
    "image-attribute-kept": _("technical attributes of the image: kept"),
    "identity-echo-removed": _("technical text that repeated an identifier: removed"),
    "pixel-surplus-removed": _("bytes behind the last pixel: cut off"),
    "broken-removed": _("removed because they could not be read"),
}
