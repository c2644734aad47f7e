"""The case report forms as data, how entries are read and judged, and how the reference standard follows from them."""

from studyportal.clinical.rules.answers import Found, Nature, Unreadable, judge, read, written
from studyportal.clinical.rules.body import baseline_faults
from studyportal.clinical.rules.definitions import DEFINITION_VERSION, FORMS
from studyportal.clinical.rules.entry import (
    Change,
    Discrepancy,
    Meeting,
    asked_twice,
    computed,
    discrepancies,
    meet,
    no_longer_asked,
    progress,
)
from studyportal.clinical.rules.fields import (
    ABSENT_LABELS,
    Absent,
    Code,
    Condition,
    Field,
    Kind,
    Label,
    Row,
    Value,
)
from studyportal.clinical.rules.import_rows import (
    TableRow,
    header_faults,
    read_line,
    template_columns,
)
from studyportal.clinical.rules.partial_dates import PartialDate, read_partial
from studyportal.clinical.rules.parts import Check, Context, FormDefinition, Rows
from studyportal.clinical.rules.reading import ReferenceEntry, read_reference
from studyportal.clinical.rules.reference import (
    SOURCES,
    Certainty,
    Derived,
    derive,
    has_pathology,
)
from studyportal.clinical.rules.reference_rules import RULES
from studyportal.clinical.rules.staging import (
    M_CATEGORIES,
    N_CATEGORIES,
    STAGES,
    T_CATEGORIES,
    metastasis_category,
    node_category,
    stage_group,
)
from studyportal.clinical.rules.tables import TABLES, exported_columns
from studyportal.clinical.rules.targets import (
    STATIONS,
    UNITS,
    ReferenceStatus,
    TargetCondition,
    Unit,
    unit_fault,
)

__all__ = [
    "ABSENT_LABELS",
    "DEFINITION_VERSION",
    "FORMS",
    "M_CATEGORIES",
    "N_CATEGORIES",
    "RULES",
    "SOURCES",
    "STAGES",
    "STATIONS",
    "TABLES",
    "T_CATEGORIES",
    "UNITS",
    "Absent",
    "Certainty",
    "Change",
    "Check",
    "Code",
    "Condition",
    "Context",
    "Derived",
    "Discrepancy",
    "Field",
    "FormDefinition",
    "Found",
    "Kind",
    "Label",
    "Meeting",
    "Nature",
    "PartialDate",
    "ReferenceEntry",
    "ReferenceStatus",
    "Row",
    "Rows",
    "TableRow",
    "TargetCondition",
    "Unit",
    "Unreadable",
    "Value",
    "asked_twice",
    "baseline_faults",
    "computed",
    "derive",
    "discrepancies",
    "exported_columns",
    "has_pathology",
    "header_faults",
    "judge",
    "meet",
    "metastasis_category",
    "no_longer_asked",
    "node_category",
    "progress",
    "read",
    "read_line",
    "read_partial",
    "read_reference",
    "stage_group",
    "template_columns",
    "unit_fault",
    "written",
]
