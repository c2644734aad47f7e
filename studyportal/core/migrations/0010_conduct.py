"""A transaction whose writer flushes right afterwards gives the head of the chain free before that flush, not after it.

What the writer says, and why nothing is lost by it: `studyportal.core.database.base` and docs/decisions/0011.
"""

from importlib import import_module

from django.db import migrations

_BEFORE = import_module("studyportal.core.migrations.0004_audit_chain").FUNCTIONS
_BEGIN = _BEFORE.index("CREATE FUNCTION core_seal_link()")
SEAL = _BEFORE[_BEGIN : _BEFORE.index("-- What the functions above may change")].replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
LOCK = "    SELECT * INTO head FROM core_chainhead WHERE id = 1 FOR UPDATE;\n    IF NOT FOUND"
LEAVE_THE_FLUSH = """\
    IF current_setting('studyportal.flush_follows', true) = 'on' THEN
        PERFORM set_config('synchronous_commit', 'off', true), set_config('studyportal.unflushed', 'on', false);
    END IF;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0009_pages")]
    operations = [migrations.RunSQL(SEAL.replace(LOCK, LEAVE_THE_FLUSH + LOCK), SEAL)]
