"""A signature is voided once and changed never; what was drawn stays drawn. The database holds both."""

from django.db import migrations

# Signed rows may only get their three columns of voiding, all at once, and keep them.
FORWARD = """
CREATE FUNCTION clinical_keep_signature() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.voided_at IS NULL AND NEW.voided_at IS NOT NULL
            AND to_jsonb(NEW) - '{voided_at,voided_by_id,void_reason}'::text[]
              = to_jsonb(OLD) - '{voided_at,voided_by_id,void_reason}'::text[]
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'The table % is append-only.', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END;
$$;
CREATE TRIGGER clinical_signature_kept BEFORE UPDATE OR DELETE ON clinical_signature
    FOR EACH ROW EXECUTE FUNCTION clinical_keep_signature();
CREATE TRIGGER clinical_sampledparticipant_append_only
    BEFORE UPDATE OR DELETE ON clinical_sampledparticipant
    FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
"""
BACKWARD = """
DROP TRIGGER clinical_sampledparticipant_append_only ON clinical_sampledparticipant;
DROP TRIGGER clinical_signature_kept ON clinical_signature;
DROP FUNCTION clinical_keep_signature();
"""


class Migration(migrations.Migration):
    dependencies = [("clinical", "0008_sign_signatures"), ("core", "0002_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
