"""One typed table for each form. Their columns and constraints are those of the definition, and nothing is typed twice."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.base import ModelBase

from studyportal.clinical.models.columns import columns_of, constraints_of
from studyportal.clinical.rules import FORMS
from studyportal.core.models import Identified
from studyportal.core.tracking import tracked


class RecordBase(ModelBase):
    """Gives a table the columns and constraints of the form named by `form`."""

    def __new__(
        cls,
        name: str,
        bases: tuple[type, ...],
        attributes: dict[str, Any],
        form: str = "",
        **kwargs: Any,
    ) -> RecordBase:
        """Build the class."""
        if form:
            definition = FORMS[form]
            attributes |= columns_of(definition)
            attributes["KIND"] = form
            attributes["form"] = models.ForeignKey(
                "clinical.Form",
                models.PROTECT,
                related_name=f"{form}_rows",
                help_text="Form",
            )
            attributes["Meta"] = type(
                "Meta",
                (),
                {"ordering": ("form", "unit"), "constraints": constraints_of(definition)},
            )
        return super().__new__(cls, name, bases, attributes, **kwargs)  # type: ignore[return-value]  # ModelBase.__new__ is untyped


class Record(Identified, metaclass=RecordBase):
    """A row of a form."""

    KIND = ""

    unit = models.CharField(
        max_length=20,
        blank=True,
        default="",
        help_text="Lesion, specimen or course number, nodal station, organ; empty where the form has one row",
    )
    void_reason = models.TextField(
        blank=True, default="", help_text="Why the row does not count; empty while it does"
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.KIND} {self.unit}".strip()


@tracked(participant="form__participant")
class Baseline(Record, form="baseline"):
    """The person before any examination of the study."""


@tracked(participant="form__participant")
class LesionRow(Record, form="lesions"):
    """A lesion as the clinic describes it."""


@tracked(participant="form__participant")
class SpecimenRow(Record, form="pathology"):
    """What pathology found in one specimen."""


@tracked(participant="form__participant")
class NodeRow(Record, form="nodes"):
    """One nodal station of the IASLC map that was examined."""


@tracked(participant="form__participant")
class OrganRow(Record, form="distant"):
    """One organ that was examined for distant metastasis."""


@tracked(participant="form__participant")
class Staging(Record, form="staging"):
    """TNM categories of the 9th edition and the stage groups that follow."""


@tracked(participant="form__participant")
class Conclusion(Record, form="conclusion"):
    """What a panel or a report concluded on nodes and distant metastasis."""


@tracked(participant="form__participant")
class TreatmentRow(Record, form="treatment"):
    """One course of treatment."""


@tracked(participant="form__participant")
class FollowUp(Record, form="follow_up"):
    """One contact after treatment began."""


RECORDS: dict[str, type[Record]] = {
    model.KIND: model
    for model in (
        Baseline,
        LesionRow,
        SpecimenRow,
        NodeRow,
        OrganRow,
        Staging,
        Conclusion,
        TreatmentRow,
        FollowUp,
    )
}
