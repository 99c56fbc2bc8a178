-- Switching one extension costs the database two thirds of what it did, and its program one message in place of seven.
--
-- Before: an entry is written when its row changes, and found again and sealed when the transaction commits. The seal holds
--         the head of the chain until then: a session that writes and stays open must keep nobody waiting.
-- After:  where the statement is the whole transaction there is no such session. With the setting registry.seal = 'at_once'
--         an entry is written sealed, in one piece, and its row has its revision at once. registry_switch is such a
--         statement: it works as a role, says who and why, switches one extension and returns it as lists show it
--         (registry_extension), with the end of the log.
--         Checks and redaction have a short way where nothing can be refused or hidden. All else is as it was.

-- The revision that the next entry will have. Until the transaction ends nobody else gets it.
CREATE FUNCTION public.registry_take_revision() RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN (SELECT revision + 1 FROM public.registry_head FOR UPDATE);
END
$function$;

-- As in migration 0005, and a row whose entry is written sealed has its revision at once: it need not be written again.
CREATE OR REPLACE FUNCTION public.registry_stamp_extension() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    candidate public.extensions := NEW;
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.revision := 0;
        RETURN NEW;
    END IF;
    -- Only the seal, which runs as the table's owner, moves the revision.
    IF NEW.revision <> OLD.revision
       AND current_user <> (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
        NEW.revision := OLD.revision;
    END IF;
    candidate.updated_at := OLD.updated_at;
    candidate.revision := OLD.revision;
    -- *= compares the stored images: 1 and 1.0 in a configuration are different texts.
    IF candidate *= OLD THEN
        NEW.updated_at := OLD.updated_at;
    ELSE
        NEW.updated_at := clock_timestamp();
        IF current_setting('registry.seal', true) = 'at_once' THEN
            NEW.revision := public.registry_take_revision();
        END IF;
    END IF;
    RETURN NEW;
END
$function$;

-- Writes an entry as the next of the chain; row_revision is what the row has already.
CREATE FUNCTION public.registry_write_sealed(entry public.extension_audit_log, row_revision bigint) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    head public.registry_head;
BEGIN
    SELECT * INTO STRICT head FROM public.registry_head FOR UPDATE;
    head.revision := head.revision + 1;
    -- A clock that was put back must not make a later revision look older.
    head.sealed_at := greatest(clock_timestamp(), head.sealed_at);
    entry.revision := head.revision;
    entry.previous_hash := head.hash;
    entry.hash_version := 2;
    entry.sealed_at := head.sealed_at;
    head.hash := sha256(head.hash || convert_to(public.registry_entry_content(entry), 'UTF8'));
    entry.hash := head.hash;
    INSERT INTO public.extension_audit_log VALUES (entry.*);
    -- Another trigger that swallows the entry must not let the change pass.
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The audit entry could not be written'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    -- Of several rows of one statement only the first has the revision of its entry, and one that is new has none.
    IF row_revision <> entry.revision THEN
        UPDATE public.extensions SET revision = entry.revision WHERE id = entry.extension_id;
    END IF;
    UPDATE public.registry_head SET revision = head.revision, hash = head.hash, sealed_at = head.sealed_at;
    IF head.revision % 64 = 0 THEN
        PERFORM public.registry_count_entries(head.revision);
    END IF;
    -- The revision alone: who wants to know more reads the tables, which can't miss anything.
    PERFORM pg_notify('registry_changed', head.revision::text);
END
$function$;

-- As in migration 0009, and sealed at once where that is asked for.
CREATE OR REPLACE FUNCTION public.registry_audit_extension() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    -- The rows are kept as JSON: the same instant must read the same whatever the session's zone.
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
AS $function$
DECLARE
    candidate     public.extensions;
    is_switch     boolean := false;
    before_row    jsonb;
    after_row     jsonb;
    entry         public.extension_audit_log;
    claimed_actor text := nullif(current_setting('registry.actor', true), '');
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- The seal's own update of the revision is no change of the extension.
        candidate := NEW;
        candidate.revision := OLD.revision;
        IF candidate *= OLD THEN
            RETURN NULL;
        END IF;
        -- A switch is a switch only if nothing else changed with it.
        candidate.enabled := OLD.enabled;
        candidate.updated_at := OLD.updated_at;
        is_switch := candidate *= OLD AND NEW.enabled <> OLD.enabled;
    END IF;

    -- The revision is not known before the entry is sealed; the entry has it itself.
    IF TG_OP <> 'INSERT' THEN
        before_row := to_jsonb(OLD) - 'revision';
    END IF;
    IF TG_OP <> 'DELETE' THEN
        after_row := to_jsonb(NEW) - 'revision';
    END IF;

    SELECT * INTO before_row, after_row FROM public.registry_redact_rows(before_row, after_row);

    -- The login, not the current role: SECURITY DEFINER and SET ROLE change only the latter. Its own
    -- memberships, not what it can reach: a superuser counts as a member of every role.
    IF claimed_actor IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = roleid
        WHERE rolname = 'registry_rest_server'
          -- Compared as it is: a cast to regrole would read the name as an identifier.
          AND member = (SELECT oid FROM pg_roles WHERE rolname = session_user)
    ) THEN
        claimed_actor := NULL;
    END IF;

    entry.extension_id := coalesce(after_row, before_row) ->> 'id';
    entry.action := CASE
        WHEN TG_OP = 'INSERT' THEN 'created'
        WHEN TG_OP = 'DELETE' THEN 'deleted'
        WHEN is_switch THEN CASE WHEN NEW.enabled THEN 'enabled' ELSE 'disabled' END
        ELSE 'updated'
    END;
    entry.changed_by := coalesce(claimed_actor, session_user);
    entry.actor_source := CASE WHEN claimed_actor IS NULL THEN 'login' ELSE 'claimed' END;
    entry.login := session_user;
    entry.os_user := nullif(current_setting('registry.os_user', true), '');
    entry.application_name := nullif(current_setting('application_name', true), '');
    entry.client_address := inet_client_addr();
    entry.reason := nullif(current_setting('registry.reason', true), '');
    entry.request_id := nullif(current_setting('registry.request_id', true), '')::uuid;
    entry.group_id := nullif(current_setting('registry.group_id', true), '')::uuid;
    entry.restored_revision := nullif(current_setting('registry.restored_revision', true), '')::bigint;
    entry.undone_group_id := nullif(current_setting('registry.undone_group_id', true), '')::uuid;
    entry.undone_revision := nullif(current_setting('registry.undone_revision', true), '')::bigint;
    entry.before := before_row;
    entry.after := after_row;
    entry.changes := CASE
        WHEN is_switch THEN jsonb_build_object('enabled', jsonb_build_object('before', OLD.enabled, 'after', NEW.enabled))
        ELSE public.registry_changes(before_row, after_row)
    END;
    entry.timestamp := clock_timestamp();
    entry.id := nextval('public.extension_audit_log_id_seq');
    IF current_setting('registry.seal', true) = 'at_once' THEN
        PERFORM public.registry_write_sealed(entry, NEW.revision);
        RETURN NULL;
    END IF;
    INSERT INTO public.extension_audit_log VALUES (entry.*);
    -- Another trigger that swallows the entry must not let the change pass.
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The audit entry could not be written'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$function$;

