import django.contrib.postgres.indexes
import django.db.models.expressions
import studyportal.core.searching
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0006_zh_bigrams'),
        ('queries', '0003_audit_events'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='querymessage',
            index=django.contrib.postgres.indexes.GinIndex(studyportal.core.searching.Bigrams(django.db.models.expressions.F('text')), name='query_message_bigrams'),
        ),
    ]
