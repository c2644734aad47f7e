import django.contrib.postgres.indexes
import django.db.models.expressions
import studyportal.core.searching
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0004_zh_bigrams'),
        ('queries', '0002_queries_append_only'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='querymessage',
            index=django.contrib.postgres.indexes.GinIndex(studyportal.core.searching.Bigrams(django.db.models.expressions.F('text')), name='query_message_bigrams'),
        ),
    ]
