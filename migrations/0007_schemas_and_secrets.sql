-- Configurations have schemas, secrets stay out of the audit log, and paths are JSON Pointers (RFC 6901).
--
-- Before: a configuration is any JSON object; whatever is written into it is copied into the audit log,
--         which keeps it for good; the paths of a conflict are keys joined by dots.
-- After:  * configuration_schemas holds a JSON Schema for a type or for one extension. Programs that
--           use the core library check configurations against it; psql does not.
--         * A secret is what a schema marks ("writeOnly": true or "format": "password") and what has a
--           name of secret_names. What is shown and kept in the audit log (migration 0008) has
--           {"$redacted": fingerprint} in its place, so that "changed" still shows. A reference (env:NAME,
--           vault:path#key) says where a secret is and is no secret itself.
--         * A redaction mark can't be stored as a configuration: the rules refuse it.
-- Entries that were sealed before hold what they held: the log is not rewritten.

CREATE TABLE public.configuration_schemas (
    extension_type varchar(50) UNIQUE CHECK (extension_type IN ('pre', 'validator', 'post', 'provider')),
    extension_id   varchar(255) UNIQUE,
    schema         jsonb NOT NULL,
    -- The names that the schema marks as secret, found by the trigger.
    secret_names   text[] NOT NULL DEFAULT '{}',
    changed_by     text NOT NULL DEFAULT session_user,
    changed_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT configuration_schemas_scope CHECK (num_nonnulls(extension_type, extension_id) = 1),
    CONSTRAINT configuration_schemas_object CHECK (jsonb_typeof(schema) = 'object'),
    CONSTRAINT configuration_schemas_size CHECK (octet_length(schema::text) <= 65536)
);

COMMENT ON TABLE public.configuration_schemas IS 'JSON Schemas of configurations; the one of an extension stands before the one of its type';
COMMENT ON COLUMN public.configuration_schemas.secret_names IS 'Names that the schema marks with writeOnly or format password, at any depth';

CREATE TABLE public.secret_names (
    name       text PRIMARY KEY,
    is_builtin boolean NOT NULL DEFAULT false,
    CONSTRAINT secret_names_shape CHECK (name ~ '^[a-z0-9]+(_[a-z0-9]+)*$' AND length(name) <= 63)
);

COMMENT ON TABLE public.secret_names IS 'Keys whose values are secrets, in snake case; a key matches that is the name or ends with _name, however it is spelled (apiKey, API-KEY)';

INSERT INTO public.secret_names (name, is_builtin) VALUES
    ('access_key', true), ('api_key', true), ('apikey', true), ('authorization', true),
    ('connection_string', true), ('credential', true), ('credentials', true), ('dsn', true),
    ('encryption_key', true), ('jwt', true), ('passphrase', true), ('passwd', true),
    ('password', true), ('private_key', true), ('pwd', true), ('secret', true),
    ('secret_key', true), ('secrets', true), ('signing_key', true), ('token', true);

-- Two independent blocks of random bits for a nested keyed hash. Without them, a fingerprint of a weak
-- secret could be found out by trying.
CREATE TABLE public.registry_fingerprint_key (
    is_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_only_row),
    inner_key   bytea NOT NULL CHECK (length(inner_key) = 64),
    outer_key   bytea NOT NULL CHECK (length(outer_key) = 64)
);

INSERT INTO public.registry_fingerprint_key (inner_key, outer_key)
SELECT keys[1], keys[2]
FROM (
    SELECT array_agg(block) AS keys
    FROM (
        -- The random bytes of a UUID, of which 122 bits are random; a block has four.
        SELECT string_agg(uuid_send(gen_random_uuid()), ''::bytea) AS block
        FROM generate_series(0, 7) AS part
        GROUP BY part / 4
    ) AS blocks
) AS both_keys;

