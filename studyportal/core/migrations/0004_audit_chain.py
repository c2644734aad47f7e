"""The chain of the audit trail: every event gets its place and digest when it is written, and every transaction is
sealed at its very end as one link, under a lock on the head row. docs/decisions/0011 says why it is done so.

The functions run with the rights of who owns them, so that the portal's own role needs none on the chain.
"""

from django.db import migrations

from studyportal.core.history_start import begin_history

# A record as text is the same in every session: UTC, and floats with all their digits.
STEADY = "SET timezone = 'UTC' SET extra_float_digits = 1 SET search_path FROM CURRENT"

FUNCTIONS = f"""
CREATE FUNCTION core_digest(row_kept record) RETURNS text LANGUAGE plpgsql STABLE {STEADY} AS $$
BEGIN
    RETURN encode(sha256(convert_to(to_jsonb(row_kept)::text, 'UTF8')), 'hex');
END $$;

CREATE FUNCTION core_has_reason() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(btrim(nullif(current_setting('pghistory.context_metadata', true), '')::jsonb ->> 'reason'), '') <> ''
$$;

CREATE FUNCTION core_is_redacted(kept_in text, kept_as bigint, before record, after record) RETURNS boolean
LANGUAGE plpgsql STABLE {STEADY} AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM core_redaction r WHERE r.source = kept_in AND r.event_id = kept_as
            AND r.digest_before = core_digest(before) AND r.digest_after = core_digest(after));
END $$;

-- To whom the row belongs that an act speaks of: what its own last event says.
CREATE FUNCTION core_whose(row_id text, OUT participant_id uuid, OUT site_id uuid) LANGUAGE plpgsql STABLE
SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    IF length(row_id) = 36 THEN
        SELECT e.participant_id, e.site_id INTO participant_id, site_id FROM core_trailentry e
            WHERE e.object_id = row_id AND e.label NOT IN ('act', 'move', 'redaction') ORDER BY e.id DESC LIMIT 1;
    END IF;
END $$;

CREATE FUNCTION core_keep(
    event record, kept_in text, columns text, kept_as bigint, kind text, row_id text, participant uuid, site uuid,
    person bigint
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER {STEADY} AS $$
DECLARE
    place text := current_setting('studyportal.trail_place', true);
    link_id uuid;
    place_in_link integer := 1;
    opened boolean := false;
    shape_key text := md5(columns);
BEGIN
    IF place <> '' THEN
        link_id := split_part(place, ':', 1)::uuid;
        place_in_link := split_part(place, ':', 2)::integer + 1;
        PERFORM FROM core_chainlink WHERE id = link_id AND number IS NULL;
        opened := FOUND;
    END IF;
    IF NOT opened THEN
        link_id := gen_random_uuid();
        place_in_link := 1;
    END IF;
    PERFORM FROM core_eventshape WHERE key = shape_key;
    IF NOT FOUND THEN
        INSERT INTO core_eventshape (key, columns) VALUES (shape_key, core_keep.columns) ON CONFLICT DO NOTHING;
    END IF;
    INSERT INTO core_trailentry (
        link, position, at, source, event_id, label, object_id, participant_id, site_id, user_id, shape, digest
    ) VALUES (
        link_id, place_in_link, clock_timestamp(), kept_in, kept_as, kind, row_id, participant, site, person, shape_key,
        encode(sha256(convert_to(to_jsonb(event)::text, 'UTF8')), 'hex')
    );
    PERFORM set_config('studyportal.trail_place', link_id || ':' || place_in_link, true);
    IF NOT opened THEN
        -- After the entry, so that a link which must be sealed at once holds it.
        INSERT INTO core_chainlink (
            id, opened_at, database_role, application, client, closed, entries_sha256, previous_sha256, sha256
        ) VALUES (
            link_id, clock_timestamp(),
            CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role') END,
            current_setting('application_name'), coalesce(host(inet_client_addr()), ''), false, '', '', ''
        );
    END IF;
END $$;

-- At commit, among the checks of foreign keys: no lock is taken here. The update asks for the seal once all of
-- those checks are done, so that nothing waits for a row while it holds the head.
CREATE FUNCTION core_close_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE core_chainlink SET closed = true WHERE id = NEW.id;
    RETURN NULL;
END $$;

CREATE FUNCTION core_time_text(moment timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')
$$;

CREATE FUNCTION core_seal_link() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    counted integer;
    highest integer;
    content text;
    head core_chainhead%ROWTYPE;
    moment timestamptz;
    own text;
BEGIN
    SELECT count(*), max(position), encode(sha256(convert_to(string_agg(
        concat_ws('|', position, core_time_text(at), source, event_id, label, object_id,
                  coalesce(participant_id::text, ''), coalesce(site_id::text, ''), coalesce(user_id::text, ''),
                  shape, digest),
        E'\\n' ORDER BY position), 'UTF8')), 'hex')
    INTO counted, highest, content FROM core_trailentry WHERE link = NEW.id;
    IF counted = 0 OR counted <> highest THEN
        RAISE EXCEPTION 'The audit trail of this transaction is not whole.' USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO head FROM core_chainhead WHERE id = 1 FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO core_chainhead (id, number, sha256) VALUES (1, 0, '') ON CONFLICT DO NOTHING;
        SELECT * INTO head FROM core_chainhead WHERE id = 1 FOR UPDATE;
    END IF;
    moment := clock_timestamp();
    own := encode(sha256(convert_to(concat_ws('|', head.sha256, head.number + 1, NEW.id, core_time_text(NEW.opened_at),
        core_time_text(moment), NEW.database_role, NEW.application, NEW.client, counted, content), 'UTF8')), 'hex');
    UPDATE core_chainlink SET number = head.number + 1, sealed_at = moment, entries = counted,
        entries_sha256 = content, previous_sha256 = head.sha256, sha256 = own WHERE id = NEW.id;
    UPDATE core_chainhead SET number = head.number + 1, sha256 = own WHERE id = 1;
    RETURN NULL;
END $$;

-- What the functions above may change, and nobody else.
CREATE FUNCTION core_guard_link() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.number IS NULL AND NEW.id = OLD.id THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'The table % is append-only.', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION core_guard_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.number = OLD.number + 1 AND EXISTS (
        SELECT FROM core_chainlink
        WHERE number = NEW.number AND sha256 = NEW.sha256 AND previous_sha256 = OLD.sha256
    ) THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'The head of the audit chain only follows its links.' USING ERRCODE = 'restrict_violation';
END $$;
"""

