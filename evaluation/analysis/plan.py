"""The analysis plan: a frozen object read from TOML, refused when a word in it is unknown."""

import hashlib
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from evaluation.analysis.strict import PlanError, build

_SET_COLUMNS = (
    "screened", "eligible", "enrolled", "consented", "ct_received", "pet_received", "pair_ready",
    "synthesised", "reference_complete", "analysed",
)  # fmt: skip


@dataclass(frozen=True)
class BodyMask:
    """How the body is outlined on the CT."""

    threshold_hu: float
    largest_component: bool = True
    fill_holes: bool = True


@dataclass(frozen=True)
class ImageRecipe:
    """What image similarity is measured with; the data range is never guessed."""

    data_range_suv: float
    body_mask: BodyMask
    sensitivity_data_range_suv: float | None = None
    proposal: bool = False


@dataclass(frozen=True)
class Minimum:
    """Numbers below which an estimate is withheld, with the reason."""

    participants: int = 3
    positives: int = 2
    negatives: int = 2
    proposal: bool = False


@dataclass(frozen=True)
class AnalysisSet:
    """Participants for whom every named column of the participants table is true."""

    id: str
    text: str
    requires: tuple[str, ...]


@dataclass(frozen=True)
class PrimaryEndpoint:
    """Image similarity (one value per pair) or agreement (synthetic against reference)."""

    id: str
    kind: str
    title: str
    quantities: tuple[str, ...]
    region: str
    unit: str
    analysis_set: str
    each_region: bool = False
    acceptance_percent: float | None = None
    proposal: bool = False


@dataclass(frozen=True)
class ConditionUnit:
    """A unit in which a target condition is judged, and which regions belong to it."""

    id: str
    region: str = ""
    unmarked: str = "missing"
    not_estimable: str = ""


@dataclass(frozen=True)
class TargetCondition:
    """A secondary endpoint: the condition that index tests look for."""

    id: str
    title: str
    analysis_set: str
    unit: tuple[ConditionUnit, ...]


@dataclass(frozen=True)
class IndexTest:
    """An index test with cut-offs that were locked before the outcome was seen."""

    id: str
    title: str
    kind: str
    arm: str
    cutoff: Mapping[str, float]
    image: str = ""
    quantity: str = ""
    comparator: bool = False
    proposal: bool = False


@dataclass(frozen=True)
class Contrast:
    """Two index tests whose areas under the curve are compared on the same units."""

    test: str
    against: str


@dataclass(frozen=True)
class Plan:
    """Everything the analysis needs to know besides the tables."""

    schema: int
    name: str
    version: str
    registration: str
    level: float
    seed: int
    bootstrap_replicates: int
    image: ImageRecipe
    analysis_set: tuple[AnalysisSet, ...]
    primary: tuple[PrimaryEndpoint, ...]
    target_condition: tuple[TargetCondition, ...]
    index_test: tuple[IndexTest, ...]
    minimum: Minimum = field(default_factory=Minimum)
    comparison: tuple[Contrast, ...] = ()
    release: str = ""
    digest: str = ""

    @property
    def data_range_suv(self) -> float:
        """The fixed data range of SSIM and PSNR, in SUV."""
        return self.image.data_range_suv

    def set_named(self, name: str) -> AnalysisSet:
        """Return the analysis set of that name."""
        return next(s for s in self.analysis_set if s.id == name)


def load_plan(path_or_text: Path | str) -> Plan:
    """Read a plan from a TOML file, or from TOML text (a string with a line break).

    Raises
    ------
    PlanError
        With one sentence: what is unknown, missing or impossible, and where.
    """
    if isinstance(path_or_text, str) and "\n" in path_or_text:
        text = path_or_text
    else:
        path = Path(path_or_text)
        if not path.is_file():
            raise PlanError(f"there is no plan file {path.name!r}")
        text = path.read_text(encoding="utf-8")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"the plan is not TOML: {error}") from error
    return _plan(table)


def default_plan() -> Plan:
    """Return the plan that ships with the package."""
    source = resources.files("evaluation") / "plans" / "nct07243873.toml"
    return load_plan(source.read_text(encoding="utf-8"))


