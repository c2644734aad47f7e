"""Distant sites: one row for each organ that was examined."""

from studyportal.clinical.rules.fields import (
    NOT_DONE_CODE,
    NOT_STATED_CODE,
    UNKNOWN,
    UNKNOWN_CODE,
    Field,
    Kind,
    Label,
    codes,
    when,
)
from studyportal.clinical.rules.parts import Check, FormDefinition, Rows, future_checks

FIELDS = (
    Field("metastasis", Label("Metastasis", "转移"), Kind.CHOICE, twice=True, codes=(*codes(
        ("absent", "no", "无"), ("present", "yes", "有"),
        ("indeterminate", "cannot be told", "无法判定")), NOT_DONE_CODE)),
    Field("how", Label("How it was confirmed", "确认方式"), Kind.CHOICE, twice=True,
          asked_if=when("metastasis", "absent", "present", "indeterminate"), codes=(*codes(
        ("histology", "histology", "组织学"), ("cytology", "cytology", "细胞学"),
        ("mri", "MRI", "磁共振"), ("ct", "contrast CT", "增强 CT"),
        ("bone_scan", "bone scan", "骨扫描"), ("ultrasound", "ultrasound", "超声"),
        ("pet_ct", "PET-CT only", "仅 PET-CT"),
        ("follow_up", "later imaging", "后续影像")), NOT_STATED_CODE)),
    Field("examined_on", Label("Date", "日期"), Kind.PARTIAL_DATE, absent=UNKNOWN,
          asked_if=when("metastasis", "absent", "present", "indeterminate")),
    Field("lesions", Label("How many", "数目"), Kind.CHOICE, asked_if=when("metastasis", "present"),
          codes=(*codes(("single", "one", "单发"), ("multiple", "several", "多发")), UNKNOWN_CODE)),
    Field("where", Label("Where exactly", "具体部位"), Kind.TEXT, required=False,
          asked_if=when("metastasis", "present"), exported=False),
)  # fmt: skip
UNITS = codes(
    ("brain", "Brain", "脑"),
    ("bone", "Bone", "骨"),
    ("liver", "Liver", "肝"),
    ("adrenal", "Adrenal gland", "肾上腺"),
    ("contralateral_lung", "Other lung", "对侧肺"),
    ("pleura", "Pleura", "胸膜"),
    ("pericardium", "Pericardium", "心包"),
    ("distant_nodes", "Distant lymph nodes", "远处淋巴结"),
    ("other", "Another organ", "其他器官"),
)
# What is looked at before somebody is called free of distant metastasis.
LOOKED_AT = frozenset({"brain", "bone", "liver", "adrenal"})

DISTANT = FormDefinition(
    "distant",
    Label("Distant sites", "远处部位"),
    FIELDS,
    rows=Rows.NAMED,
    row_label=Label("Site", "部位"),
    units=UNITS,
    guide=Label(
        "One row for each organ that was examined. PET-CT alone never settles the reference standard.",
        "每个检查过的器官一行；仅凭 PET-CT 不能确定参考标准。",
    ),
    checks=(
        *future_checks(*FIELDS),
        Check("pet_only", "how", Label(
            "PET-CT alone settles nothing here, as PET is what the study tests. Name another examination, "
            "or say that there was none.",
            "本研究检验的正是 PET，仅凭 PET-CT 不能作为参考标准；请填写其他检查，或说明没有。"),
            lambda _u, row, _c: row.get("how") == "pet_ct" and row.get("metastasis") == "present"),
    ),
)  # fmt: skip
