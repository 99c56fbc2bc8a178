-- Rules for what slipped through.
--
-- Before: * a row without a value that it must have is refused by PostgreSQL itself, which tells and logs
--           the whole row with its secrets;
--         * a time may be infinite or before our era, and JSON as deep as the stack holds;
--         * a version from before the rules can't be brought back where it breaks one.
-- After:  each is a rule with a name; what once was may be again.

-- Whether all that a change makes of a row is what the entry that it brings back holds.
CREATE FUNCTION public.registry_is_brought_back(new_version public.extensions, old_version public.extensions) RETURNS boolean
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
AS $function$
DECLARE
    ignored  constant text[] := '{revision,updated_at}';
    old_row  jsonb := CASE WHEN old_version.id IS NOT NULL THEN to_jsonb(old_version) - ignored END;
    new_row  jsonb := to_jsonb(new_version) - ignored;
    restored bigint := nullif(current_setting('registry.restored_revision', true), '')::bigint;
    undone   bigint := nullif(current_setting('registry.undone_revision', true), '')::bigint;
    grouped  uuid   := nullif(current_setting('registry.undone_group_id', true), '')::uuid;
BEGIN
    SELECT first_row, second_row INTO old_row, new_row
    FROM public.registry_redact_rows(old_row, new_row);
    RETURN EXISTS (
        SELECT
        FROM public.extension_audit_log AS entry,
             LATERAL public.registry_redact_rows(entry.before, entry.after) AS shown
        WHERE entry.extension_id = new_row ->> 'id'
          AND entry.actor_source <> 'legacy'
          AND (entry.revision IN (restored, undone) OR entry.group_id = grouped)
          AND NOT EXISTS (
              SELECT FROM jsonb_each(new_row) AS present (field, value)
              WHERE (old_row -> field)::text IS DISTINCT FROM value::text
                AND (CASE WHEN restored IS NULL THEN shown.first_row ELSE shown.second_row END -> field)::text
                    IS DISTINCT FROM value::text));
END
$function$;

CREATE OR REPLACE FUNCTION public.registry_check_extension() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    is_new  boolean := TG_OP = 'INSERT';
    missing text;
BEGIN
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

REVOKE ALL ON FUNCTION public.registry_is_brought_back(public.extensions, public.extensions) FROM PUBLIC;