def _plan(table: dict[str, Any]) -> Plan:
    if "digest" in table:
        raise PlanError("plan: unknown key 'digest'")
    canonical = json.dumps(table, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    plan: Plan = build(Plan, {**table, "digest": digest}, "plan")
    for check in (_check_numbers, _check_sets, _check_primary, _check_conditions, _check_tests):
        check(plan)
    return plan


def _check_numbers(plan: Plan) -> None:
    if plan.schema != 1:
        raise PlanError(f"plan: schema {plan.schema} is not known, only 1")
    if not 0.5 < plan.level < 1:
        raise PlanError(f"plan: level must lie between 0.5 and 1, not {plan.level}")
    if plan.bootstrap_replicates < 100:
        raise PlanError("plan: bootstrap_replicates must be at least 100")
    if not plan.data_range_suv > 0:
        raise PlanError("plan.image: data_range_suv must be greater than 0")


def _check_sets(plan: Plan) -> None:
    for analysis_set in plan.analysis_set:
        for column in analysis_set.requires:
            if column not in _SET_COLUMNS:
                raise PlanError(f"analysis set {analysis_set.id!r} requires unknown {column!r}")
    _refuse_repeats("analysis_set", [s.id for s in plan.analysis_set])


def _check_primary(plan: Plan) -> None:
    _refuse_repeats("primary", [p.id for p in plan.primary])
    for endpoint in plan.primary:
        if endpoint.kind not in {"similarity", "agreement"}:
            raise PlanError(f"primary {endpoint.id!r}: kind {endpoint.kind!r} is not known")
        _require_set(plan, endpoint.analysis_set, f"primary {endpoint.id!r}")


def _check_conditions(plan: Plan) -> None:
    _refuse_repeats("target_condition", [c.id for c in plan.target_condition])
    for condition in plan.target_condition:
        where = f"target condition {condition.id!r}"
        _require_set(plan, condition.analysis_set, where)
        for unit in condition.unit:
            if unit.id not in {"lesion", "station", "participant"}:
                raise PlanError(f"{where}: unit {unit.id!r} is not known")
            if unit.unmarked not in {"missing", "zero"}:
                raise PlanError(f"{where}: unmarked must be 'missing' or 'zero'")
            if not unit.region and not unit.not_estimable:
                raise PlanError(f"{where}: unit {unit.id!r} names no region")


def _check_tests(plan: Plan) -> None:
    _refuse_repeats("index_test", [t.id for t in plan.index_test])
    conditions = {c.id for c in plan.target_condition}
    for test in plan.index_test:
        where = f"index test {test.id!r}"
        if test.kind not in {"quantity", "scores"}:
            raise PlanError(f"{where}: kind {test.kind!r} is not known")
        if test.kind == "quantity" and not (test.quantity and test.image):
            raise PlanError(f"{where}: a quantity test names its image and quantity")
        _check_cutoffs(test, conditions, where)
    known = {t.id for t in plan.index_test}
    for pair in plan.comparison:
        for name in (pair.test, pair.against):
            if name not in known:
                raise PlanError(f"comparison names unknown index test {name!r}")


def _check_cutoffs(test: IndexTest, conditions: set[str], where: str) -> None:
    for name in sorted(conditions - set(test.cutoff)):
        raise PlanError(f"{where} has no locked cut-off for {name!r}")
    for name in sorted(set(test.cutoff) - conditions):
        raise PlanError(f"{where}: cut-off for unknown target condition {name!r}")
    if not all(math.isfinite(value) for value in test.cutoff.values()):
        raise PlanError(f"{where}: a cut-off is not a finite number")


def _require_set(plan: Plan, name: str, where: str) -> None:
    if name not in {s.id for s in plan.analysis_set}:
        raise PlanError(f"{where} names unknown analysis set {name!r}")


def _refuse_repeats(what: str, ids: list[str]) -> None:
    for name in ids:
        if ids.count(name) > 1:
            raise PlanError(f"{what} {name!r} appears twice")
