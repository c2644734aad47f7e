"""Treatment: one row for each course."""

from studyportal.clinical.rules.fields import (
    NO,
    UNKNOWN,
    UNKNOWN_CODE,
    YES_NO,
    Field,
    Kind,
    Label,
    codes,
    when,
)
from studyportal.clinical.rules.parts import Check, FormDefinition, Rows, before, future_checks

FIELDS = (
    Field("treatment", Label("Treatment", "治疗"), Kind.CHOICE, codes=codes(
        ("surgery", "surgery", "手术"), ("chemotherapy", "chemotherapy", "化疗"),
        ("radiotherapy", "radiotherapy", "放疗"),
        ("chemoradiotherapy", "chemoradiotherapy", "同步放化疗"),
        ("immunotherapy", "immunotherapy", "免疫治疗"),
        ("chemoimmunotherapy", "chemotherapy with immunotherapy", "化疗联合免疫"),
        ("targeted", "targeted therapy", "靶向治疗"), ("ablation", "ablation", "消融"),
        ("supportive", "best supportive care", "最佳支持治疗"))),
    Field("operation", Label("Operation", "术式"), Kind.CHOICE, asked_if=when("treatment", "surgery"),
          codes=(*codes(
        ("wedge", "wedge resection", "楔形切除"), ("segment", "segmentectomy", "肺段切除"),
        ("lobe", "lobectomy", "肺叶切除"), ("bilobe", "bilobectomy", "双叶切除"),
        ("lung", "pneumonectomy", "全肺切除"), ("exploration", "exploration only", "仅探查"),
        ("metastasis", "removal of a metastasis", "转移灶切除")), UNKNOWN_CODE)),
    Field("intent", Label("Intent", "目的"), Kind.CHOICE, codes=(*codes(
        ("curative", "curative", "根治"), ("neoadjuvant", "neoadjuvant", "新辅助"),
        ("adjuvant", "adjuvant", "辅助"), ("palliative", "palliative", "姑息")), UNKNOWN_CODE)),
    Field("began_on", Label("Began", "开始日期"), Kind.PARTIAL_DATE, absent=UNKNOWN),
    Field("ongoing", Label("Still going on", "仍在进行"), Kind.CHOICE, codes=YES_NO),
    Field("ended_on", Label("Ended", "结束日期"), Kind.PARTIAL_DATE, absent=UNKNOWN,
          asked_if=when("ongoing", NO)),
    Field("response", Label("Best response (RECIST 1.1)", "最佳疗效（RECIST 1.1）"), Kind.CHOICE,
          required=False, codes=(*codes(
        ("CR", "complete response", "完全缓解"), ("PR", "partial response", "部分缓解"),
        ("SD", "stable disease", "疾病稳定"), ("PD", "progressive disease", "疾病进展"),
        ("NE", "not evaluable", "不可评估")),)),
)  # fmt: skip

TREATMENT = FormDefinition(
    "treatment",
    Label("Treatment", "治疗"),
    FIELDS,
    rows=Rows.NUMBERED,
    row_label=Label("Course", "疗程"),
    checks=(
        *future_checks(*FIELDS),
        Check("ends_before", "ended_on", Label(
            "The course ends before it begins.", "结束日期早于开始日期。"),
            before("began_on", "ended_on"), hard=True),
        Check("ongoing_surgery", "ongoing", Label(
            "A surgery is said to be still going on. Check it.", "手术答为“仍在进行”，请核对。"),
            lambda _u, row, _c: row.get("treatment") == "surgery" and row.get("ongoing") == "yes"),
    ),
)  # fmt: skip
