"""Nodal stations of the IASLC map: one row for each station that was examined."""

from studyportal.clinical.rules.fields import (
    NOT_DONE_CODE,
    NOT_STATED_CODE,
    UNKNOWN,
    Code,
    Field,
    Kind,
    Label,
    Row,
    codes,
    when,
)
from studyportal.clinical.rules.parts import (
    Check,
    Context,
    FormDefinition,
    Rows,
    future_checks,
    greater,
)
from studyportal.clinical.rules.targets import STATIONS

_TISSUE = ("dissection", "sampling", "mediastinoscopy")

FIELDS = (
    Field("result", Label("Metastasis", "转移"), Kind.CHOICE, twice=True, codes=(*codes(
        ("negative", "no", "无"), ("positive", "yes", "有"),
        ("indeterminate", "cannot be told", "无法判定")), NOT_DONE_CODE)),
    Field("method", Label("How it was confirmed", "确认方式"), Kind.CHOICE, twice=True,
          asked_if=when("result", "negative", "positive", "indeterminate"), codes=(*codes(
        ("dissection", "surgical dissection", "手术清扫"),
        ("sampling", "surgical sampling", "手术采样"),
        ("mediastinoscopy", "mediastinoscopy", "纵隔镜"),
        ("ebus", "EBUS-guided aspiration", "EBUS 穿刺"),
        ("eus", "EUS-guided aspiration", "EUS 穿刺"),
        ("needle", "needle through the skin", "经皮穿刺"),
        ("imaging", "imaging only", "仅影像")), NOT_STATED_CODE)),
    Field("examined_on", Label("Date", "日期"), Kind.PARTIAL_DATE, absent=UNKNOWN,
          asked_if=when("result", "negative", "positive", "indeterminate")),
    Field("nodes_examined", Label("Nodes examined", "送检淋巴结数"), Kind.WHOLE, low=1, high=99,
          absent=UNKNOWN, asked_if=when("method", *_TISSUE)),
    Field("nodes_positive", Label("Nodes with metastasis", "转移淋巴结数"), Kind.WHOLE, low=0,
          high=99, absent=UNKNOWN, asked_if=when("method", *_TISSUE)),
)  # fmt: skip


def station_order(station: str) -> tuple[int, str]:
    """Stations from the neck down, right before left."""
    number = "".join(sign for sign in station if sign.isdigit())
    return int(number), station[len(number) :].replace("R", "0")


UNITS = tuple(
    Code(station, Label(station, f"{station} 组"))
    for station in sorted(STATIONS, key=station_order)
)


def _counts_differ(_unit: str, row: Row, _context: Context) -> bool:
    count = row.get("nodes_positive")
    if not isinstance(count, int):
        return False
    return (count > 0) != (row.get("result") == "positive")


NODES = FormDefinition(
    "nodes",
    Label("Nodal stations", "淋巴结站"),
    FIELDS,
    rows=Rows.NAMED,
    row_label=Label("Station", "站"),
    units=UNITS,
    guide=Label(
        "One row for each station that was examined. Stations without a row count as not examined.",
        "每个检查过的淋巴结站一行，没有行的站视为未检查。",
    ),
    checks=(
        *future_checks(*FIELDS),
        Check("counts", "nodes_positive", Label(
            "More nodes have a metastasis than were examined.", "转移数多于送检数。"),
            greater("nodes_positive", "nodes_examined"), hard=True),
        Check("result_and_count", "nodes_positive", Label(
            "The number of nodes with metastasis and the answer contradict each other.",
            "转移淋巴结数与结果相矛盾。"), _counts_differ, hard=True),
    ),
)  # fmt: skip