-- What is written sealed needs no seal.
DROP TRIGGER extension_audit_log_seal_at_commit ON public.extension_audit_log;
CREATE CONSTRAINT TRIGGER extension_audit_log_seal_at_commit
    AFTER INSERT ON public.extension_audit_log
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.revision IS NULL) EXECUTE FUNCTION public.registry_seal_at_commit();
ALTER TABLE public.extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_seal_at_commit;

-- As in migration 0010, with a short way for changes that break no rule.
CREATE OR REPLACE FUNCTION public.registry_check_extension() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    is_new    boolean := TG_OP = 'INSERT';
    candidate public.extensions;
    missing   text;
BEGIN
    -- What a switch and the seal change has no rule of its own.
    IF NOT is_new AND NEW.enabled IS NOT NULL AND NEW.revision IS NOT NULL THEN
        candidate := NEW;
        candidate.enabled := OLD.enabled;
        candidate.revision := OLD.revision;
        IF candidate *= OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    -- Looked at here, because PostgreSQL's own refusal tells and logs the whole row, secrets and all.
    missing := CASE
        WHEN NEW.id IS NULL THEN 'id'
        WHEN NEW.type IS NULL THEN 'type'
        WHEN NEW.subject IS NULL THEN 'subject'
        WHEN NEW.timeout_ms IS NULL THEN 'timeout_ms'
        WHEN NEW.retry IS NULL THEN 'retry'
        WHEN NEW.enabled IS NULL THEN 'enabled'
        WHEN NEW.revision IS NULL THEN 'revision'
    END;
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'An extension has a value for %', missing
            USING ERRCODE = 'not_null_violation', CONSTRAINT = 'extensions_' || missing || '_present', COLUMN = missing;
    END IF;
    IF NEW.type NOT IN ('pre', 'validator', 'post', 'provider') THEN
        RAISE EXCEPTION 'The type is one of pre, validator, post and provider'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_type_check', COLUMN = 'type';
    END IF;
    -- A version from outside the rules may come back as it was.
    IF concat(current_setting('registry.restored_revision', true), current_setting('registry.undone_revision', true),
              current_setting('registry.undone_group_id', true)) <> '' THEN
        IF (is_new OR NEW.id = OLD.id AND NEW.type = OLD.type) AND public.registry_is_brought_back(NEW, OLD) THEN
            RETURN NEW;
        END IF;
    END IF;
    IF NOT is_new AND NEW.id <> OLD.id THEN
        RAISE EXCEPTION 'The id of an extension is fixed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_id_fixed', COLUMN = 'id';
    END IF;
    IF NOT is_new AND NEW.type <> OLD.type THEN
        RAISE EXCEPTION 'The type of an extension is fixed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_type_fixed', COLUMN = 'type';
    END IF;
    IF is_new AND NEW.id !~ '^[A-Za-z0-9][A-Za-z0-9_.-]*$' THEN
        RAISE EXCEPTION 'An id starts with a letter or digit and has letters, digits, _, - and . only'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_id_shape', COLUMN = 'id';
    END IF;
    -- NATS: tokens between dots, none empty; * and > are wildcards, white space ends a subject.
    IF (is_new OR NEW.subject <> OLD.subject)
       AND NEW.subject !~ '^[^[:space:][:cntrl:].*>]+(\.[^[:space:][:cntrl:].*>]+)*$' THEN
        RAISE EXCEPTION 'A subject is made of tokens between dots, without white space, * and >'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_subject_shape', COLUMN = 'subject';
    END IF;
    IF (is_new OR NEW.timeout_ms <> OLD.timeout_ms) AND NEW.timeout_ms NOT BETWEEN 1 AND 600000 THEN
        RAISE EXCEPTION 'The timeout is 1 to 600000 ms'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_timeout_range', COLUMN = 'timeout_ms';
    END IF;
    IF (is_new OR NEW.retry <> OLD.retry) AND NEW.retry NOT BETWEEN 0 AND 10 THEN
        RAISE EXCEPTION 'There are 0 to 10 retries'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_retry_range', COLUMN = 'retry';
    END IF;
    IF (is_new OR NEW.config IS DISTINCT FROM OLD.config)
       AND (NEW.config IS NULL OR jsonb_typeof(NEW.config) <> 'object') THEN
        RAISE EXCEPTION 'The configuration is a JSON object'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_config_object', COLUMN = 'config';
    END IF;
    IF (is_new OR NEW.config IS DISTINCT FROM OLD.config) AND octet_length(NEW.config::text) > 65536 THEN
        RAISE EXCEPTION 'The configuration has at most 64 KiB'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_config_size', COLUMN = 'config';
    END IF;
    IF (is_new OR NEW.metadata IS DISTINCT FROM OLD.metadata)
       AND (NEW.metadata IS NULL OR jsonb_typeof(NEW.metadata) <> 'object') THEN
        RAISE EXCEPTION 'The metadata are a JSON object'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_metadata_object', COLUMN = 'metadata';
    END IF;
    IF (is_new OR NEW.metadata IS DISTINCT FROM OLD.metadata) AND octet_length(NEW.metadata::text) > 65536 THEN
        RAISE EXCEPTION 'The metadata have at most 64 KiB'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_metadata_size', COLUMN = 'metadata';
    END IF;
    IF (is_new OR NEW.config IS DISTINCT FROM OLD.config)
       AND jsonb_path_exists(NEW.config, 'strict $.**{100 to last}') THEN
        RAISE EXCEPTION 'The configuration is nested more than 99 levels deep'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_config_depth', COLUMN = 'config';
    END IF;
    IF (is_new OR NEW.metadata IS DISTINCT FROM OLD.metadata)
       AND jsonb_path_exists(NEW.metadata, 'strict $.**{100 to last}') THEN
        RAISE EXCEPTION 'The metadata are nested more than 99 levels deep'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_metadata_depth', COLUMN = 'metadata';
    END IF;
    -- Programs count time in years of four digits; infinity is no time.
    IF (is_new OR NEW.created_at IS DISTINCT FROM OLD.created_at)
       AND NEW.created_at NOT BETWEEN '0001-01-01' AND '9999-12-31' THEN
        RAISE EXCEPTION 'created_at is a time in the years 1 to 9999'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_created_at_range', COLUMN = 'created_at';
    END IF;
    -- An update is stamped by a trigger of its own.
    IF is_new AND NEW.updated_at NOT BETWEEN '0001-01-01' AND '9999-12-31' THEN
        RAISE EXCEPTION 'updated_at is a time in the years 1 to 9999'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_updated_at_range', COLUMN = 'updated_at';
    END IF;
    RETURN NEW;