-- The same secret of the same extension has the same fingerprint, and of another one another.
CREATE FUNCTION public.registry_fingerprint(extension_id text, secret jsonb) RETURNS text
    LANGUAGE sql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT left(encode(sha256(outer_key || sha256(inner_key || convert_to(extension_id || E'\n' || secret::text, 'UTF8'))), 'hex'), 16)
    FROM public.registry_fingerprint_key
$function$;

-- What of a value may be shown: secrets are replaced by marks, at any depth.
--   marked   names that a schema marks, compared as they are
--   pattern  matches the snake-case form of the names that are always secret
CREATE FUNCTION public.registry_redact_value(value jsonb, extension_id text, marked text[], pattern text) RETURNS jsonb
    LANGUAGE sql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE jsonb_typeof(value)
        WHEN 'object' THEN (
            SELECT coalesce(jsonb_object_agg(key, CASE
                WHEN NOT (key = ANY (marked)
                          OR lower(regexp_replace(replace(key, '-', '_'), '([a-z0-9])([A-Z])', '\1_\2', 'g')) ~ pattern)
                    THEN public.registry_redact_value(member, extension_id, marked, pattern)
                -- Nothing to hide: none, where it is kept, and what is hidden already.
                WHEN member = 'null'
                     OR jsonb_typeof(member) = 'string'
                        AND member #>> '{}' ~ '^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[^#[:space:]]+#[^[:space:]]+)$'
                     OR jsonb_typeof(member) = 'object' AND member ? '$redacted' AND member - '$redacted' = '{}'
                    THEN member
                ELSE jsonb_build_object('$redacted', public.registry_fingerprint(extension_id, member))
            END), '{}')
            FROM jsonb_each(value) AS members (key, member)
        )
        WHEN 'array' THEN (
            SELECT coalesce(jsonb_agg(public.registry_redact_value(item, extension_id, marked, pattern) ORDER BY place), '[]')
            FROM jsonb_array_elements(value) WITH ORDINALITY AS items (item, place)
        )
        ELSE value
    END
$function$;

