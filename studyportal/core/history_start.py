"""For migrations: rows that are older than the audit trail of the database enter it as they stand."""

from collections.abc import Callable
from typing import Any

# ruff: noqa: S608 the statements are made of the names of our own tables
BEGIN = "begin"  # label of the event of a row that was there before


def begin_history(app_label: str) -> Callable[[Any, Any], None]:
    """Return the step of a migration after which every row of the room has a first event."""

    def run(apps: Any, editor: Any) -> None:
        for model in apps.get_app_config(app_label).get_models():
            names = {field.name for field in model._meta.concrete_fields}
            if "pgh_obj" in names:
                editor.execute(_first_events(model))
        editor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # the link is sealed; tables may change on
        editor.execute("SET CONSTRAINTS ALL DEFERRED")

    return run


def place_former_acts(_apps: Any, editor: Any) -> None:
    """Every act and move that was recorded before the chain has its place in it, in the order of recording."""
    for table, label in (("core_auditevent", "act"), ("core_statuschange", "move")):
        editor.execute(
            "SELECT core_keep(a, %s, (SELECT string_agg(k, ',' ORDER BY k COLLATE \"C\")"
            f" FROM jsonb_object_keys(to_jsonb(a)) k), a.id, %s, a.object_id::text, w.participant_id, w.site_id, a.by_id)"
            f" FROM (SELECT * FROM {table} ORDER BY id) a, LATERAL core_whose(a.object_id::text) w",
            [table, label],
        )
    editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    editor.execute("SET CONSTRAINTS ALL DEFERRED")


def _first_events(model: Any) -> str:
    tracked = model._meta.get_field("pgh_obj").remote_field.model
    columns = [
        f'"{field.column}"'
        for field in model._meta.concrete_fields
        if not field.name.startswith("pgh_")
    ]
    key = tracked._meta.pk.column
    return (
        f'INSERT INTO "{model._meta.db_table}" (pgh_created_at, pgh_label, pgh_obj_id, {", ".join(columns)}) '
        f"SELECT clock_timestamp(), '{BEGIN}', \"{key}\", {', '.join(columns)} "
        f'FROM "{tracked._meta.db_table}" ORDER BY "{key}"'
    )
