"""Rows that the database itself keeps as they are, once a condition holds."""

from collections.abc import Callable
from typing import Any, TypeVar

import pgtrigger
from django.db import models

from studyportal.core.tracking import _Firm

Model = TypeVar("Model", bound=type[models.Model])


class _Unchanging(_Firm):
    """A row is neither changed nor taken away where the condition holds of what it was."""

    when = pgtrigger.Before

    def __init__(self, *, condition: str, operation: Any, name: str) -> None:
        self.held = condition
        super().__init__(name=name, operation=operation)

    def get_func(self, model: Any) -> str:
        return (
            "RAISE EXCEPTION 'A row of % is kept as it is.', TG_TABLE_NAME "
            "USING ERRCODE = 'restrict_violation';"
        )

    def render_condition(self, model: Any) -> str:
        return f"WHEN ({self.held})" if self.held else ""


def unchanging(condition: str = "") -> Callable[[Model], Model]:
    """A row of this model is never changed or removed where the SQL on OLD holds; without one, never at all."""

    def decorate(model: Model) -> Model:
        pgtrigger.register(
            _Unchanging(condition=condition, operation=pgtrigger.Update, name="kept_as_it_is"),
            _Unchanging(condition=condition, operation=pgtrigger.Delete, name="never_removed"),
        )(model)
        return model

    return decorate