END
$function$;

-- As in migration 0009, without lists of all names: most texts hold none.
DROP FUNCTION public.registry_may_hold_secret(text, text[], text[]);
CREATE FUNCTION public.registry_may_hold_secret(json_text text, marked text[]) RETURNS boolean
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    squeezed text := lower(translate(json_text COLLATE "C", E' _-.:/"{}[],;+*#''~!?$%&()=<>|^`@\t', ''));
BEGIN
    RETURN EXISTS (SELECT FROM public.secret_names WHERE strpos(squeezed, replace(name, '_', '')) > 0)
        -- Any other character may stand between the words, and a backslash may spell any character.
        OR octet_length(json_text) <> length(json_text)
        OR strpos(json_text, '\') > 0
        -- What registry_secret_text_pattern finds besides names.
        OR strpos(json_text, '@') > 0
        OR strpos(json_text, '=') > 0
        OR strpos(lower(json_text COLLATE "C"), '"basic ') > 0
        OR marked <> '{}' AND EXISTS (SELECT FROM unnest(marked) AS name WHERE strpos(json_text, to_json(name)::text) > 0);
END
$function$;

-- As in migration 0009, with one look at all that is shown before any of it is looked at by itself.
CREATE OR REPLACE FUNCTION public.registry_redact_rows(INOUT first_row jsonb, INOUT second_row jsonb)
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    extension_id text := coalesce(second_row, first_row) ->> 'id';
    endings      text[];
    marked       text[];
    field        text;
    first_text   text;
    second_text  text;
    redacted     jsonb;
BEGIN
    -- The marks of both: an extension's own schema must not lay open what its type's schema hides.
    marked := ARRAY(
        SELECT name FROM public.secret_marks
        WHERE (scope_kind, scope_name) IN (('extension', extension_id), ('type', coalesce(second_row, first_row) ->> 'type')));
    -- What holds a secret holds it in the whole as well.
    IF NOT public.registry_may_hold_secret(
        concat(first_row ->> 'config', first_row ->> 'metadata',
               nullif(second_row ->> 'config', first_row ->> 'config'),
               nullif(second_row ->> 'metadata', first_row ->> 'metadata')),
        marked) THEN
        RETURN;
    END IF;
    SELECT array_agg('%\_' || replace(name, '_', '\_')) INTO endings FROM public.secret_names;
    FOREACH field IN ARRAY ARRAY['config', 'metadata'] LOOP
        first_text := first_row ->> field;
        second_text := second_row ->> field;
        redacted := NULL;
        IF public.registry_may_hold_secret(first_text, marked) THEN
            redacted := public.registry_redact_value(first_row -> field, extension_id, marked, endings);
            first_row := jsonb_set(first_row, ARRAY[field], redacted);
        END IF;
        IF second_text = first_text THEN
            IF redacted IS NOT NULL THEN
                second_row := jsonb_set(second_row, ARRAY[field], redacted);
            END IF;
        ELSIF public.registry_may_hold_secret(second_text, marked) THEN
            second_row := jsonb_set(second_row, ARRAY[field], public.registry_redact_value(
                second_row -> field, extension_id, marked, endings));
        END IF;
    END LOOP;
END
$function$;

-- An extension as lists show it: with its health and its last change.
CREATE FUNCTION public.registry_extension(of_extension text)
    RETURNS TABLE (
        id text, type text, subject text, timeout_ms integer, retry integer, enabled boolean, revision bigint,
        created_at timestamptz, updated_at timestamptz, health_score_percent float8, health text,
        last_action text, last_changed_by text, last_timestamp timestamptz)
    LANGUAGE sql
    STABLE
AS $function$
    SELECT extension.id, extension.type, extension.subject, extension.timeout_ms, extension.retry, extension.enabled,
           extension.revision,
           -- An infinite time, which any writer may store, is none that can be told.
           CASE WHEN isfinite(extension.created_at) THEN extension.created_at END,
           CASE WHEN isfinite(extension.updated_at) THEN extension.updated_at END,
           calls.succeeded * 100.0::float8 / nullif(calls.total, 0),
           CASE
               WHEN calls.total = 0 THEN 'no_data'
               WHEN calls.succeeded * 100.0::float8 < 90.0 * calls.total THEN 'failing'
               WHEN calls.succeeded * 100.0::float8 < 99.0 * calls.total THEN 'degraded'
               ELSE 'healthy'
           END,
           last_change.action, last_change.changed_by, last_change.timestamp
    FROM public.extensions AS extension
    LEFT JOIN public.extension_health AS health ON health.extension_id = extension.id
    CROSS JOIN LATERAL (
        SELECT coalesce(success_count, 0) AS succeeded, coalesce(success_count, 0) + coalesce(failure_count, 0) AS total
    ) AS calls
    LEFT JOIN LATERAL (
        SELECT action, changed_by, timestamp
        FROM public.extension_audit_log AS entry
        WHERE entry.extension_id = extension.id AND entry.revision IS NOT NULL
        ORDER BY entry.revision DESC
        LIMIT 1
    ) AS last_change ON true
    WHERE extension.id = of_extension
$function$;

-- Switches an extension on or off and returns it, with the end of the audit log; nothing if it is not there. It waits for
-- others for 100 ms and fails then (lock_not_available). To be called
-- as a statement of its own, which is the whole transaction; as as_role, if that is given, of which the login must be a
-- member. Nothing is done that the role may not do by itself: it runs with the caller's rights.
CREATE FUNCTION public.registry_switch(
    of_extension text, now_enabled boolean, as_role text, for_actor text, of_os_user text, for_reason text, of_request uuid)
    RETURNS TABLE (
        id text, type text, subject text, timeout_ms integer, retry integer, enabled boolean, revision bigint,
        created_at timestamptz, updated_at timestamptz, health_score_percent float8, health text,
        last_action text, last_changed_by text, last_timestamp timestamptz,
        registry_id text, head_revision bigint, head_hash bytea)
    LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
BEGIN
    IF as_role IS NOT NULL THEN
        PERFORM pg_catalog.set_config('role', as_role, true);
    END IF;
    PERFORM pg_catalog.set_config('registry.reason', coalesce(for_reason, ''), true),
            pg_catalog.set_config('registry.os_user', coalesce(of_os_user, ''), true),
            pg_catalog.set_config('registry.request_id', coalesce(of_request::text, ''), true),
            pg_catalog.set_config('registry.actor', coalesce(for_actor, ''), true),
            pg_catalog.set_config('registry.seal', 'at_once', true),
            -- Whoever gives up waiting can't take a statement back. It fails, and what takes longer is done in another way.
            pg_catalog.set_config('lock_timeout', '100ms', true);
    IF pg_catalog.concat(
        pg_catalog.current_setting('registry.group_id', true), pg_catalog.current_setting('registry.restored_revision', true),
        pg_catalog.current_setting('registry.undone_group_id', true),
        pg_catalog.current_setting('registry.undone_revision', true)) <> '' THEN
        RAISE EXCEPTION 'A switch brings nothing back: registry.group_id, registry.restored_revision, registry.undone_group_id and registry.undone_revision must be empty';
    END IF;
    -- Whoever asks again under this name, because the answer was lost, waits until it is known what became of it.
    PERFORM pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(of_request::text, 0));
    UPDATE public.extensions AS extension SET enabled = now_enabled
    WHERE extension.id = of_extension AND extension.enabled <> now_enabled;
    RETURN QUERY
        SELECT extension.*, head.registry_id::text, head.revision, head.hash
        FROM public.registry_extension(of_extension) AS extension, public.registry_head AS head;
END
$function$;

GRANT EXECUTE ON FUNCTION
    public.registry_extension(text),
    public.registry_switch(text, boolean, text, text, text, text, uuid)
    TO PUBLIC;
REVOKE ALL ON FUNCTION
    public.registry_write_sealed(public.extension_audit_log, bigint),
    public.registry_take_revision(),
    public.registry_may_hold_secret(text, text[])
    FROM PUBLIC;

DO $migration$
DECLARE
    role_name text;
BEGIN
    -- Whoever may switch: the trigger that stamps a row runs with their rights.
    FOREACH role_name IN ARRAY ARRAY['registry_operator', 'registry_editor', 'registry_legacy_writer'] LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION public.registry_take_revision() TO %I', role_name);
        END IF;
    END LOOP;
END
$migration$;

SELECT public.registry_hand_over();
