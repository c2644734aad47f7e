"""What a locked index test is, and what becomes of numbers whose test was not locked in time."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace

from evaluation.analysis.plan import Plan
from evaluation.analysis.plan_parts import IndexTest
from evaluation.analysis.results import AnalysisResult, ResultRow


def definition_of(test: IndexTest) -> dict[str, object]:
    """Return everything a call of the test depends on, as JSON can hold it: no title, no date."""
    stated: dict[str, object] = {
        "kind": test.kind,
        "arm": test.arm,
        "image": test.image,
        "quantity": test.quantity,
        "cutoff": {name: float(value) for name, value in sorted(test.cutoff.items())},
        "reads_synthetic": test.reads_synthetic,
    }
    return stated | ({"classifier": test.sha256} if test.kind == "classifier" else {})


def definition_digest(definition: Mapping[str, object]) -> str:
    """Return the SHA-256 of a definition; the order in which it was written plays no part.

    Examples
    --------
    >>> definition_digest({"a": 1, "b": 2}) == definition_digest({"b": 2, "a": 1})
    True
    """
    canonical = json.dumps(definition, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def index_tests_behind(row: ResultRow, plan: Plan) -> frozenset[str]:
    """Return the ids of the index tests that a number rests on."""
    hypotheses = plan.multiplicity.hypothesis if plan.multiplicity else ()
    named = {h.id: h.test for h in hypotheses}
    words = named.get(row.test, row.test) if row.family == "multiplicity" else row.test
    parts = {part.partition(":")[0].strip() for part in words.split(" - ")}
    return frozenset(parts) & {test.id for test in plan.index_test}


def mark_exploratory(
    result: AnalysisResult, plan: Plan, reasons: Mapping[str, str]
) -> AnalysisResult:
    """Return the result with every number that rests on one of these tests marked exploratory.

    ``reasons`` says of each test, by its id, why it was not locked in time. Values stay as they are.
    """
    if not reasons:
        return result
    return replace(result, rows=tuple(_marked(row, plan, reasons) for row in result.rows))


def _marked(row: ResultRow, plan: Plan, reasons: Mapping[str, str]) -> ResultRow:
    late = sorted(index_tests_behind(row, plan) & set(reasons))
    if not late:
        return row
    told = " ".join(f"{name}: {reasons[name]}" for name in late)
    return replace(row, prespecified=False, exploratory=told)