-- A row of extensions as JSON, with its config and metadata redacted.
CREATE FUNCTION public.registry_redact_row(extension jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    names  text;
    marked text[];
    field  text;
BEGIN
    IF extension IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT string_agg(name, '|') INTO names FROM public.secret_names;
    -- The marks of both: an extension's own schema must not lay open what its type's schema hides.
    marked := ARRAY(
        SELECT unnest(secret_names)
        FROM public.configuration_schemas
        WHERE extension_id = extension ->> 'id' OR extension_type = extension ->> 'type');
    FOREACH field IN ARRAY ARRAY['config', 'metadata'] LOOP
        -- Most have nothing that even looks like a secret; finding that out is cheap.
        IF extension ->> field ~* replace(names, '_', '[_-]?')
           OR EXISTS (SELECT FROM unnest(marked) AS name WHERE strpos(extension ->> field, to_json(name)::text) > 0) THEN
            extension := jsonb_set(extension, ARRAY[field], public.registry_redact_value(
                extension -> field, extension ->> 'id', marked, '(^|_)(' || names || ')$'));
        END IF;
    END LOOP;
    RETURN extension;
END
$function$;

-- An extension as it may be shown to whoever may read it.
CREATE FUNCTION public.registry_shown_row(of_extension text) RETURNS jsonb
    LANGUAGE sql
    STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
AS $function$
    SELECT public.registry_redact_row(to_jsonb(extensions) - 'revision')
    FROM public.extensions
    WHERE id = of_extension
$function$;

-- Puts secrets back in the place of their marks, each from the same path of one of the sources. The paths
-- for which no source has the secret are returned instead.
CREATE FUNCTION public.registry_unredact(
    value jsonb, sources jsonb[], extension_id text, path text, OUT whole jsonb, OUT missing text[])
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    member record;
    part   record;
BEGIN
    missing := '{}';
    whole := value;
    IF jsonb_typeof(value) = 'object' AND value ? '$redacted' THEN
        SELECT source INTO whole
        FROM unnest(sources) AS source
        WHERE public.registry_fingerprint(extension_id, source) = value ->> '$redacted'
        LIMIT 1;
        IF whole IS NULL THEN
            missing := ARRAY[path];
        END IF;
    ELSIF jsonb_typeof(value) = 'object' AND value::text LIKE '%$redacted%' THEN
        whole := '{}';
        FOR member IN SELECT * FROM jsonb_each(value) AS members (key, item) LOOP
            part := public.registry_unredact(
                member.item,
                ARRAY(SELECT source -> member.key FROM unnest(sources) AS source WHERE source ? member.key),
                extension_id, path || '/' || replace(replace(member.key, '~', '~0'), '/', '~1'));
            missing := missing || part.missing;
            whole := whole || jsonb_build_object(member.key, part.whole);
        END LOOP;
    ELSIF jsonb_typeof(value) = 'array' AND value::text LIKE '%$redacted%' THEN
        whole := '[]';
        FOR member IN
            SELECT (place - 1)::integer AS key, item FROM jsonb_array_elements(value) WITH ORDINALITY AS items (item, place)
        LOOP
            part := public.registry_unredact(
                member.item,
                ARRAY(SELECT source -> member.key FROM unnest(sources) AS source WHERE jsonb_typeof(source) = 'array' AND source -> member.key IS NOT NULL),
                extension_id, path || '/' || member.key);
            missing := missing || part.missing;
            whole := whole || jsonb_build_array(part.whole);
        END LOOP;
    END IF;
END
$function$;

-- The names that a schema marks as secret: a property that is marked itself, in one of its alternatives,
-- in its items or in all of its members, or by the definition that it refers to.
CREATE FUNCTION public.registry_stamp_configuration_schema() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    definition_marks text[];
    property         record;
    part             jsonb;
    found            text[] := '{}';
    understood       integer;
    marks            integer;
BEGIN
    NEW.changed_by := session_user;
    NEW.changed_at := clock_timestamp();
    SELECT coalesce(array_agg('#/' || container || '/' || name), '{}') INTO definition_marks
    FROM unnest(ARRAY['$defs', 'definitions']) AS container,
         jsonb_each(CASE jsonb_typeof(NEW.schema -> container) WHEN 'object' THEN NEW.schema -> container ELSE '{}' END) AS definitions (name, definition)
    WHERE definition -> 'writeOnly' = 'true' OR definition -> 'format' = '"password"';
    understood := cardinality(definition_marks);
    FOR property IN
        SELECT member ->> 'key' AS name, member -> 'value' AS definition
        FROM jsonb_path_query(
            NEW.schema,
            'strict $.** ? (@.type() == "object" && exists (@.properties)).properties ? (@.type() == "object").keyvalue() ? (@.value.type() == "object")'
        ) AS member
    LOOP
        FOR part IN
            SELECT property.definition
            UNION ALL SELECT jsonb_path_query(property.definition, 'lax $.anyOf[*]')
            UNION ALL SELECT jsonb_path_query(property.definition, 'lax $.oneOf[*]')
            UNION ALL SELECT jsonb_path_query(property.definition, 'lax $.allOf[*]')
            UNION ALL SELECT jsonb_path_query(property.definition, 'strict $.items', silent => true)
            UNION ALL SELECT jsonb_path_query(property.definition, 'strict $.additionalProperties', silent => true)
        LOOP
            IF part -> 'writeOnly' = 'true' OR part -> 'format' = '"password"' THEN
                found := found || property.name;
                understood := understood + 1;
            ELSIF part ->> '$ref' = ANY (definition_marks) THEN
                found := found || property.name;
            END IF;
        END LOOP;
    END LOOP;
    NEW.secret_names := ARRAY(SELECT DISTINCT name FROM unnest(found) AS name ORDER BY name);
    -- A mark that is not understood would be a secret in the log.
    SELECT count(*) INTO marks
    FROM jsonb_path_query(NEW.schema, 'strict $.** ? (@.type() == "object" && (@.writeOnly == true || @.format == "password"))');
    IF marks > understood THEN
        RAISE EXCEPTION 'The schema marks a secret that is no named property'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'configuration_schemas_secret_mark', COLUMN = 'schema';
    END IF;
    RETURN NEW;
END
$function$;

CREATE TRIGGER configuration_schemas_stamp
    BEFORE INSERT OR UPDATE ON public.configuration_schemas
    FOR EACH ROW EXECUTE FUNCTION public.registry_stamp_configuration_schema();
ALTER TABLE public.configuration_schemas ENABLE ALWAYS TRIGGER configuration_schemas_stamp;

CREATE FUNCTION public.registry_keep_secret_names() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.is_builtin := false;
        RETURN NEW;
    END IF;
    IF OLD.is_builtin THEN
        RAISE EXCEPTION 'The name % is always secret', OLD.name
            USING ERRCODE = 'check_violation', CONSTRAINT = 'secret_names_builtin', COLUMN = 'name';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$function$;

CREATE TRIGGER secret_names_keep
    BEFORE INSERT OR UPDATE OR DELETE ON public.secret_names
    FOR EACH ROW EXECUTE FUNCTION public.registry_keep_secret_names();
ALTER TABLE public.secret_names ENABLE ALWAYS TRIGGER secret_names_keep;

-- A mark says that something was hidden; stored, it would be taken for the secret.
CREATE FUNCTION public.registry_check_marks() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF (TG_OP = 'INSERT' OR NEW.config IS DISTINCT FROM OLD.config)
       AND jsonb_path_exists(NEW.config, 'strict $.** ? (exists (@."$redacted"))') THEN
        RAISE EXCEPTION 'The configuration holds a redaction mark in place of a secret'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_config_mark', COLUMN = 'config';
    END IF;
    IF (TG_OP = 'INSERT' OR NEW.metadata IS DISTINCT FROM OLD.metadata)
       AND jsonb_path_exists(NEW.metadata, 'strict $.** ? (exists (@."$redacted"))') THEN
        RAISE EXCEPTION 'The metadata hold a redaction mark in place of a secret'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'extensions_metadata_mark', COLUMN = 'metadata';
    END IF;
    RETURN NEW;
END
$function$;

CREATE TRIGGER extensions_check_marks
    BEFORE INSERT OR UPDATE ON public.extensions
    FOR EACH ROW EXECUTE FUNCTION public.registry_check_marks();
ALTER TABLE public.extensions ENABLE ALWAYS TRIGGER extensions_check_marks;

-- As in migration 0006, with paths as JSON Pointers.
CREATE OR REPLACE FUNCTION public.registry_merge_json(
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
          AND jsonb_typeof(theirs) = 'object' AND jsonb_typeof(yours) = 'object'
          AND NOT (theirs ? '$redacted' OR yours ? '$redacted') THEN
        merged := '{}';
        FOR key IN
            SELECT jsonb_object_keys(theirs) UNION SELECT jsonb_object_keys(yours) ORDER BY 1
        LOOP
            part := public.registry_merge_json(
                base -> key, theirs -> key, yours -> key,
                path || '/' || replace(replace(key, '~', '~0'), '/', '~1'));
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

-- Merges an edit with what others changed since. All that is compared and told is redacted; only
-- what is to be written is whole.
--   seen_revision  the revision of the extension that the editor saw
--   patch          the fields to change, with marks where a secret was shown and left alone
--   merged         the row to write; NULL if there is no such extension or revision
--   conflicts      paths that both changed, each to something else
--   missing        paths of marks whose secret is not known any more
CREATE FUNCTION public.registry_merge_edit(
    of_extension text, seen_revision bigint, patch jsonb,
    OUT merged jsonb, OUT conflicts text[], OUT missing text[], OUT theirs jsonb, OUT yours jsonb)
    LANGUAGE plpgsql
    STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
AS $function$
DECLARE
    times constant text[] := '{created_at,updated_at}';
    current_row    jsonb;
    current_shown  jsonb;
    base           jsonb;
    yours_whole    jsonb;
    yours_shown    jsonb;
    merge          record;
    unredacted     record;
    revision_now   bigint;
BEGIN
    SELECT to_jsonb(extensions) - 'revision' - times, revision INTO current_row, revision_now
    FROM public.extensions WHERE id = of_extension;
    IF current_row IS NULL OR seen_revision < 0 OR seen_revision > revision_now THEN
        RETURN;
    END IF;
    current_shown := public.registry_redact_row(current_row);
    -- The row at a revision is what the next change found. Entries of older programs hold no rows.
    SELECT before - times INTO base
    FROM public.extension_audit_log
    WHERE extension_id = of_extension AND revision > seen_revision AND actor_source <> 'legacy'
    ORDER BY revision
    LIMIT 1;
    IF NOT FOUND THEN
        base := current_shown;
    ELSIF base IS NULL THEN
        -- The next change created it: at that revision there was none.
        RETURN;
    END IF;
    yours_whole := base || patch;
    yours_shown := public.registry_redact_row(yours_whole);
    merge := public.registry_merge_json(base, current_shown, yours_shown, '');
    unredacted := public.registry_unredact(merge.merged, ARRAY[current_row, yours_whole], of_extension, '');
    merged := unredacted.whole;
    missing := unredacted.missing;
    conflicts := merge.conflicts;
    theirs := public.registry_changes(base, current_shown);
    yours := public.registry_changes(base, yours_shown);
END
$function$;

-- Puts the current secrets into an earlier version of an extension.
CREATE FUNCTION public.registry_restorable(
    of_extension text, version jsonb, given jsonb, OUT whole jsonb, OUT missing text[])
    LANGUAGE plpgsql
    STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    unredacted record;
    current_row jsonb := (SELECT to_jsonb(extensions) FROM public.extensions WHERE id = of_extension);
    secret record;
    keys   text[];
BEGIN
    -- Secrets that the caller gives, by the path of their marks.
    FOR secret IN SELECT * FROM jsonb_each(given) AS secrets (path, secret) LOOP
        keys := ARRAY(
            SELECT replace(replace(token, '~1', '/'), '~0', '~')
            FROM regexp_split_to_table(substr(secret.path, 2), '/') WITH ORDINALITY AS tokens (token, place)
            ORDER BY place);
        -- Nothing but marks is replaced.
        IF (version #> keys) ? '$redacted' THEN
            version := jsonb_set(version, keys, secret.secret, false);
        END IF;
    END LOOP;
    unredacted := public.registry_unredact(version, ARRAY[current_row], of_extension, '');
    whole := unredacted.whole;
    missing := unredacted.missing;
END
$function$;

REVOKE ALL ON FUNCTION
    public.registry_fingerprint(text, jsonb),
    public.registry_redact_value(jsonb, text, text[], text),
    public.registry_redact_row(jsonb),
    public.registry_shown_row(text),
    public.registry_unredact(jsonb, jsonb[], text, text),
    public.registry_stamp_configuration_schema(),
    public.registry_keep_secret_names(),
    public.registry_check_marks(),
    public.registry_merge_edit(text, bigint, jsonb),
    public.registry_restorable(text, jsonb, jsonb)
    FROM PUBLIC;

-- The schemas of the six standard extensions.
INSERT INTO public.configuration_schemas (extension_id, schema) VALUES
    ('mock_provider', '{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Mock provider",
        "type": "object",
        "properties": {
            "mode": {"type": "string", "title": "Mode", "description": "What it answers with: echo sends the message back.", "examples": ["echo"]},
            "latency_ms": {"type": "integer", "title": "Latency", "description": "How long it waits before it answers, in milliseconds.", "minimum": 0, "maximum": 600000}
        }
    }'),
    ('openai_gpt4', '{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Language model",
        "type": "object",
        "properties": {
            "model": {"type": "string", "title": "Model", "description": "The name of the model as its provider spells it.", "minLength": 1},
            "max_tokens": {"type": "integer", "title": "Longest answer", "description": "In tokens.", "minimum": 1},
            "temperature": {"type": "number", "title": "Temperature", "minimum": 0, "maximum": 2},
            "api_key": {"type": "string", "title": "API key", "description": "Better a reference: env:NAME or vault:path#key.", "writeOnly": true}
        },
        "required": ["model"]
    }'),
    ('anthropic_claude', '{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Language model",
        "type": "object",
        "properties": {
            "model": {"type": "string", "title": "Model", "description": "The name of the model as its provider spells it.", "minLength": 1},
            "max_tokens": {"type": "integer", "title": "Longest answer", "description": "In tokens.", "minimum": 1},
            "temperature": {"type": "number", "title": "Temperature", "minimum": 0, "maximum": 1},
            "api_key": {"type": "string", "title": "API key", "description": "Better a reference: env:NAME or vault:path#key.", "writeOnly": true}
        },
        "required": ["model"]
    }'),
    ('normalize_text', '{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Text normalisation",
        "type": "object",
        "properties": {
            "lowercase": {"type": "boolean", "title": "Lower case"},
            "trim_whitespace": {"type": "boolean", "title": "Trim white space"}
        }
    }'),
    ('pii_guard', '{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Guard of personal data",
        "type": "object",
        "properties": {
            "patterns": {"type": "array", "title": "Patterns", "description": "What it looks for.", "items": {"type": "string", "minLength": 1}, "uniqueItems": true},
            "block_on_match": {"type": "boolean", "title": "Block on a match"}
        }
    }'),
    ('mask_sensitive_data', '{
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Masking of sensitive data",
        "type": "object",
        "properties": {
            "mask_patterns": {"type": "array", "title": "Patterns", "description": "What it masks.", "items": {"type": "string", "minLength": 1}, "uniqueItems": true}
        }
    }');

DO $migration$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['registry_viewer', 'registry_operator', 'registry_editor', 'registry_legacy_writer']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON public.configuration_schemas, public.secret_names TO %I', role_name);
            EXECUTE format('GRANT EXECUTE ON FUNCTION public.registry_shown_row(text) TO %I', role_name);
        END IF;
    END LOOP;

    IF to_regrole('registry_editor') IS NOT NULL THEN
        GRANT INSERT, UPDATE, DELETE ON public.configuration_schemas TO registry_editor;
        GRANT INSERT, DELETE ON public.secret_names TO registry_editor;
        GRANT EXECUTE ON FUNCTION
            public.registry_merge_edit(text, bigint, jsonb),
            public.registry_restorable(text, jsonb, jsonb)
            TO registry_editor;
    END IF;

    IF to_regrole('registry_owner') IS NOT NULL THEN
        BEGIN
            ALTER TABLE public.configuration_schemas OWNER TO registry_owner;
            ALTER TABLE public.secret_names OWNER TO registry_owner;
            ALTER TABLE public.registry_fingerprint_key OWNER TO registry_owner;
            ALTER FUNCTION public.registry_fingerprint(text, jsonb) OWNER TO registry_owner;
            ALTER FUNCTION public.registry_redact_value(jsonb, text, text[], text) OWNER TO registry_owner;
            ALTER FUNCTION public.registry_redact_row(jsonb) OWNER TO registry_owner;
            ALTER FUNCTION public.registry_shown_row(text) OWNER TO registry_owner;
            ALTER FUNCTION public.registry_unredact(jsonb, jsonb[], text, text) OWNER TO registry_owner;
            ALTER FUNCTION public.registry_stamp_configuration_schema() OWNER TO registry_owner;
            ALTER FUNCTION public.registry_keep_secret_names() OWNER TO registry_owner;
            ALTER FUNCTION public.registry_check_marks() OWNER TO registry_owner;
            ALTER FUNCTION public.registry_merge_edit(text, bigint, jsonb) OWNER TO registry_owner;
            ALTER FUNCTION public.registry_restorable(text, jsonb, jsonb) OWNER TO registry_owner;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'The objects of this migration stay with %', current_user;
        END;
    END IF;
END
$migration$;
