"""The thread of a query is append-only, by trigger: what was asked and answered stays as it was said."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER queries_querymessage_append_only BEFORE UPDATE OR DELETE ON queries_querymessage
    FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER queries_querymessage_no_truncate BEFORE TRUNCATE ON queries_querymessage
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
"""
BACKWARD = """
DROP TRIGGER queries_querymessage_append_only ON queries_querymessage;
DROP TRIGGER queries_querymessage_no_truncate ON queries_querymessage;
"""


class Migration(migrations.Migration):
    dependencies = [("queries", "0001_initial"), ("core", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
