"""What may leave: every table of an export with its columns, and the label of every field of every model.

A field is `export` (leaves as it is), `pseudonymise` (leaves as a code) or `never`.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Literal

from studyportal.clinical.rules import exported_columns

Label = Literal["export", "pseudonymise", "never"]
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\x00")


@dataclass(frozen=True)
class Column:
    """One column of an exported table."""

    table: str
    name: str
    kind: str
    unit: str
    meaning: str


DICTIONARY: Sequence[Column] = (
    Column("participants", "participant", "text", "", "Study code of the participant"),
    Column("participants", "site", "text", "", "Code of the site"),
    Column("participants", "age_years", "number", "a", "Age at screening"),
    Column("participants", "sex", "text", "", "F or M"),
    Column("participants", "screened", "yes/no", "", "Screened"),
    Column(
        "participants", "eligible", "yes/no", "", "Eligible under the protocol version of the cut"
    ),
    Column("participants", "enrolled", "yes/no", "", "Enrolled"),
    Column("participants", "consented", "yes/no", "", "Holds a consent that is not withdrawn"),
    Column("participants", "ct_received", "yes/no", "", "A CT was accepted"),
    Column("participants", "pet_received", "yes/no", "", "A reference PET was accepted"),
    Column("participants", "pair_ready", "yes/no", "", "CT and PET are paired and checked"),
    Column(
        "participants",
        "synthesised",
        "yes/no",
        "",
        "A synthetic PET of the cut's release passed its checks",
    ),
    Column("participants", "reference_complete", "yes/no", "", "A reference standard was entered"),
    Column("participants", "analysed", "yes/no", "", "Measured and analysed"),
    Column("participants", "exclusion_reason", "text", "", "Why the participant is not analysed"),
    Column("participants", "body_mass_index", "number", "kg/m2", "At baseline"),
    Column("participants", "scanner", "text", "", "Make and model of the PET scanner"),
    Column("participants", "ct_scanner", "text", "", "Make and model of the CT scanner"),
    Column("participants", "ct_kernel", "text", "", "Reconstruction kernel of the CT"),
    Column("participants", "ct_thickness_mm", "number", "mm", "Slice thickness of the CT"),
    Column("participants", "uptake_minutes", "number", "min", "From injection to the first bed"),
    Column("participants", "ct_pet_days", "number", "d", "Days between CT and PET"),
    Column("reference_standard", "participant", "text", "", "Study code of the participant"),
    Column("reference_standard", "site", "text", "", "Code of the site"),
    Column(
        "reference_standard",
        "target_condition",
        "text",
        "",
        "malignancy, nodal_metastasis or distant_metastasis",
    ),
    Column("reference_standard", "unit", "text", "", "lesion, station or participant"),
    Column(
        "reference_standard",
        "unit_id",
        "text",
        "",
        "Lesion number or nodal station; empty per participant",
    ),
    Column("reference_standard", "status", "text", "", "positive, negative or indeterminate"),
    Column("reference_standard", "source", "text", "", "How it was established"),
    Column("index_scores", "participant", "text", "", "Study code of the participant"),
    Column("index_scores", "site", "text", "", "Code of the site"),
    Column("index_scores", "test", "text", "", "Index test in the plan"),
    Column("index_scores", "arm", "text", "", "What the reader saw"),
    Column("index_scores", "reader", "text", "", "Code of the reader"),
    Column("index_scores", "target_condition", "text", "", "Target condition"),
    Column("index_scores", "unit", "text", "", "Unit of analysis"),
    Column("index_scores", "unit_id", "text", "", "Lesion number or nodal station"),
    Column("index_scores", "score", "number", "", "Score"),
    Column("index_scores", "indeterminate", "yes/no", "", "The reader could not decide"),
    Column("measurements", "participant", "text", "", "Study code of the participant"),
    Column("measurements", "site", "text", "", "Code of the site"),
    Column("measurements", "release", "text", "", "Model release"),
    Column("measurements", "region", "text", "", "body, lesion:1, node:4R, distant:…, organ:…"),
    Column("measurements", "image", "text", "", "pair, reference, synthetic or control:…"),
    Column("measurements", "quantity", "text", "", "Quantity"),
    Column("measurements", "value", "number", "see unit", "Value; empty when it is not defined"),
    Column("measurements", "unit", "text", "", "Unit of the value"),
    Column("measurements", "method", "text", "", "How it was computed"),
    Column("measurements", "flags", "text", "", "Flags"),
    Column("sites", "code", "text", "", "Code of the site"),
    Column("sites", "name", "text", "", "Name in English"),
    Column("sites", "name_zh", "text", "", "Name in Chinese"),
    Column("sites", "target", "number", "participants", "Participants to enrol"),
)

# Labels of model fields: everything that is not listed is never exported.
EXPORTED: Mapping[str, frozenset[str]] = {
    # What the definitions of the forms let leave: everything but free text.
    **{f"clinical.{table}": columns for table, columns in exported_columns().items()},
    "clinical.form": frozenset({"participant", "kind", "occurrence", "status", "definition"}),
    "sites.site": frozenset({"code", "name", "name_zh", "city", "province", "target", "status"}),
    "participants.participant": frozenset({"site", "code", "status", "sex", "age_years"}),
    "participants.criterionanswer": frozenset({"criterion", "answer", "source", "reason"}),
    "clinical.lesion": frozenset({"participant", "number"}),
    "clinical.referencestandard": frozenset(
        {
            "participant",
            "condition",
            "unit",
            "unit_id",
            "status",
            "certainty",
            "rule",
            "source",
            "superseded_at",
        }
    ),
    # Weight, dose and tracer that stand in place of what the exported PET's header states of them.
    "imaging.injectionentry": frozenset({"number", "text"}),
    "imaging.outlineset": frozenset({"regions"}),
    "outcomes.indexscore": frozenset(
        {"participant", "arm", "condition", "unit", "unit_id", "score", "call", "indeterminate"}
    ),
    "outcomes.measurement": frozenset(
        {"region", "image", "quantity", "value", "unit", "method", "flags", "voxels", "software"}
    ),
    "outcomes.resultrow": frozenset(
        {
            "order",
            "endpoint",
            "family",
            "quantity",
            "test",
            "target_condition",
            "unit",
            "region",
            "analysis_set",
            "analysis",
            "subgroup",
            "statistic",
            "value",
            "lower",
            "upper",
            "level",
            "n",
            "clusters",
            "missing",
            "unit_of_value",
            "method",
            "reason",
            "prespecified",
            "exploratory",
        }
    ),
    "outcomes.datacut": frozenset(
        {"name", "plan_text", "plan_digest", "tables_sha256", "software", "frozen_at"}
    ),
    "protocol.protocolversion": frozenset(
        {"registry_number", "version", "title", "text", "sha256"}
    ),
    "syntheses.modelrelease": frozenset(
        {"name", "version", "family", "digest", "weights_sha256", "card"}
    ),
}
PSEUDONYMISED: Mapping[str, frozenset[str]] = {"outcomes.indexscore": frozenset({"reader"})}


def label_of(model: str, field: str) -> Label:
    """The export label of a field of a model (`app.model`)."""
    if field in EXPORTED.get(model, ()):
        return "export"
    if field in PSEUDONYMISED.get(model, ()):
        return "pseudonymise"
    return "never"


def neutral(value: object) -> object:
    """A text that a spreadsheet would run as a formula gets a quote; everything else stays."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return "" if value is None else value


def written_safe(value: object) -> object:
    """A text without the control characters that neither a spreadsheet nor XML can hold; everything else stays."""
    return _CONTROL.sub("", value) if isinstance(value, str) else value


def as_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """The table as CSV (UTF-8, CRLF, header row), formulas neutralised."""
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([neutral(row.get(column)) for column in columns])
    return buffer.getvalue().encode("utf-8")


def dictionary_csv() -> bytes:
    """The data dictionary as CSV."""
    names = ("table", "name", "kind", "unit", "meaning")
    return as_csv(names, ({name: getattr(column, name) for name in names} for column in DICTIONARY))
