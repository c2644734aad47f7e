"""Operations for migrations of tables of events, which nothing points to.

Those that `makemigrations` writes render every related model anew, for each table and each trigger: half a minute for
all rooms, in every test run. `manage.py quicken_migration` puts these in their place.
"""

from typing import Any

import pgtrigger.migrations
from django.db import migrations
from django.db.migrations.state import ModelState


class CreateEvents(migrations.CreateModel):
    """Creates a table of events; models that it points to need not know."""

    def state_forwards(self, app_label: str, state: Any) -> None:
        made = ModelState(
            app_label,
            self.name,
            list(self.fields),
            dict(self.options),
            self.bases,
            list(self.managers or []),
        )
        key = (made.app_label, made.name_lower)
        state.models[key] = made
        if state._relations is not None:
            state.resolve_model_relations(key)
        if "apps" in state.__dict__:
            state.apps.render_multiple([made])


class AddTrigger(pgtrigger.migrations.AddTrigger):
    """Adds a trigger; the model itself stays as it is."""

    trigger: Any

    def state_forwards(self, app_label: str, state: Any) -> None:
        options = state.models[app_label, self.model_name].options
        options["triggers"] = [*options.get("triggers", []), self.trigger]

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        schema_editor.execute(self.trigger.install_sql, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        schema_editor.execute(self.trigger.uninstall_sql, params=None)
