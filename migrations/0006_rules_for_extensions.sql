-- The rules that an extension must keep, for every client, each with a name that programs map to the
-- field; and a merge of JSON that two people edited.
--
-- Before: any text is an id or a subject, any number a timeout, any JSON a configuration.
-- After:  a trigger refuses a new value that breaks a rule. Rows that older writers made outside the
--         rules can still be read, switched and repaired, because only values that change are checked;
--         a CHECK constraint would refuse every update of such a row.

CREATE FUNCTION public.registry_check_extension() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    is_new boolean := TG_OP = 'INSERT';
BEGIN
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
    RETURN NEW;
END
$function$;

CREATE TRIGGER extensions_check
    BEFORE INSERT OR UPDATE ON public.extensions
    FOR EACH ROW EXECUTE FUNCTION public.registry_check_extension();
ALTER TABLE public.extensions ENABLE ALWAYS TRIGGER extensions_check;

REVOKE ALL ON FUNCTION public.registry_check_extension() FROM PUBLIC;

-- Merges two edits of the same JSON. A key that only one side changed, added or removed takes that
-- side's value, at any depth; where both did and differ, the path is a conflict and theirs stands.
-- Numbers keep their spelling, because the database compares and copies what it stores.
CREATE FUNCTION public.registry_merge_json(
    base jsonb, theirs jsonb, yours jsonb, path text, OUT merged jsonb, OUT conflicts text[])
    LANGUAGE plpgsql
    IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    key  text;
    part record;
BEGIN
    conflicts := '{}';
    IF yours::text IS NOT DISTINCT FROM base::text OR yours::text IS NOT DISTINCT FROM theirs::text THEN
        merged := theirs;
    ELSIF theirs::text IS NOT DISTINCT FROM base::text THEN
        merged := yours;
    ELSIF coalesce(jsonb_typeof(base), 'object') = 'object'
          AND jsonb_typeof(theirs) = 'object' AND jsonb_typeof(yours) = 'object' THEN
        merged := '{}';
        FOR key IN
            SELECT jsonb_object_keys(theirs) UNION SELECT jsonb_object_keys(yours) ORDER BY 1
        LOOP
            part := public.registry_merge_json(base -> key, theirs -> key, yours -> key, path || '.' || key);
            conflicts := conflicts || part.conflicts;
            -- SQL NULL is a key that is not there; a JSON null is a value.
            IF part.merged IS NOT NULL THEN
                merged := merged || jsonb_build_object(key, part.merged);
            END IF;
        END LOOP;
    ELSE
        merged := theirs;
        conflicts := ARRAY[path];
    END IF;
END
$function$;

DO $migration$
BEGIN
    IF to_regrole('registry_owner') IS NOT NULL THEN
        BEGIN
            ALTER FUNCTION public.registry_check_extension() OWNER TO registry_owner;
            ALTER FUNCTION public.registry_merge_json(jsonb, jsonb, jsonb, text) OWNER TO registry_owner;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'The functions of this migration stay with %', current_user;
        END;
    END IF;
END
$migration$;
