"""Baseline: the person before any examination of the study."""

from studyportal.clinical.rules.fields import (
    NOT_DONE_CODE,
    NOT_DONE_OR_UNKNOWN,
    UNKNOWN,
    UNKNOWN_CODE,
    YES,
    YES_NO_UNKNOWN,
    Field,
    Kind,
    Label,
    Row,
    codes,
    when,
)
from studyportal.clinical.rules.parts import Check, Context, FormDefinition, future_checks

_SMOKED = when("smoking", "current", "former")

FIELDS = (
    Field("examined_on", Label("Date of the examination", "检查日期"), Kind.DATE),
    Field(
        "sex",
        Label("Sex", "性别"),
        Kind.CHOICE,
        codes=codes(("F", "female", "女"), ("M", "male", "男")),
    ),
    Field("age_years", Label("Age", "年龄"), Kind.WHOLE, unit="a", low=18, high=120,
          expected=(30, 90)),
    Field("height_cm", Label("Height", "身高"), Kind.DECIMAL, unit="cm", low=50, high=250,
          expected=(140, 200), decimals=1, absent=NOT_DONE_OR_UNKNOWN),
    Field("weight_kg", Label("Weight", "体重"), Kind.DECIMAL, unit="kg", low=10, high=400,
          expected=(35, 130), decimals=1, absent=NOT_DONE_OR_UNKNOWN, twice=True),
    Field(
        "ecog",
        Label("ECOG performance status", "ECOG 体能状态"),
        Kind.CHOICE,
        codes=(
            *codes(
                ("0", "0: fully active", "0：活动完全正常"),
                ("1", "1: light work", "1：可从事轻体力活动"),
                ("2", "2: up more than half the day", "2：生活自理，日间半数以上时间可活动"),
                ("3", "3: in bed more than half the day", "3：生活仅部分自理"),
                ("4", "4: bedridden", "4：卧床不起"),
            ),
            NOT_DONE_CODE,
        ),
    ),
    Field(
        "smoking",
        Label("Smoking", "吸烟"),
        Kind.CHOICE,
        codes=(
            *codes(
                ("never", "never", "从不"),
                ("former", "former", "已戒"),
                ("current", "current", "目前吸烟"),
            ),
            UNKNOWN_CODE,
        ),
    ),
    Field("pack_years", Label("Pack-years", "吸烟量（包年）"), Kind.DECIMAL, unit="{pack}.a",
          low=0, high=300, expected=(0, 120), decimals=1, absent=UNKNOWN, asked_if=_SMOKED),
    Field("quit_on", Label("Stopped smoking", "戒烟时间"), Kind.PARTIAL_DATE, absent=UNKNOWN,
          asked_if=when("smoking", "former")),
    Field("prior_malignancy", Label("Another malignant tumour before", "既往其他恶性肿瘤"),
          Kind.CHOICE, codes=YES_NO_UNKNOWN),
    Field("prior_malignancy_text", Label("Which, and when", "何种、何时"), Kind.TEXT,
          asked_if=when("prior_malignancy", YES), exported=False),
    Field("family_history", Label("Lung cancer in parents or siblings", "父母或兄弟姐妹患肺癌"),
          Kind.CHOICE, codes=YES_NO_UNKNOWN),
    Field("tuberculosis", Label("Tuberculosis, now or before", "结核病史"), Kind.CHOICE,
          codes=YES_NO_UNKNOWN),
    Field("copd", Label("COPD or emphysema", "慢阻肺或肺气肿"), Kind.CHOICE, codes=YES_NO_UNKNOWN),
    Field("diabetes", Label("Diabetes", "糖尿病"), Kind.CHOICE, codes=YES_NO_UNKNOWN),
    Field("glucose_mmol_l", Label("Fasting blood glucose", "空腹血糖"), Kind.DECIMAL,
          unit="mmol/L", low=1, high=40, expected=(3, 11.1), decimals=1,
          absent=NOT_DONE_OR_UNKNOWN, twice=True),
    Field("comment", Label("Remark", "备注"), Kind.TEXT, required=False, longest=1000,
          exported=False),
)  # fmt: skip


def _another_sex(_unit: str, row: Row, context: Context) -> bool:
    return bool(row.get("sex") and context.sex) and row["sex"] != context.sex


def _another_age(_unit: str, row: Row, context: Context) -> bool:
    age = row.get("age_years")
    if not isinstance(age, int) or context.age_years is None:
        return False
    return abs(age - context.age_years) > 1


BASELINE = FormDefinition(
    "baseline",
    Label("Baseline", "基线"),
    FIELDS,
    checks=(
        *future_checks(*FIELDS),
        Check("sex_differs", "sex", Label(
            "The sex differs from the one at screening. Have the wrong one corrected.",
            "性别与筛选时不一致，请更正错误的一处。"), _another_sex),
        Check("age_differs", "age_years", Label(
            "The age differs from the one at screening by more than a year. Check both.",
            "年龄与筛选时相差超过一岁，请核对。"), _another_age),
        Check("prior_malignancy", "prior_malignancy", Label(
            "Another malignant tumour before stands against EXC-01. Check the screening, or say why both hold.",
            "既往恶性肿瘤与 EXC-01 相悖，请核对筛选，或说明原因。"),
            lambda _u, row, _c: row.get("prior_malignancy") == YES),
        Check("glucose_without_diabetes", "glucose_mmol_l", Label(
            "The glucose is above 7.0 mmol/L, yet diabetes is answered “no”. Check both.",
            "血糖高于 7.0 mmol/L，但糖尿病答“否”，请核对。"),
            lambda _u, row, _c: row.get("diabetes") == "no" and _above(row, 7.0)),
    ),
)  # fmt: skip


def _above(row: Row, limit: float) -> bool:
    value = row.get("glucose_mmol_l")
    try:
        return float(str(value)) > limit
    except ValueError:
        return False
