"""Classifiers: trained on a development set, kept by digest, and never let near whom they were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd
from django.db import transaction

from evaluation.analysis import Plan, Tables
from evaluation.analysis.locking import definition_digest, definition_of
from evaluation.analysis.plan_parts import IndexTest as Stated
from evaluation.classifiers import (
    Classifier,
    Development,
    Judged,
    TrainingError,
    from_json,
    scores_of,
    to_json,
    train,
)
from studyportal.core import clock
from studyportal.core.errors import Reason, Refused
from studyportal.core.models import User
from studyportal.core.services import record
from studyportal.core.storage import read_bytes, store_bytes
from studyportal.outcomes.models import CutPair, DataCut, IndexTest
from studyportal.outcomes.services.tables import tables_of
from studyportal.outcomes.states import CutStatus, IndexTestKind
from studyportal.sites.rules import Action
from studyportal.sites.services import require
from studyportal.syntheses.states import AnalysisRole

if TYPE_CHECKING:
    from evaluation.statistics import Estimate


@dataclass(frozen=True)
class Recipe:
    """What to train: `features` is ct or ct_spet, `kind` logistic or forest."""

    code: str
    title: str
    judged: Judged
    features: str
    kind: str = "logistic"
    seed: int = 0


@transaction.atomic
def train_classifier(
    *, cut: DataCut, recipe: Recipe, participants: Sequence[str], by: User
) -> IndexTest:
    """A classifier is registered, not locked yet, that these participants of the cut developed.

    Raises
    ------
    Refused
        When the cut is open or unmeasured, a participant is not in it or belongs to a primary cut and so
        to the evaluation, or the development set cannot train it.
    """
    require(by, Action.RUN_EVALUATION)
    _refuse_unmeasured(cut)
    tables = tables_of(cut)
    _refuse_evaluated(tables, participants)
    try:
        found = train(
            tables.measurements, tables.reference_standard, recipe.judged,
            features=recipe.features, participants=participants, kind=recipe.kind, seed=recipe.seed,
        )  # fmt: skip
    except TrainingError as error:
        raise Refused(Reason("classifier_training", f"{error}.", "participants")) from error
    row = _register(recipe, found)
    record(
        "train_classifier",
        row,
        f"Classifier {row.code} ({row.classifier_sha256[:12]}…) was trained on {found.participants} "
        f"participants of “{cut.name}”.",
        by=by,
    )
    return row


def development_of(plan: Plan) -> dict[str, str]:
    """Participants who developed a classifier of the plan, each with the sentence why a cut leaves them out."""
    return {
        code: f"Developed the classifier {stated.id}; it cannot judge this participant."
        for stated, classifier in _classifiers(plan)
        for code in classifier.development
    }


def with_classifiers(plan: Plan, tables: Tables) -> Tables:
    """The tables with the scores of every classifier of the plan.

    Raises
    ------
    LeakError
        When one of the participants developed one of the classifiers.
    """
    scores = [
        scores_of(classifier, tables, test=stated.id, arm=stated.arm)
        for stated, classifier in _classifiers(plan)
    ]
    if not scores:
        return tables
    return replace(
        tables, index_scores=pd.concat([tables.index_scores, *scores], ignore_index=True)
    )


def _classifiers(plan: Plan) -> list[tuple[Stated, Classifier]]:
    return [
        (stated, from_json(read_bytes(stated.sha256).decode()))
        for stated in plan.index_test
        if stated.kind == "classifier"
    ]


def _refuse_unmeasured(cut: DataCut) -> None:
    if cut.status == CutStatus.OPEN or CutPair.objects.filter(cut=cut, measured_at=None).exists():
        sentence = "Every pair of the data cut must be measured before a classifier is trained."
        raise Refused(Reason("cut_unmeasured", sentence))


def _refuse_evaluated(tables: Tables, participants: Sequence[str]) -> None:
    unknown = sorted(set(participants) - set(tables.participants["participant"]))
    if unknown:
        sentence = f"{unknown[0]} is not in this data cut."
        raise Refused(Reason("development_unknown", sentence, "participants"))
    primary = CutPair.objects.filter(
        cut__role=AnalysisRole.PRIMARY, pair__participant__code__in=participants
    )
    codes = sorted(set(primary.values_list("pair__participant__code", flat=True)))
    if codes:
        sentence = (
            f"{len(codes)} of these participants, among them {codes[0]}, belong to a primary data cut: "
            "a classifier may not learn from whom it will judge."
        )
        raise Refused(Reason("development_evaluated", sentence, "participants"))


def _register(recipe: Recipe, found: Development) -> IndexTest:
    stored = store_bytes(to_json(found.classifier).encode())
    definition = definition_of(
        Stated(recipe.code, recipe.title, "classifier", recipe.features, {}, sha256=stored.sha256)
    )
    row, created = IndexTest.objects.get_or_create(
        code=recipe.code,
        digest=definition_digest(definition),
        defaults={
            "kind": IndexTestKind.CLASSIFIER,
            "title": recipe.title,
            "definition": definition,
            "classifier_sha256": stored.sha256,
            "performance": _performance(found),
            "registered_at": clock.now(),
        },
    )
    if not created:
        sentence = f"The classifier {recipe.code} is registered already with these very numbers."
        raise Refused(Reason("registered_already", sentence, "code"))
    return row


def _performance(found: Development) -> dict[str, object]:
    return {
        "participants": found.participants,
        "units": found.units,
        "left_out": found.left_out,
        "auc_by_participant": _figures(found.by_participant),
        "auc_by_site": _figures(found.by_site) if found.by_site else None,
    }


def _figures(area: Estimate) -> dict[str, object]:
    return {
        "value": area.value, "lower": area.lower, "upper": area.upper, "n": area.n,
        "reason": area.reason,
    }  # fmt: skip
