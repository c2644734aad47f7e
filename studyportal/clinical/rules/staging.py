"""Stage groups of lung cancer, TNM 9th edition.

Source: Rami-Porta R, Nishimura KK, Giroux DJ, et al. The IASLC Lung Cancer Staging Project: Proposals for Revision of
the TNM Stage Groups in the Forthcoming (Ninth) Edition of the TNM Classification for Lung Cancer. J Thorac Oncol
2024;19(7):1007-1027; taken over by UICC and AJCC (in force from 2025-01-01). N2 is split by one or several stations,
M1c by one or several organ systems. What the table does not group (TX with nodes, T0, NX without metastasis) gets no
group.
"""

from collections.abc import Collection, Mapping

from studyportal.clinical.rules.fields import Code, Label, codes

T_CATEGORIES = ("TX", "T0", "Tis", "T1mi", "T1a", "T1b", "T1c", "T2a", "T2b", "T3", "T4")
N_CATEGORIES = ("NX", "N0", "N1", "N2a", "N2b", "N3")
M_CATEGORIES = ("M0", "M1a", "M1b", "M1c1", "M1c2")
STAGES = (
    "occult", "0", "IA1", "IA2", "IA3", "IB", "IIA", "IIB", "IIIA", "IIIB", "IIIC", "IVA", "IVB",
)  # fmt: skip
STAGE_CODES: tuple[Code, ...] = codes(
    ("occult", "Occult carcinoma", "隐匿性癌"),
    *((stage, f"Stage {stage}", f"{stage} 期") for stage in STAGES[1:]),
)

_M1 = {"M1a": "IVA", "M1b": "IVA", "M1c1": "IVB", "M1c2": "IVB"}
_N0 = {
    "TX": "occult", "Tis": "0", "T1mi": "IA1", "T1a": "IA1", "T1b": "IA2", "T1c": "IA3",
    "T2a": "IB", "T2b": "IIA", "T3": "IIB", "T4": "IIIA",
}  # fmt: skip
_BY_NODE: Mapping[str, Mapping[str, str]] = {
    "N1": {"T1": "IIA", "T2": "IIB", "T3": "IIIA", "T4": "IIIA"},
    "N2a": {"T1": "IIB", "T2": "IIIA", "T3": "IIIA", "T4": "IIIB"},
    "N2b": {"T1": "IIIA", "T2": "IIIB", "T3": "IIIB", "T4": "IIIB"},
    "N3": {"T1": "IIIB", "T2": "IIIB", "T3": "IIIC", "T4": "IIIC"},
}
_WIDE = {
    "T1a": "T1", "T1b": "T1", "T1c": "T1", "T2a": "T2", "T2b": "T2", "T3": "T3", "T4": "T4"
}  # fmt: skip


def stage_group(t: str, n: str, m: str) -> str:
    """The stage group of these categories; empty where the 9th edition groups none."""
    if m in _M1:
        return _M1[m]
    if m != "M0":
        return ""
    if n == "N0":
        return _N0.get(t, "")
    return _BY_NODE.get(n, {}).get(_WIDE.get(t, ""), "")


# Stations by what they mean for a primary on the right and on the left (IASLC lymph node map).
_MIDLINE = frozenset({"3A", "3P", "7", "8", "9"})
_SIDED_MEDIASTINAL = ("2", "4", "8", "9")
_HILAR = ("10", "11", "12", "13", "14")


def _zones(side: str) -> tuple[frozenset[str], frozenset[str]]:
    """N1 and N2 stations of a primary on this side, R or L."""
    hilar = frozenset(f"{number}{side}" for number in _HILAR)
    aortic = frozenset({"5", "6"}) if side == "L" else frozenset()
    sided = frozenset(f"{number}{side}" for number in _SIDED_MEDIASTINAL)
    return hilar, _MIDLINE | sided | aortic


N1_STATIONS: Mapping[str, frozenset[str]] = {
    "right": _zones("R")[0],
    "left": _zones("L")[0],
}
N2_STATIONS: Mapping[str, frozenset[str]] = {
    "right": _zones("R")[1],
    "left": _zones("L")[1],
}


def node_category(positive: Collection[str], side: str) -> str:
    """The N category of these positive stations for a primary on this side; empty where the side is not known."""
    if side not in N1_STATIONS:
        return ""
    stations = frozenset(positive)
    if stations - N1_STATIONS[side] - N2_STATIONS[side]:
        return "N3"
    mediastinal = stations & N2_STATIONS[side]
    if mediastinal:
        return "N2a" if len(mediastinal) == 1 else "N2b"
    return "N1" if stations else "N0"


def metastasis_category(organs: Mapping[str, str]) -> str:
    """The M category of these organ sites with metastasis and how many lesions each has; empty where it is not known.

    `contralateral_lung`, `pleura` and `pericardium` are intrathoracic (M1a); the other organs outside the chest.
    """
    outside = {organ: count for organ, count in organs.items() if organ not in INTRATHORACIC}
    if not outside:
        return "M1a" if organs else "M0"
    if len(outside) > 1:
        return "M1c2"
    return {"single": "M1b", "multiple": "M1c1"}.get(next(iter(outside.values())), "")


INTRATHORACIC = frozenset({"contralateral_lung", "pleura", "pericardium"})


def category_codes(letter: str, names: tuple[str, ...]) -> tuple[Code, ...]:
    """T, N or M categories as codes."""
    words = {"TX": "TX: cannot be assessed", "T0": "T0: no primary", "NX": "NX: cannot be assessed"}
    chinese = {"TX": "TX：无法评估", "T0": "T0：无原发肿瘤", "NX": "NX：无法评估"}
    return tuple(
        Code(name, Label(words.get(name, name), chinese.get(name, name)))
        for name in names
        if name.startswith(letter)
    )
