"""What somebody who opens an archive of clinical data has to know, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping

from studyportal.clinical.rules import Label
from studyportal.exports.states import DataFormat

_NUMBERS = Label(
    "Choices are numbers with value labels; codes.csv gives the number, the code and the words of each.",
    "选项为带值标签的数字；各数字、代码及含义见 codes.csv。",
)
_CODES = Label(
    "Choices are the codes of the forms; codes.csv gives the words of each.",
    "选项为表单代码，含义见 codes.csv。",
)
_DAYS = Label(
    "Whole dates are dates of the format. Dates that may be partial are text: 2026, 2026-02 or 2026-02-03; no part is made up.",
    "完整日期为该格式的日期类型。可能不完整的日期为文本：2026、2026-02 或 2026-02-03，绝不补全。",
)
_ABSENT = Label(
    "Where there is no value, the column x is empty and x_absent says why: not_done or unknown. Both empty: not answered, or not asked.",
    "无值时，列 x 为空，x_absent 说明原因：未做（not_done）或不详（unknown）。两列均空：未填写或无需填写。",
)
_HOW: Mapping[DataFormat, tuple[Label, ...]] = {
    DataFormat.CSV: (
        Label(
            "UTF-8, comma, a header. A text that a spreadsheet would run as a formula begins with a quote.",
            "UTF-8 编码，逗号分隔，含表头。可能被电子表格当作公式执行的文本以单引号开头。",
        ),
        _CODES,
        _DAYS,
        _ABSENT,
    ),
    DataFormat.XLSX: (
        Label(
            "One workbook, a sheet for each table. A text that would run as a formula begins with a quote.",
            "一个工作簿，每表一页。可能被当作公式执行的文本以单引号开头。",
        ),
        _CODES,
        _DAYS,
        _ABSENT,
    ),
    DataFormat.PARQUET: (
        Label(
            "Typed columns; labels, units and codes stand in the metadata of each column, in both languages.",
            "列均有类型；标签、单位和代码以双语存于各列元数据中。",
        ),
        _CODES,
        _DAYS,
        _ABSENT,
    ),
    DataFormat.XPORT5: (
        Label(
            "Names have at most 8 letters (column short_name of the dictionary) and labels 40, in English, because the format "
            "holds ASCII only. Value labels stand in data/formats.sas, which is UTF-8.",
            "该格式仅支持 ASCII：变量名最多 8 个字母（见字典 short_name 列），标签最多 40 个字符，均为英文。值标签见 data/formats.sas（UTF-8）。",
        ),
        _NUMBERS,
        _DAYS,
        _ABSENT,
    ),
    DataFormat.XPORT8: (
        Label(
            "Labels are UTF-8. The format holds no value labels: they stand in data/formats.sas.",
            "标签为 UTF-8 编码。该格式不含值标签，值标签见 data/formats.sas。",
        ),
        _NUMBERS,
        _DAYS,
        _ABSENT,
    ),
    DataFormat.SPSS: (_NUMBERS, _DAYS, _ABSENT),
    DataFormat.STATA: (
        Label("Stata 14 or later (UTF-8).", "Stata 14 或更高版本（UTF-8）。"),
        _NUMBERS,
        _DAYS,
        _ABSENT,
    ),
    DataFormat.ODM: (
        Label(
            "CDISC ODM-XML 1.3.2, a snapshot. The definitions stand in both languages before the data.",
            "CDISC ODM-XML 1.3.2 快照，数据之前为双语定义。",
        ),
        Label(
            "Dates that may be partial are of the type partialDate; no part is made up.",
            "可能不完整的日期使用 partialDate 类型，绝不补全。",
        ),
        Label(
            "Where there is no value, its item is IsNull and the item with “.ABSENT” says why: not_done or unknown. No item: not "
            "answered, or not asked.",
            "无值时，该项为 IsNull，并由带“.ABSENT”的项说明原因：not_done（未做）或 unknown（不详）。无该项：未填写或无需填写。",
        ),
        Label(
            "AuditRecord says who last changed a form, Signature which signature on it counts. People stand as codes.",
            "AuditRecord 记录表单最后更改者，Signature 为有效签名；人员以代码表示。",
        ),
    ),
}
_ALWAYS = (
    Label(
        "Participants stand under their study codes. Names, free text and what people wrote as reasons never leave.",
        "受试者仅以研究编号表示。姓名、自由文本及填写的理由绝不导出。",
    ),
    Label(
        "manifest.json counts the rows and gives the SHA-256 of every file, the moment of the data and the versions of the software.",
        "manifest.json 列出行数、各文件 SHA-256、数据时点及软件版本。",
    ),
)


def reading_guide(kind: DataFormat) -> str:
    """The words for this format, English first."""
    lines = [*_HOW[kind], *_ALWAYS]
    return (
        "\n\n".join("\n".join(one.said(language) for one in lines) for language in ("en", "zh"))
        + "\n"
    )


def guide_lines(kind: DataFormat) -> tuple[Label, ...]:
    """The same for a page."""
    return _HOW[kind]
