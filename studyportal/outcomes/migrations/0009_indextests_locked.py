"""A locked index test is never changed nor removed, whoever asks the database."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER outcomes_indextest_locked BEFORE UPDATE OR DELETE ON outcomes_indextest
    FOR EACH ROW WHEN (OLD.locked_at IS NOT NULL) EXECUTE FUNCTION core_refuse_change();
"""
BACKWARD = "DROP TRIGGER outcomes_indextest_locked ON outcomes_indextest;"


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0008_indextests"), ("core", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
