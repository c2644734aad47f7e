"""Staging by TNM, 9th edition; the stage groups follow from the categories."""

from studyportal.clinical.rules.fields import (
    UNKNOWN_CODE,
    YES,
    YES_NO,
    Field,
    Kind,
    Label,
    Row,
    codes,
    when,
)
from studyportal.clinical.rules.parts import Check, Context, FormDefinition, future_checks
from studyportal.clinical.rules.staging import (
    M_CATEGORIES,
    N_CATEGORIES,
    STAGE_CODES,
    T_CATEGORIES,
    category_codes,
    metastasis_category,
    node_category,
    stage_group,
)

_RESECTED = when("resected", YES)
_T, _N, _M = (
    category_codes("T", T_CATEGORIES),
    category_codes("N", N_CATEGORIES),
    category_codes("M", M_CATEGORIES),
)


def _clinical(row: Row) -> str:
    return stage_group(str(row.get("ct")), str(row.get("cn")), str(row.get("cm")))


def _pathological(row: Row) -> str:
    return stage_group(str(row.get("pt")), str(row.get("pn")), str(row.get("pm")))


FIELDS = (
    Field("staged_on", Label("Date of staging", "分期日期"), Kind.PARTIAL_DATE),
    Field("side", Label("Side of the primary tumour", "原发灶侧别"), Kind.CHOICE, codes=(*codes(
        ("right", "right", "右"), ("left", "left", "左"), ("midline", "midline", "中线")),
        UNKNOWN_CODE)),
    Field("ct", Label("cT", "cT"), Kind.CHOICE, codes=_T),
    Field("cn", Label("cN", "cN"), Kind.CHOICE, codes=_N),
    Field("cm", Label("cM", "cM"), Kind.CHOICE, codes=(*_M, UNKNOWN_CODE)),
    Field("clinical_stage", Label("Clinical stage group", "临床分期"), Kind.CHOICE,
          codes=STAGE_CODES, required=False, computed=_clinical),
    Field("resected", Label("The primary tumour was resected", "原发灶已切除"), Kind.CHOICE,
          codes=YES_NO),
    Field("after_treatment", Label("After neoadjuvant treatment (yp)", "新辅助治疗后（yp）"),
          Kind.CHOICE, codes=YES_NO, asked_if=_RESECTED),
    Field("pt", Label("pT", "pT"), Kind.CHOICE, codes=_T, asked_if=_RESECTED),
    Field("pn", Label("pN", "pN"), Kind.CHOICE, codes=_N, asked_if=_RESECTED),
    Field("pm", Label("M at resection", "切除时 M"), Kind.CHOICE, codes=(*_M, UNKNOWN_CODE),
          asked_if=_RESECTED),
    Field("pathological_stage", Label("Pathological stage group", "病理分期"), Kind.CHOICE,
          codes=STAGE_CODES, required=False, computed=_pathological),
)  # fmt: skip


def _nodes_differ(_unit: str, row: Row, context: Context) -> bool:
    stations = context.others.get("nodes", {})
    positive = [name for name, one in stations.items() if one.get("result") == "positive"]
    found = node_category(positive, str(row.get("side")))
    return bool(row.get("pn") and positive and found) and row["pn"] != found


def _organs_differ(_unit: str, row: Row, context: Context) -> bool:
    sites = context.others.get("distant", {})
    found = {
        name: str(one.get("lesions"))
        for name, one in sites.items()
        if one.get("metastasis") == "present" and one.get("how") != "pet_ct"
    }
    category = metastasis_category(found)
    return bool(found and category and row.get("cm")) and row["cm"] != category


STAGING = FormDefinition(
    "staging",
    Label("Staging", "分期"),
    FIELDS,
    looks_at=("nodes", "distant"),
    guide=Label(
        "TNM 9th edition (2024). The stage groups follow from the categories by themselves.",
        "TNM 第 9 版（2024）。分期由各类别自动得出。",
    ),
    checks=(
        *future_checks(*FIELDS),
        Check("stations_and_pn", "pn", Label(
            "The positive stations on the form of nodes give another pN. Check both.",
            "淋巴结表中的阳性站与 pN 不符，请核对。"), _nodes_differ),
        Check("sites_and_cm", "cm", Label(
            "The metastases on the form of distant sites give another cM. Check both.",
            "远处部位表中的转移与 cM 不符，请核对。"), _organs_differ),
    ),
)  # fmt: skip
