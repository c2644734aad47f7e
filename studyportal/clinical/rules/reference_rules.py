"""The rules of the reference standard as people read them; `reference` applies them."""

from collections.abc import Mapping

from studyportal.clinical.rules.fields import Label

RULES: Mapping[str, Label] = {
    "M1": Label("Histology of the lesion shows a malignant tumour.", "病灶组织学为恶性。"),
    "M2": Label("Cytology of the lesion shows malignant cells.", "病灶细胞学见恶性细胞。"),
    "M3": Label(
        "Cytology shows malignant cells and the resected lesion is benign: nothing is decided.",
        "细胞学恶性而切除标本良性：不予判定。",
    ),
    "M4": Label("The resected lesion is benign.", "切除病灶为良性。"),
    "M5": Label("Tissue shows a specific benign diagnosis.", "组织学或细胞学有明确的良性诊断。"),
    "M6": Label(
        "Unspecific benign tissue, and the lesion went away or stayed unchanged for 24 months.",
        "非特异性良性结果，且病灶消失或稳定 24 个月。",
    ),
    "M7": Label(
        "No tissue; the lesion went away without treatment or stayed unchanged for 24 months.",
        "无组织学结果；病灶未经治疗消失或稳定 24 个月。",
    ),
    "M8": Label("The result was imported without its method.", "导入结果，未说明方法。"),
    "M9": Label("There are specimens, and none decides.", "有标本，但均不能判定。"),
    "S1": Label("Histology of the station shows metastasis.", "该站组织学有转移。"),
    "S2": Label("Needle aspiration of the station shows metastasis.", "该站穿刺有转移。"),
    "S3": Label("The dissected station has no metastasis.", "清扫该站无转移。"),
    "S4": Label("A sample of the station has no metastasis.", "该站采样或穿刺无转移。"),
    "S5": Label("The result was imported without its method.", "导入结果，未说明方法。"),
    "S6": Label(
        "Imaging alone, or no clear result: nothing is decided.", "仅有影像或结果不明：不予判定。"
    ),
    "N1": Label("A station has a metastasis.", "某站有转移。"),
    "N2": Label(
        "Complete dissection without metastasis: three mediastinal stations with station 7, and three nodes or "
        "stations from the hilum outwards (UICC).",
        "完整清扫无转移：纵隔三站（含第 7 组）及肺门以外三枚或三站（UICC）。",
    ),
    "N3": Label(
        "Stations 4R, 4L and 7 were sampled without metastasis.", "4R、4L、7 组采样均无转移。"
    ),
    "N4": Label("As a panel, a report or follow-up concluded.", "据会诊、报告或随访结论。"),
    "N5": Label("Too few stations were examined: nothing is decided.", "检查站数不足：不予判定。"),
    "D1": Label("Tissue of an organ shows metastasis.", "器官组织学或细胞学有转移。"),
    "D2": Label("Later imaging confirms a metastasis.", "后续影像证实转移。"),
    "D3": Label(
        "MRI, CT, bone scan or ultrasound shows a metastasis.", "磁共振、CT、骨扫描或超声示转移。"
    ),
    "D4": Label(
        "Brain, bone, liver and adrenals are free by imaging other than PET-CT, and no distant progression was seen "
        "on imaging six months later.",
        "脑、骨、肝、肾上腺经非 PET-CT 检查无转移，且六个月后影像无远处进展。",
    ),
    "D5": Label("As a panel, a report or follow-up concluded.", "据会诊、报告或随访结论。"),
    "D6": Label(
        "Brain, bone, liver and adrenals are free by imaging other than PET-CT, without later imaging.",
        "脑、骨、肝、肾上腺经非 PET-CT 检查无转移，尚无后续影像。",
    ),
    "D7": Label("Organs were examined, and nothing is decided.", "有器官检查，但不能判定。"),
}
