"""The table of body measurements steps aside until its rows stand on the baseline form."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clinical", "0002_initial")]
    operations = [migrations.RenameModel("Baseline", "FormerBaseline")]
