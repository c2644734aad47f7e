"""Body measurements entered before there were forms stand on baseline forms, as drafts, to the one decimal they have."""

from django.db import migrations


def copy(apps, _editor):
    """Every former baseline becomes a draft of the form, with the person and the moment it was entered."""
    form_model = apps.get_model("clinical", "Form")
    baseline_model = apps.get_model("clinical", "Baseline")
    change_model = apps.get_model("core", "StatusChange")
    for old in apps.get_model("clinical", "FormerBaseline").objects.iterator():
        form = form_model.objects.create(
            participant_id=old.participant_id,
            kind="baseline",
            status="draft",
            revision=1,
            definition="1.0",
            source="before forms",
            opened_at=old.entered_at,
            opened_by_id=old.entered_by_id,
            changed_at=old.entered_at,
            changed_by_id=old.entered_by_id,
        )
        baseline_model.objects.create(
            id=old.id,
            form=form,
            height_cm=None if old.height_cm is None else round(old.height_cm, 1),
            weight_kg=None if old.weight_kg is None else round(old.weight_kg, 1),
        )
        change_model.objects.create(
            at=old.entered_at,
            machine="form",
            object_id=form.id,
            origin="",
            target="draft",
            by_id=old.entered_by_id,
            reason="",
        )


class Migration(migrations.Migration):
    dependencies = [("clinical", "0004_forms"), ("core", "0002_append_only")]
    operations = [migrations.RunPython(copy, migrations.RunPython.noop)]
