from uuid import uuid4

from django.db import migrations, models

REASON = "Named by the first data cut, which was frozen before releases were named as primary."


def name_the_release_of_the_first_cut(apps, schema_editor):
    """Of each protocol version the first frozen cut says which release was primary; cuts with others are exploratory."""
    DataCut = apps.get_model("outcomes", "DataCut")
    PrimaryRelease = apps.get_model("syntheses", "PrimaryRelease")
    history = apps.get_model("core", "StatusChange")
    first = {}
    for cut in DataCut.objects.exclude(frozen_at=None).order_by("frozen_at"):
        named = first.setdefault(cut.protocol_version_id, cut)
        if cut.release_id != named.release_id:
            DataCut.objects.filter(pk=cut.pk).update(role="exploratory")
    for version, cut in first.items():
        row = PrimaryRelease.objects.create(
            id=uuid4(), protocol_version_id=version, release_id=cut.release_id, seed=0, status="sealed",
            named_because=REASON, named_at=cut.frozen_at, named_by_id=cut.frozen_by_id,
        )
        history.objects.create(
            at=cut.frozen_at, machine="primary release", object_id=row.pk, origin="", target="sealed",
            by_id=cut.frozen_by_id, reason=REASON,
        )


class Migration(migrations.Migration):

    dependencies = [
        ('outcomes', '0003_result_analysis'),
        ('syntheses', '0002_primary_release'),
    ]

    operations = [
        migrations.AddField(
            model_name='datacut',
            name='role',
            field=models.CharField(choices=[('primary', 'primary'), ('exploratory', 'exploratory')], default='primary', help_text='Whether it belongs to the primary analysis or is exploratory', max_length=12),
        ),
        migrations.RunPython(name_the_release_of_the_first_cut, migrations.RunPython.noop),
    ]
