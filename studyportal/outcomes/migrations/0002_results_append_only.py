"""Result rows are never changed: a later run adds its own and supersedes the earlier run."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER outcomes_resultrow_append_only BEFORE UPDATE OR DELETE ON outcomes_resultrow
    FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER outcomes_resultrow_no_truncate BEFORE TRUNCATE ON outcomes_resultrow
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
"""
BACKWARD = """
DROP TRIGGER outcomes_resultrow_append_only ON outcomes_resultrow;
DROP TRIGGER outcomes_resultrow_no_truncate ON outcomes_resultrow;
"""


class Migration(migrations.Migration):
    dependencies = [("outcomes", "0001_initial"), ("core", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
