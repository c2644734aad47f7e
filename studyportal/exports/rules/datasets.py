"""Tables of clinical data as they leave: columns with type, unit, codes and words in both languages, read off the forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from studyportal.clinical.rules import (
    ABSENT_LABELS,
    FORMS,
    TABLES,
    Absent,
    Certainty,
    Code,
    Field,
    FormDefinition,
    Kind,
    Label,
    ReferenceStatus,
    Rows,
    TargetCondition,
    Unit,
)
from studyportal.clinical.states import FormStatus
from studyportal.participants.rules import Sex
from studyportal.participants.states import ParticipantStatus

_CLINICAL = "clinical"
_SHORTEST = 8  # what a name of SAS XPORT version 5 may hold


@dataclass(frozen=True)
class Variable:
    """One column. `source` is the field of a model it comes from; `field` the question, where it is one of a form."""

    name: str
    label: Label
    kind: Kind
    source: tuple[str, str]
    unit: str = ""
    codes: tuple[Code, ...] = ()
    decimals: int = 0
    longest: int = 200
    field: Field | None = None
    absent_of: str = ""

    def said(self, language: str) -> str:
        """The label with the unit."""
        words = self.label.said(language)
        return f"{words} ({self.unit})" if self.unit else words

    @property
    def is_number(self) -> bool:
        """Whether statistics packages hold it as a number; choices are numbers with labels there."""
        return self.kind in (Kind.CHOICE, Kind.WHOLE, Kind.DECIMAL, Kind.DATE)


@dataclass(frozen=True)
class Dataset:
    """One table; `short` is its name where eight letters are all there is."""

    key: str
    short: str
    title: Label
    variables: tuple[Variable, ...]

    def short_names(self) -> Mapping[str, str]:
        """Names of at most eight letters, each once, as SAS XPORT version 5 wants them."""
        found: dict[str, str] = {}
        for one in self.variables:
            plain = (one.absent_of or one.name).replace("_", "").upper()
            name = f"{plain[:6]}_A" if one.absent_of else plain[:_SHORTEST]
            number = 1
            while name in found.values():
                number += 1
                name = f"{plain[: _SHORTEST - len(str(number))]}{number}"
            found[one.name] = name
        return found


def _codes(words: Mapping[str, tuple[str, str]]) -> tuple[Code, ...]:
    return tuple(Code(value, Label(en, zh)) for value, (en, zh) in words.items())


SEXES = _codes({Sex.FEMALE: ("female", "女"), Sex.MALE: ("male", "男")})
PARTICIPANT_STATUSES = _codes(
    {
        ParticipantStatus.SCREENED: ("screened", "已筛选"),
        ParticipantStatus.SCREEN_FAILED: ("screen failure", "筛选失败"),
        ParticipantStatus.ELIGIBLE: ("eligible", "符合条件"),
        ParticipantStatus.ENROLLED: ("enrolled", "已入组"),
        ParticipantStatus.COMPLETED: ("completed", "已完成"),
        ParticipantStatus.DISCONTINUED: ("discontinued", "已退出"),
    }
)
FORM_STATUSES = _codes(
    {
        FormStatus.DRAFT: ("draft", "草稿"),
        FormStatus.COMPLETE: ("complete", "已完成"),
        FormStatus.VERIFIED: ("verified", "已核查"),
        FormStatus.SIGNED: ("signed", "已签名"),
        FormStatus.LOCKED: ("locked", "已锁定"),
    }
)
_CONDITIONS = _codes(
    {
        TargetCondition.MALIGNANCY: ("malignancy", "恶性"),
        TargetCondition.NODAL_METASTASIS: ("nodal metastasis", "淋巴结转移"),
        TargetCondition.DISTANT_METASTASIS: ("distant metastasis", "远处转移"),
    }
)
_UNITS = _codes(
    {
        Unit.LESION: ("lesion", "病灶"),
        Unit.STATION: ("nodal station", "淋巴结站"),
        Unit.PARTICIPANT: ("participant", "受试者"),
    }
)
_OUTCOMES = _codes(
    {
        ReferenceStatus.POSITIVE: ("positive", "阳性"),
        ReferenceStatus.NEGATIVE: ("negative", "阴性"),
        ReferenceStatus.INDETERMINATE: ("indeterminate", "无法判定"),
    }
)
_CERTAINTIES = _codes(
    {
        Certainty.DEFINITE: ("definite", "确定"),
        Certainty.PROBABLE: ("probable", "很可能"),
        Certainty.PRESUMED: ("presumed", "推定"),
        Certainty.UNSTATED: ("not stated", "未说明"),
        Certainty.NONE: ("none", "无"),
    }
)
_FORM_KEYS = tuple(Code(form.key, form.title) for form in FORMS.values())

PARTICIPANT = Variable(
    "participant",
    Label("Study code of the participant", "受试者编号"),
    Kind.TEXT,
    ("participants.participant", "code"),
    longest=20,
)
SITE = Variable(
    "site", Label("Code of the site", "中心代码"), Kind.TEXT, ("sites.site", "code"), longest=12
)
VISIT = Variable(
    "visit",
    Label("Number of the visit", "随访次数"),
    Kind.WHOLE,
    (f"{_CLINICAL}.form", "occurrence"),
)
FORM_STATUS = Variable(
    "form_status",
    Label("Status of the form", "表单状态"),
    Kind.CHOICE,
    (f"{_CLINICAL}.form", "status"),
    codes=FORM_STATUSES,
)


def _of_site(
    name: str, en: str, zh: str, *, kind: Kind = Kind.TEXT, longest: int = 200
) -> Variable:
    return Variable(name, Label(en, zh), kind, ("sites.site", name), longest=longest)


def _of_reference(
    name: str, en: str, zh: str, *, codes: tuple[Code, ...] = (), longest: int = 60
) -> Variable:
    source = (f"{_CLINICAL}.referencestandard", name)
    kind = Kind.CHOICE if codes else Kind.TEXT
    return Variable(name, Label(en, zh), kind, source, codes=codes, longest=longest)


SITES = Dataset(
    "sites",
    "SITES",
    Label("Sites", "研究中心"),
    (
        SITE,
        _of_site("name", "Name in English", "英文名称"),
        _of_site("name_zh", "Name in Chinese", "中文名称"),
        _of_site("target", "Participants to enrol", "计划入组人数", kind=Kind.WHOLE),
    ),
)
PARTICIPANTS_TABLE = Dataset(
    "participants",
    "PARTICIP",
    Label("Participants", "受试者"),
    (
        PARTICIPANT,
        SITE,
        Variable(
            "status",
            Label("Status of the participant", "受试者状态"),
            Kind.CHOICE,
            ("participants.participant", "status"),
            codes=PARTICIPANT_STATUSES,
        ),
        Variable(
            "sex",
            Label("Sex at screening", "筛选时性别"),
            Kind.CHOICE,
            ("participants.participant", "sex"),
            codes=SEXES,
        ),
        Variable(
            "age_years",
            Label("Age at screening", "筛选时年龄"),
            Kind.WHOLE,
            ("participants.participant", "age_years"),
            unit="a",
        ),
    ),
)
FORMS_TABLE = Dataset(
    "forms",
    "FORMS",
    Label("Forms that were opened", "已打开的表单"),
    (
        PARTICIPANT,
        SITE,
        Variable(
            "form", Label("Form", "表单"), Kind.CHOICE, (f"{_CLINICAL}.form", "kind"),
            codes=_FORM_KEYS,
        ),
        VISIT,
        FORM_STATUS,
        Variable(
            "definition",
            Label("Version of the form under which it was last changed", "最后更改时的表单版本"),
            Kind.TEXT,
            (f"{_CLINICAL}.form", "definition"),
            longest=12,
        ),
    ),
)  # fmt: skip
REFERENCE = Dataset(
    "reference_standard",
    "REFSTD",
    Label("Reference standard", "参考标准"),
    (
        PARTICIPANT,
        SITE,
        _of_reference("condition", "Target condition", "目标疾病", codes=_CONDITIONS),
        _of_reference("unit", "Unit of analysis", "分析单位", codes=_UNITS),
        _of_reference(
            "unit_id", "Lesion number or nodal station", "病灶编号或淋巴结站", longest=12
        ),
        _of_reference("status", "Reference standard", "参考标准结果", codes=_OUTCOMES),
        _of_reference("certainty", "How firmly it is established", "确定程度", codes=_CERTAINTIES),
        _of_reference("rule", "Rule that decided", "判定规则", longest=4),
        _of_reference("source", "How it was established", "确定依据"),
    ),
)
_SHORT = {
    "baseline": "BASELINE",
    "lesions": "LESIONS",
    "pathology": "PATHOL",
    "nodes": "NODES",
    "distant": "DISTANT",
    "staging": "STAGING",
    "conclusion": "CONCLUS",
    "treatment": "TREATM",
    "follow_up": "FOLLOWUP",
}


def _form_table(form: FormDefinition) -> Dataset:
    return Dataset(form.key, _SHORT[form.key], form.title, tuple(_form_variables(form)))


def _form_variables(form: FormDefinition) -> Iterator[Variable]:
    table = f"{_CLINICAL}.{TABLES[form.key]}"
    yield from (PARTICIPANT, SITE)
    if form.repeats:
        yield VISIT
    if form.rows is not Rows.ONE:
        named = form.rows is Rows.NAMED
        kind = Kind.CHOICE if named else Kind.WHOLE
        yield Variable("row", form.row_label, kind, (table, "unit"), codes=form.units)
    yield FORM_STATUS
    for field in form.fields:
        if not field.exported:
            continue
        yield Variable(
            field.name, field.label, field.kind, (table, field.name), field.unit, field.codes,
            field.decimals, 10 if field.kind is Kind.PARTIAL_DATE else field.longest, field,
        )  # fmt: skip
        if field.absent:
            yield _absent(table, field)


def _absent(table: str, field: Field) -> Variable:
    name = f"{field.name}_absent"
    label = Label(f"{field.label.en}: why there is none", f"{field.label.zh}：无值原因")
    words = tuple(Code(one, ABSENT_LABELS[one]) for one in Absent if one in field.absent)
    return Variable(name, label, Kind.CHOICE, (table, name), codes=words, absent_of=field.name)


FORM_TABLES: tuple[Dataset, ...] = tuple(_form_table(form) for form in FORMS.values())
DATASETS: Mapping[str, Dataset] = {
    one.key: one for one in (SITES, PARTICIPANTS_TABLE, FORMS_TABLE, *FORM_TABLES, REFERENCE)
}
