"""The former table of body measurements is not needed any more: its rows stand on forms."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("clinical", "0005_forms_copy_baseline")]
    operations = [migrations.DeleteModel("FormerBaseline")]