GUARDED = {
    "core_trailentry": "core_refuse_change",
    "core_eventshape": "core_refuse_change",
    "core_redaction": None,  # its rows are guarded like those of acts
    "core_chainlink": "core_guard_link",
    "core_chainhead": "core_guard_head",
}

TRIGGERS = """
CREATE CONSTRAINT TRIGGER core_chainlink_close AFTER INSERT ON core_chainlink
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core_close_link();
CREATE CONSTRAINT TRIGGER core_chainlink_seal AFTER UPDATE OF closed ON core_chainlink
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.closed AND NEW.number IS NULL)
    EXECUTE FUNCTION core_seal_link();
-- These two tables took the guard that knows redactions.
DROP TRIGGER core_auditevent_append_only ON core_auditevent;
DROP TRIGGER core_statuschange_append_only ON core_statuschange;
ALTER TABLE core_chainhead SET (fillfactor = 10);
""" + "".join(
    (f"""
CREATE TRIGGER {table}_guard BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION {guard}();""" if guard else "")
    + f"""
CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();"""
    for table, guard in GUARDED.items()
)

BACKWARD = "".join(
    (f"DROP TRIGGER {table}_guard ON {table};" if guard else "") + f"DROP TRIGGER {table}_no_truncate ON {table};"
    for table, guard in GUARDED.items()
) + """
DROP TRIGGER core_chainlink_seal ON core_chainlink;
DROP TRIGGER core_chainlink_close ON core_chainlink;
CREATE TRIGGER core_auditevent_append_only BEFORE UPDATE OR DELETE ON core_auditevent
    FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
CREATE TRIGGER core_statuschange_append_only BEFORE UPDATE OR DELETE ON core_statuschange
    FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
DROP FUNCTION core_guard_head, core_guard_link, core_seal_link, core_close_link, core_time_text, core_keep, core_whose,
    core_is_redacted, core_has_reason, core_digest;
"""


class Migration(migrations.Migration):
    dependencies = [("core", "0003_audit_events")]
    operations = [
        migrations.RunSQL(FUNCTIONS + TRIGGERS, BACKWARD),
        migrations.RunPython(begin_history("core"), migrations.RunPython.noop),
    ]
