"""Lesions as the clinic describes them, each under its number."""

from studyportal.clinical.rules.fields import (
    NOT_DONE_OR_UNKNOWN,
    UNKNOWN,
    UNKNOWN_CODE,
    Field,
    Kind,
    Label,
    codes,
    when,
)
from studyportal.clinical.rules.parts import Check, FormDefinition, Rows, future_checks, greater

NOT_FOLLOWED, RESOLVED, STABLE, GREW, TREATED = (
    "not_followed",
    "resolved",
    "stable_24_months",
    "grew",
    "shrank_under_treatment",
)

FIELDS = (
    Field("lobe", Label("Where", "部位"), Kind.CHOICE, codes=(*codes(
        ("RUL", "right upper lobe", "右肺上叶"), ("RML", "right middle lobe", "右肺中叶"),
        ("RLL", "right lower lobe", "右肺下叶"), ("LUL", "left upper lobe with lingula", "左肺上叶（含舌段）"),
        ("LLL", "left lower lobe", "左肺下叶"), ("central", "main bronchus or hilum", "主支气管或肺门"),
        ("outside", "outside the lung", "肺外")), UNKNOWN_CODE)),
    Field("measured_on", Label("Date of the CT it was measured on", "测量所用 CT 日期"),
          Kind.PARTIAL_DATE, absent=NOT_DONE_OR_UNKNOWN),
    Field("long_axis_mm", Label("Long axis", "长径"), Kind.DECIMAL, unit="mm", low=1, high=300,
          expected=(4, 120), decimals=1, absent=NOT_DONE_OR_UNKNOWN),
    Field("short_axis_mm", Label("Short axis", "短径"), Kind.DECIMAL, unit="mm", low=1, high=300,
          expected=(3, 100), decimals=1, absent=NOT_DONE_OR_UNKNOWN, required=False),
    Field("density", Label("Density", "密度"), Kind.CHOICE, codes=(*codes(
        ("solid", "solid", "实性"), ("part_solid", "part-solid", "部分实性"),
        ("ground_glass", "pure ground glass", "纯磨玻璃"), ("cystic", "cystic", "囊性")),
        UNKNOWN_CODE)),
    Field("solid_part_mm", Label("Solid part, long axis", "实性成分长径"), Kind.DECIMAL, unit="mm",
          low=1, high=300, decimals=1, absent=NOT_DONE_OR_UNKNOWN,
          asked_if=when("density", "part_solid")),
    Field("margin", Label("Margin", "边缘"), Kind.CHOICE, required=False, codes=(*codes(
        ("smooth", "smooth", "光滑"), ("lobulated", "lobulated", "分叶"),
        ("spiculated", "spiculated", "毛刺")), UNKNOWN_CODE)),
    Field("course", Label("Course on later CT", "后续 CT 变化"), Kind.CHOICE, codes=(*codes(
        (NOT_FOLLOWED, "no later CT yet", "尚无后续 CT"),
        (RESOLVED, "gone without cancer treatment", "未经抗肿瘤治疗而消失"),
        (STABLE, "unchanged for 24 months or longer", "稳定 24 个月及以上"),
        (GREW, "grew", "增大"),
        (TREATED, "smaller under treatment", "治疗后缩小")), UNKNOWN_CODE)),
    Field("course_on", Label("Date of that CT", "该次 CT 日期"), Kind.PARTIAL_DATE,
          absent=UNKNOWN, asked_if=when("course", RESOLVED, STABLE, GREW, TREATED)),
)  # fmt: skip

LESIONS = FormDefinition(
    "lesions",
    Label("Lesions", "病灶"),
    FIELDS,
    rows=Rows.NUMBERED,
    row_label=Label("Lesion", "病灶"),
    guide=Label(
        "Number the lesions as they are outlined on the images. The number never changes.",
        "病灶编号与影像勾画一致，编号不再更改。",
    ),
    checks=(
        *future_checks(*FIELDS),
        Check("axes", "short_axis_mm", Label(
            "The short axis is longer than the long axis.", "短径大于长径。"),
            greater("short_axis_mm", "long_axis_mm"), hard=True),
        Check("solid_part", "solid_part_mm", Label(
            "The solid part is longer than the lesion.", "实性成分大于病灶长径。"),
            greater("solid_part_mm", "long_axis_mm"), hard=True),
    ),
)  # fmt: skip
