"""Pathology: one row for each specimen, which speaks of one lesion."""

from studyportal.clinical.rules.fields import (
    NOT_DONE_OR_UNKNOWN,
    NOT_STATED_CODE,
    UNKNOWN,
    UNKNOWN_CODE,
    Field,
    Kind,
    Label,
    Row,
    codes,
    when,
)
from studyportal.clinical.rules.parts import Check, Context, FormDefinition, Rows, future_checks

FIELDS = (
    Field("lesion", Label("Lesion", "病灶编号"), Kind.WHOLE, low=1, high=999),
    Field("method", Label("How it was obtained", "取材方式"), Kind.CHOICE, codes=(*codes(
        ("resection", "resection", "手术切除"),
        ("surgical_biopsy", "surgical biopsy", "外科活检"),
        ("core_biopsy", "core needle biopsy", "粗针活检"),
        ("bronchoscopic_biopsy", "bronchoscopic biopsy", "支气管镜活检"),
        ("fine_needle", "fine needle aspiration", "细针穿刺"),
        ("cytology", "brush, wash or lavage", "刷检、灌洗")), NOT_STATED_CODE)),
    Field("taken_on", Label("Date it was taken", "取材日期"), Kind.PARTIAL_DATE, absent=UNKNOWN),
    Field("result", Label("Result", "结果"), Kind.CHOICE, twice=True, codes=codes(
        ("malignant", "malignant", "恶性"), ("benign", "benign", "良性"),
        ("suspicious", "atypical or suspicious", "非典型或可疑"),
        ("insufficient", "not enough material", "标本不足"))),
    Field("histology", Label("Histology", "组织学类型"), Kind.CHOICE, twice=True,
          asked_if=when("result", "malignant"), codes=(*codes(
        ("adenocarcinoma", "adenocarcinoma, invasive", "浸润性腺癌"),
        ("minimally_invasive", "minimally invasive adenocarcinoma", "微浸润性腺癌"),
        ("in_situ", "adenocarcinoma in situ", "原位腺癌"),
        ("squamous", "squamous cell carcinoma", "鳞状细胞癌"),
        ("adenosquamous", "adenosquamous carcinoma", "腺鳞癌"),
        ("large_cell", "large cell carcinoma", "大细胞癌"),
        ("sarcomatoid", "sarcomatoid carcinoma", "肉瘤样癌"),
        ("nsclc_nos", "non-small cell carcinoma, not otherwise specified", "非小细胞癌，非特指"),
        ("large_cell_neuroendocrine", "large cell neuroendocrine carcinoma", "大细胞神经内分泌癌"),
        ("small_cell", "small cell carcinoma", "小细胞癌"),
        ("carcinoid", "carcinoid", "类癌"),
        ("metastasis", "metastasis of a tumour elsewhere", "其他肿瘤转移"),
        ("other", "another malignant tumour", "其他恶性肿瘤")), UNKNOWN_CODE)),
    Field("benign_diagnosis", Label("Benign diagnosis", "良性诊断"), Kind.CHOICE,
          asked_if=when("result", "benign"), codes=(*codes(
        ("granuloma", "granuloma, tuberculosis or fungus", "肉芽肿、结核或真菌"),
        ("hamartoma", "hamartoma or another benign tumour", "错构瘤或其他良性肿瘤"),
        ("organising_pneumonia", "organising pneumonia", "机化性肺炎"),
        ("infection", "infection or abscess", "感染或脓肿"),
        ("other_specific", "another specific benign diagnosis", "其他明确的良性诊断"),
        ("unspecific", "unspecific inflammation or fibrosis", "非特异性炎症或纤维化")),
        NOT_STATED_CODE)),
    Field("invasive_size_mm", Label("Invasive size", "浸润灶大小"), Kind.DECIMAL, unit="mm", low=0,
          high=300, decimals=1, required=False, absent=NOT_DONE_OR_UNKNOWN,
          asked_if=when("result", "malignant")),
    Field("pleural_invasion", Label("Pleural invasion", "胸膜侵犯"), Kind.CHOICE, required=False,
          asked_if=when("method", "resection"), codes=(*codes(
        ("PL0", "PL0", "PL0"), ("PL1", "PL1", "PL1"), ("PL2", "PL2", "PL2"),
        ("PL3", "PL3", "PL3")), UNKNOWN_CODE)),
)  # fmt: skip
_NOT_NSCLC = frozenset({"small_cell", "carcinoid", "metastasis"})


def _no_such_lesion(_unit: str, row: Row, context: Context) -> bool:
    described = context.others.get("lesions")
    number = row.get("lesion")
    return bool(described) and isinstance(number, int) and str(number) not in (described or {})


PATHOLOGY = FormDefinition(
    "pathology",
    Label("Pathology", "病理"),
    FIELDS,
    rows=Rows.NUMBERED,
    row_label=Label("Specimen", "标本"),
    looks_at=("lesions",),
    guide=Label(
        "One row for each specimen. A lesion can have several.", "每份标本一行，一个病灶可有多份。"
    ),
    checks=(
        *future_checks(*FIELDS),
        Check("lesion_unknown", "lesion", Label(
            "No lesion of this number is described on the form of lesions.",
            "病灶表中没有此编号的病灶。"), _no_such_lesion),
        Check("not_nsclc", "histology", Label(
            "This is no non-small cell lung cancer, which INC-01 asks for. Check both, or say why it stays.",
            "此类型不属于 INC-01 要求的非小细胞肺癌，请核对或说明原因。"),
            lambda _u, row, _c: row.get("histology") in _NOT_NSCLC),
        Check("screened_later", "taken_on", Label(
            "The specimen was taken more than a year before screening. Check the date.",
            "取材日期早于筛选一年以上，请核对。"),
            lambda _u, row, context: _a_year_before(row, context)),
    ),
)  # fmt: skip


def _a_year_before(row: Row, context: Context) -> bool:
    taken = row.get("taken_on")
    latest = getattr(taken, "latest", None)
    if latest is None or context.screening_date is None:
        return False
    return bool((context.screening_date - latest()).days > 365)
