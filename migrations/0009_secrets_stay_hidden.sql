-- What was secret once stays hidden, however it is spelled and wherever a schema marks it.
--
-- Before: * marks of a schema are found through one reference and one level of items; others pass unseen;
--         * a mark or a name that is taken away lays the stored secret open in the next audit entry;
--         * DBPassword, client.secret, {"name": "Authorization", "value": …} and a password inside a URL
--           are not taken for secrets;
--         * schemas and names keep who changed them last, and nothing older.
-- After:  * the whole schema is followed, through chains of references; what can't be followed is refused;
--         * secret_marks keeps every name that a schema ever marked; only the owner may take one away, or
--           a name from secret_names;
--         * names are compared word by word, and texts that carry a secret are hidden as a whole;
--         * settings_audit_log has each change of a schema or a name.
-- What the audit log held before is not rewritten: change a secret that got into it.

-- Names -----------------------------------------------------------------------------------------------

-- The inserting trigger marks names as added by a person; these are built in.
ALTER TABLE public.secret_names DISABLE TRIGGER secret_names_keep;
INSERT INTO public.secret_names (name, is_builtin) VALUES
    ('access_keys', true), ('access_tokens', true), ('api_keys', true), ('api_tokens', true),
    ('apikeys', true), ('auth_tokens', true), ('basic_auth', true), ('bearer', true),
    ('bearer_tokens', true), ('connection_strings', true), ('cookie', true), ('creds', true),
    ('encryption_keys', true), ('hmac_key', true), ('kubeconfig', true), ('master_key', true),
    ('pass', true), ('pass_phrase', true), ('pass_word', true), ('passcode', true),
    ('passphrases', true), ('passwords', true), ('private_keys', true), ('refresh_tokens', true),
    ('secret_keys', true), ('service_account_key', true), ('session_key', true), ('shared_key', true),
    ('signing_keys', true), ('ssh_key', true), ('tls_key', true)
ON CONFLICT (name) DO UPDATE SET is_builtin = true;
ALTER TABLE public.secret_names ENABLE ALWAYS TRIGGER secret_names_keep;

COMMENT ON TABLE public.secret_names IS 'Keys whose values are secrets, in snake case; a key matches that is the name or ends with _name, with a number or _hash, _value, _base64, _pem after it, however it is spelled (apiKey, API-KEY, api.key2)';

-- The functions below are in PL/pgSQL where one in SQL would do, because PostgreSQL parses and plans a SQL
-- function again at each call from a trigger, which takes longer than what it does.

-- Whether a key is the name of a secret.
--   endings  LIKE patterns of the words that a name of a secret ends with: %\_api\_key
CREATE FUNCTION public.registry_is_secret_name(key text, endings text[]) RETURNS boolean
    LANGUAGE plpgsql
    IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- DBPassword, db-password, "db password" -> _db_password. The collation, because a Turkish I is none of ours.
    words text COLLATE "C" := lower('_' || regexp_replace(
        regexp_replace(
            regexp_replace(key COLLATE "C", '[^A-Za-z0-9]+', '_', 'g'),
            '([A-Z]+)([A-Z][a-z])', '\1_\2', 'g'),
        '([a-z0-9])([A-Z])', '\1_\2', 'g'));
BEGIN
    RETURN words LIKE ANY (endings)
        OR regexp_replace(words, '_?[0-9]*(_(hash|value|base64|pem))?$', '') LIKE ANY (endings);
END
$function$;

-- Texts that carry a secret whatever their key: credentials in a URL or a connection string, the value of
-- an Authorization header, a private key in PEM.
CREATE FUNCTION public.registry_secret_text_pattern() RETURNS text
    LANGUAGE sql
    IMMUTABLE
AS $function$
    SELECT '://[^/?#[:space:]@]*:[^/?#[:space:]@]+@'
        || '|(^|[^a-z0-9])(password|passwd|pwd|secret|token|api_?key|access_?key)=[^&;[:space:]]'
        || '|^(bearer|basic) +[a-z0-9._~+/=-]{8,}$'
        || '|-----BEGIN [A-Z ]*PRIVATE KEY-----'
$function$;

-- Marks of schemas ------------------------------------------------------------------------------------

CREATE TABLE public.secret_marks (
    scope_kind text        NOT NULL CHECK (scope_kind IN ('extension', 'type')),
    scope_name text        NOT NULL,
    name       text        NOT NULL,
    marked_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (scope_kind, scope_name, name)
);

COMMENT ON TABLE public.secret_marks IS 'Every name that a schema of the extension or type ever marked as secret; a name stays when its mark goes';

-- The names that a schema marks as secret, and what of it can't be followed.
--   names    properties under which a mark lies, with no other property in between
--   problem  the constraint that the schema breaks; NULL if none
CREATE FUNCTION public.registry_schema_marks(schema jsonb, OUT names text[], OUT problem text, OUT place text)
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    names := '{}';
    IF NOT jsonb_path_exists(
        schema, 'strict $.** ? (@.type() == "object" && (@.writeOnly == true || @.format == "password"))') THEN
        RETURN;
    END IF;

    WITH RECURSIVE parts AS (
        SELECT '' AS pointer, NULL AS parent, NULL AS key, 'schema' AS kind, schema AS value, 0 AS depth
        UNION ALL
        SELECT parts.pointer || '/' || replace(replace(member.key, '~', '~0'), '/', '~1'),
               parts.pointer,
               member.key,
               -- Most that lies in a schema applies where the schema applies.
               CASE
                   WHEN parts.kind <> 'schema' OR jsonb_typeof(parts.value) = 'array' THEN 'schema'
                   WHEN member.key = 'properties' THEN 'names'
                   WHEN member.key IN ('$defs', 'definitions') THEN 'definitions'
                   WHEN member.key IN ('patternProperties', 'dependentSchemas', 'dependencies') THEN 'schemas'
                   ELSE 'schema'
               END,
               member.value,
               parts.depth + 1
        FROM parts
        CROSS JOIN LATERAL (
            SELECT key, value
            FROM jsonb_each(CASE jsonb_typeof(parts.value) WHEN 'object' THEN parts.value ELSE '{}' END)
            UNION ALL
            SELECT (number - 1)::text, value
            FROM jsonb_array_elements(CASE jsonb_typeof(parts.value) WHEN 'array' THEN parts.value ELSE '[]' END)
                WITH ORDINALITY AS items (value, number)
        ) AS member
        WHERE jsonb_typeof(member.value) IN ('object', 'array') AND parts.depth < 100
    ), schemas AS (
        SELECT * FROM parts WHERE kind = 'schema' AND jsonb_typeof(value) = 'object'
    ), reference_targets AS (
        SELECT schemas.pointer, reference, target.pointer AS target
        FROM schemas
        CROSS JOIN LATERAL (
            VALUES (value ->> '$ref'), (value ->> '$dynamicRef'), (value ->> '$recursiveRef')
        ) AS referrals (reference)
        LEFT JOIN schemas AS target
            ON reference IN ('#' || target.pointer, '#' || (target.value ->> '$anchor'), '#' || (target.value ->> '$dynamicAnchor'))
        WHERE reference IS NOT NULL
    ), steps AS (
        -- Where a part's secret comes out if no property names it: in what holds it, in what refers to it.
        SELECT parts.pointer AS origin, holder.pointer
        FROM parts JOIN parts AS holder ON holder.pointer = parts.parent
        WHERE holder.kind IN ('schema', 'schemas')
        UNION ALL
        SELECT target, pointer FROM reference_targets WHERE target IS NOT NULL
    ), exposing AS (
        SELECT pointer FROM schemas WHERE value -> 'writeOnly' = 'true' OR value -> 'format' = '"password"'
        UNION
        SELECT steps.pointer FROM exposing JOIN steps ON steps.origin = exposing.pointer
    )
    SELECT
        ARRAY(
            SELECT DISTINCT parts.key
            FROM exposing
            JOIN parts USING (pointer)
            JOIN parts AS holder ON holder.pointer = parts.parent
            WHERE holder.kind = 'names'
            ORDER BY 1),
        found.problem,
        found.place
    INTO names, problem, place
    FROM (
        SELECT 'configuration_schemas_depth' AS problem, pointer AS place FROM parts WHERE depth = 100
        UNION ALL
        -- A reference that leads out of here, or is relative to something else, could lead to a mark.
        SELECT 'configuration_schemas_reference', pointer FROM reference_targets
        WHERE target IS NULL AND reference !~ '^https?://json-schema\.org/'
        UNION ALL
        SELECT 'configuration_schemas_reference', pointer FROM schemas
        WHERE pointer <> '' AND jsonb_typeof(value -> '$id') = 'string'
        UNION ALL
        SELECT 'configuration_schemas_secret_mark', pointer FROM exposing WHERE pointer = ''
        UNION ALL
        SELECT NULL, NULL
    ) AS found
    ORDER BY found.problem NULLS LAST, found.place
    LIMIT 1;
END
$function$;

CREATE OR REPLACE FUNCTION public.registry_stamp_configuration_schema() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    marks record;
BEGIN
    NEW.changed_by := session_user;
    NEW.changed_at := clock_timestamp();
    marks := public.registry_schema_marks(NEW.schema);
    -- A mark that is not understood would be a secret in the log.
    IF marks.problem IS NOT NULL THEN
        RAISE EXCEPTION 'The schema marks secrets in a way that can''t be followed, at "%"', marks.place
            USING ERRCODE = 'check_violation', CONSTRAINT = marks.problem, COLUMN = 'schema';
    END IF;
    NEW.secret_names := marks.names;
    RETURN NEW;
END
$function$;

INSERT INTO public.secret_marks (scope_kind, scope_name, name)
SELECT CASE WHEN extension_id IS NULL THEN 'type' ELSE 'extension' END, coalesce(extension_id, extension_type), name
FROM public.configuration_schemas,
     LATERAL (
         SELECT unnest(secret_names) UNION SELECT unnest((public.registry_schema_marks(schema)).names)
     ) AS marks (name);

-- The history of schemas and names ---------------------------------------------------------------------

CREATE TABLE public.settings_audit_log (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    setting    text        NOT NULL CHECK (setting IN ('configuration_schema', 'secret_name')),
    name       text        NOT NULL,
    changed_by text        NOT NULL DEFAULT session_user,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    before     jsonb,
    after      jsonb,
    CONSTRAINT settings_audit_log_sides CHECK (num_nonnulls(before, after) > 0)
);

COMMENT ON TABLE public.settings_audit_log IS 'Every change of configuration_schemas and secret_names; entries are written by triggers and stay';
COMMENT ON COLUMN public.settings_audit_log.name IS 'extension:ID or type:TYPE of a schema, or the name of a secret';

CREATE FUNCTION public.registry_audit_setting() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    old_row  jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - '{changed_by,changed_at}'::text[] END;
    new_row  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - '{changed_by,changed_at}'::text[] END;
    some_row jsonb := coalesce(new_row, old_row);
BEGIN
    IF old_row::text IS NOT DISTINCT FROM new_row::text THEN
        RETURN NULL;
    END IF;
    IF TG_TABLE_NAME = 'configuration_schemas' THEN
        INSERT INTO public.settings_audit_log (setting, name, before, after)
        VALUES (
            'configuration_schema',
            coalesce('extension:' || (some_row ->> 'extension_id'), 'type:' || (some_row ->> 'extension_type')),
            old_row -> 'schema', new_row -> 'schema');
        INSERT INTO public.secret_marks (scope_kind, scope_name, name)
        SELECT CASE WHEN NEW.extension_id IS NULL THEN 'type' ELSE 'extension' END,
               coalesce(NEW.extension_id, NEW.extension_type), name
        FROM jsonb_array_elements_text(new_row -> 'secret_names') AS name
        ON CONFLICT DO NOTHING;
    ELSE
        INSERT INTO public.settings_audit_log (setting, name, before, after)
        VALUES ('secret_name', some_row ->> 'name', old_row, new_row);
    END IF;
    RETURN NULL;
END
$function$;

CREATE FUNCTION public.registry_keep_settings_entries() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'Entries of the settings'' audit log stay as they are'
        USING ERRCODE = 'insufficient_privilege';
END
$function$;

CREATE TRIGGER configuration_schemas_audit
    AFTER INSERT OR UPDATE OR DELETE ON public.configuration_schemas
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_setting();
CREATE TRIGGER secret_names_audit
    AFTER INSERT OR UPDATE OR DELETE ON public.secret_names
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_setting();
CREATE TRIGGER configuration_schemas_refuse_truncate
    BEFORE TRUNCATE ON public.configuration_schemas
    FOR EACH STATEMENT EXECUTE FUNCTION public.registry_refuse_truncate();
CREATE TRIGGER secret_names_refuse_truncate
    BEFORE TRUNCATE ON public.secret_names
    FOR EACH STATEMENT EXECUTE FUNCTION public.registry_refuse_truncate();
CREATE TRIGGER settings_audit_log_keep
    BEFORE UPDATE OR DELETE ON public.settings_audit_log
    FOR EACH ROW EXECUTE FUNCTION public.registry_keep_settings_entries();
CREATE TRIGGER settings_audit_log_refuse_truncate
    BEFORE TRUNCATE ON public.settings_audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION public.registry_refuse_truncate();
ALTER TABLE public.configuration_schemas ENABLE ALWAYS TRIGGER configuration_schemas_audit;
ALTER TABLE public.configuration_schemas ENABLE ALWAYS TRIGGER configuration_schemas_refuse_truncate;
ALTER TABLE public.secret_names ENABLE ALWAYS TRIGGER secret_names_audit;
ALTER TABLE public.secret_names ENABLE ALWAYS TRIGGER secret_names_refuse_truncate;
ALTER TABLE public.settings_audit_log ENABLE ALWAYS TRIGGER settings_audit_log_keep;
ALTER TABLE public.settings_audit_log ENABLE ALWAYS TRIGGER settings_audit_log_refuse_truncate;

-- Redaction -------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION public.registry_fingerprint(extension_id text, secret jsonb) RETURNS text
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN (
        SELECT left(encode(sha256(outer_key || sha256(inner_key || convert_to(extension_id || E'\n' || secret::text, 'UTF8'))), 'hex'), 16)
        FROM public.registry_fingerprint_key);
END
$function$;

-- As in migration 0007, and: the value beside a name ({"name": "Authorization", "value": …}), and texts
-- that carry a secret.
--   marked   names that a schema marks, compared as they are
--   endings  as registry_is_secret_name takes them
DROP FUNCTION public.registry_redact_value(jsonb, text, text[], text);
CREATE FUNCTION public.registry_redact_value(value jsonb, extension_id text, marked text[], endings text[]) RETURNS jsonb
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    names_a_secret boolean;
BEGIN
    CASE jsonb_typeof(value)
        WHEN 'object' THEN
            names_a_secret := EXISTS (
                SELECT FROM jsonb_each_text(value) AS names (key, name)
                WHERE lower(names.key) IN ('name', 'key', 'header', 'field')
                  AND public.registry_is_secret_name(names.name, endings));
            RETURN (
                SELECT coalesce(jsonb_object_agg(members.key, CASE
                    WHEN NOT (members.key = ANY (marked)
                              OR public.registry_is_secret_name(members.key, endings)
                              OR names_a_secret AND lower(members.key) IN ('value', 'values'))
                        THEN CASE
                            WHEN jsonb_typeof(members.item) IN ('object', 'array', 'string')
                                THEN public.registry_redact_value(members.item, extension_id, marked, endings)
                            ELSE members.item
                        END
                    -- Nothing to hide: none, where it is kept, and what is hidden already.
                    WHEN members.item = 'null'
                         OR jsonb_typeof(members.item) = 'string'
                            AND members.item #>> '{}' ~ '^(env:[A-Za-z_][A-Za-z0-9_]*|vault:[^#[:space:]]+#[^[:space:]]+)$'
                         OR jsonb_typeof(members.item) = 'object' AND members.item ? '$redacted'
                            AND members.item - '$redacted' = '{}'
                        THEN members.item
                    ELSE jsonb_build_object('$redacted', public.registry_fingerprint(extension_id, members.item))
                END), '{}')
                FROM jsonb_each(value) AS members (key, item));
        WHEN 'array' THEN
            RETURN (
                SELECT coalesce(jsonb_agg(public.registry_redact_value(items.item, extension_id, marked, endings) ORDER BY place), '[]')
                FROM jsonb_array_elements(value) WITH ORDINALITY AS items (item, place));
        WHEN 'string' THEN
            IF (value #>> '{}') COLLATE "C" ~* public.registry_secret_text_pattern() THEN
                RETURN jsonb_build_object('$redacted', public.registry_fingerprint(extension_id, value));
            END IF;
            RETURN value;
        ELSE
            RETURN value;
    END CASE;
END
$function$;

-- Whether JSON text is worth a closer look: most has nothing that even looks like a secret, and finding that
-- out is cheap. Never false where registry_redact_value would find something.
--   hints  LIKE patterns of the names of secrets, without what may stand between their words: %apikey%
CREATE FUNCTION public.registry_may_hold_secret(json_text text, hints text[], marked text[]) RETURNS boolean
    LANGUAGE plpgsql
    IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN lower(translate(json_text COLLATE "C", E' _-.:/"{}[],;+*#''~!?$%&()=<>|^`@\t', '')) LIKE ANY (hints)
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

-- Two versions of an extension's row as JSON, either of them NULL, with config and metadata redacted.
-- Both at once, because most changes leave them as they are.
CREATE FUNCTION public.registry_redact_rows(INOUT first_row jsonb, INOUT second_row jsonb)
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    extension_id text := coalesce(second_row, first_row) ->> 'id';
    endings      text[];
    hints        text[];
    marked       text[];
    field        text;
    first_text   text;
    second_text  text;
    redacted     jsonb;
BEGIN
    SELECT array_agg('%\_' || replace(name, '_', '\_')), array_agg('%' || replace(name, '_', '') || '%')
    INTO endings, hints
    FROM public.secret_names;
    -- The marks of both: an extension's own schema must not lay open what its type's schema hides.
    marked := ARRAY(
        SELECT name FROM public.secret_marks
        WHERE (scope_kind, scope_name) IN (('extension', extension_id), ('type', coalesce(second_row, first_row) ->> 'type')));
    FOREACH field IN ARRAY ARRAY['config', 'metadata'] LOOP
        first_text := first_row ->> field;
        second_text := second_row ->> field;
        redacted := NULL;
        IF public.registry_may_hold_secret(first_text, hints, marked) THEN
            redacted := public.registry_redact_value(first_row -> field, extension_id, marked, endings);
            first_row := jsonb_set(first_row, ARRAY[field], redacted);
        END IF;
        IF second_text = first_text THEN
            IF redacted IS NOT NULL THEN
                second_row := jsonb_set(second_row, ARRAY[field], redacted);
            END IF;
        ELSIF public.registry_may_hold_secret(second_text, hints, marked) THEN
            second_row := jsonb_set(second_row, ARRAY[field], public.registry_redact_value(
                second_row -> field, extension_id, marked, endings));
        END IF;
    END LOOP;
END
$function$;

CREATE OR REPLACE FUNCTION public.registry_redact_row(extension jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    redacted record;
BEGIN
    IF extension IS NULL THEN
        RETURN NULL;
    END IF;
    redacted := public.registry_redact_rows(NULL, extension);
    RETURN redacted.second_row;
END
$function$;

-- Secrets come back by name and fingerprint, wherever in the same JSON they were: an item that moved in its
-- array keeps its secret.
DROP FUNCTION public.registry_unredact(jsonb, jsonb[], text, text);

-- Everything in `value` that a mark may stand for: the key that it is under, its fingerprint and itself.
CREATE FUNCTION public.registry_candidates(value jsonb, key text, extension_id text) RETURNS TABLE (place text, secret jsonb)
    LANGUAGE sql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
    WITH RECURSIVE parts (key, value) AS (
        SELECT registry_candidates.key, registry_candidates.value
        UNION ALL
        SELECT member.key, member.value
        FROM parts
        CROSS JOIN LATERAL (
            SELECT members.key, members.value
            FROM jsonb_each(CASE jsonb_typeof(parts.value) WHEN 'object' THEN parts.value ELSE '{}' END) AS members
            UNION ALL
            SELECT parts.key, items.value
            FROM jsonb_array_elements(CASE jsonb_typeof(parts.value) WHEN 'array' THEN parts.value ELSE '[]' END) AS items
        ) AS member
    )
    SELECT parts.key || E'\n' || public.registry_fingerprint(extension_id, parts.value), parts.value
    FROM parts
    WHERE parts.value IS NOT NULL
$function$;

-- Puts secrets in the place of their marks. The paths of those that are not among `secrets`, an object by
-- key and fingerprint, are returned instead.
CREATE FUNCTION public.registry_fill_marks(value jsonb, key text, secrets jsonb, path text, OUT whole jsonb, OUT missing text[])
    LANGUAGE plpgsql
    IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    member record;
    part   record;
    keys   text[] := '{}';
    wholes jsonb[] := '{}';
BEGIN
    missing := '{}';
    whole := value;
    IF jsonb_typeof(value) NOT IN ('object', 'array') OR strpos(value::text, '"$redacted"') = 0 THEN
        RETURN;
    END IF;
    IF value ? '$redacted' THEN
        whole := secrets -> (key || E'\n' || (value ->> '$redacted'));
        IF whole IS NULL THEN
            missing := ARRAY[path];
        END IF;
        RETURN;
    END IF;
    FOR member IN
        SELECT members.key AS name, members.value AS item
        FROM jsonb_each(CASE jsonb_typeof(value) WHEN 'object' THEN value ELSE '{}' END) AS members (key, value)
        UNION ALL
        SELECT (place - 1)::text, items.value
        FROM jsonb_array_elements(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE '[]' END)
            WITH ORDINALITY AS items (value, place)
    LOOP
        part := public.registry_fill_marks(
            member.item,
            CASE jsonb_typeof(value) WHEN 'array' THEN key ELSE member.name END,
            secrets, path || '/' || replace(replace(member.name, '~', '~0'), '/', '~1'));
        missing := missing || part.missing;
        keys := array_append(keys, member.name);
        wholes := array_append(wholes, part.whole);
    END LOOP;
    IF jsonb_typeof(value) = 'array' THEN
        whole := to_jsonb(wholes);
    ELSE
        SELECT jsonb_object_agg(name, item) INTO whole FROM unnest(keys, wholes) AS filled (name, item);
    END IF;
END
$function$;

-- A row with the secrets of `sources`, rows of the same extension, in the place of its marks, and the paths
-- of those that no source has.
CREATE FUNCTION public.registry_unredact_row(shown jsonb, sources jsonb[], extension_id text, OUT whole jsonb, OUT missing text[])
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    field   text;
    part    record;
    secrets jsonb;
BEGIN
    whole := shown;
    missing := '{}';
    FOREACH field IN ARRAY ARRAY['config', 'metadata'] LOOP
        IF strpos(shown ->> field, '"$redacted"') > 0 THEN
            SELECT coalesce(jsonb_object_agg(place, secret), '{}') INTO secrets
            FROM unnest(sources) AS source, public.registry_candidates(source -> field, field, extension_id);
            part := public.registry_fill_marks(shown -> field, field, secrets, '/' || field);
            missing := missing || part.missing;
            whole := jsonb_set(whole, ARRAY[field], coalesce(part.whole, 'null'));
        END IF;
    END LOOP;
END
$function$;

-- As in migration 0007, in time that grows with the number of keys and not with its square.
CREATE OR REPLACE FUNCTION public.registry_merge_json(
    base jsonb, theirs jsonb, yours jsonb, path text, OUT merged jsonb, OUT conflicts text[])
    LANGUAGE plpgsql
    IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    member record;
    part   record;
    keys   text[] := '{}';
    parts  jsonb[] := '{}';
BEGIN
    conflicts := '{}';
    IF yours::text IS NOT DISTINCT FROM base::text OR yours::text IS NOT DISTINCT FROM theirs::text THEN
        merged := theirs;
    ELSIF theirs::text IS NOT DISTINCT FROM base::text THEN
        merged := yours;
    ELSIF coalesce(jsonb_typeof(base), 'object') = 'object'
          AND jsonb_typeof(theirs) = 'object' AND jsonb_typeof(yours) = 'object'
          AND NOT (theirs ? '$redacted' OR yours ? '$redacted') THEN
        FOR member IN
            SELECT coalesce(their.key, your.key) AS key, base -> coalesce(their.key, your.key) AS base,
                   their.value AS theirs, your.value AS yours
            FROM jsonb_each(theirs) AS their
            FULL JOIN jsonb_each(yours) AS your ON your.key = their.key
            ORDER BY 1
        LOOP
            IF member.theirs::text IS NOT DISTINCT FROM member.yours::text THEN
                keys := array_append(keys, member.key);
                parts := array_append(parts, member.theirs);
                CONTINUE;
            END IF;
            part := public.registry_merge_json(
                member.base, member.theirs, member.yours,
                path || '/' || replace(replace(member.key, '~', '~0'), '/', '~1'));
            conflicts := conflicts || part.conflicts;
            -- SQL NULL is a key that is not there; a JSON null is a value.
            IF part.merged IS NOT NULL THEN
                keys := array_append(keys, member.key);
                parts := array_append(parts, part.merged);
            END IF;
        END LOOP;
        SELECT coalesce(jsonb_object_agg(key, item), '{}') INTO merged FROM unnest(keys, parts) AS members (key, item);
    ELSE
        merged := theirs;
        conflicts := ARRAY[path];
    END IF;
END
$function$;

-- As in migration 0003, in PL/pgSQL.
CREATE OR REPLACE FUNCTION public.registry_changes(before jsonb, after jsonb) RETURNS jsonb
    LANGUAGE plpgsql
    IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN (
        SELECT coalesce(
            jsonb_object_agg(
                key,
                CASE
                    WHEN NOT coalesce(before ? key, false) THEN jsonb_build_object('after', after -> key)
                    WHEN NOT coalesce(after ? key, false) THEN jsonb_build_object('before', before -> key)
                    ELSE jsonb_build_object('before', before -> key, 'after', after -> key)
                END),
            '{}')
        FROM (SELECT jsonb_object_keys(before) UNION SELECT jsonb_object_keys(after)) AS keys (key)
        WHERE key <> 'updated_at'
          AND (before -> key)::text IS DISTINCT FROM (after -> key)::text
    );
END
$function$;

-- As in migration 0008, in PL/pgSQL.
CREATE OR REPLACE FUNCTION public.registry_entry_content(entry public.extension_audit_log) RETURNS text
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN (
        SELECT string_agg(coalesce(octet_length(convert_to(field, 'UTF8')) || ':' || field, '-'), '' ORDER BY place)
        FROM unnest(ARRAY[
            entry.revision::text,
            entry.id::text,
            entry.extension_id,
            entry.action,
            entry.changed_by,
            entry.actor_source,
            entry.os_user,
            entry.application_name,
            host(entry.client_address),
            entry.reason,
            entry.request_id::text,
            entry.group_id::text,
            entry.restored_revision::text,
            (extract(epoch FROM entry.timestamp) * 1000000)::bigint::text,
            entry.before::text,
            entry.after::text,
            entry.changes::text
        ] || CASE WHEN entry.hash_version = 1 THEN '{}' ELSE ARRAY[
            entry.login,
            entry.undone_group_id::text,
            entry.undone_revision::text,
            (extract(epoch FROM entry.sealed_at) * 1000000)::bigint::text
        ] END) WITH ORDINALITY AS fields (field, place)
    );
END
$function$;

-- As in migration 0008, with both rows redacted at once.
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
    before_row    jsonb;
    after_row     jsonb;
    entry_action  text;
    claimed_actor text := nullif(current_setting('registry.actor', true), '');
BEGIN
    IF TG_OP = 'UPDATE' THEN
        -- The seal's own update of the revision is no change of the extension.
        candidate := NEW;
        candidate.revision := OLD.revision;
        IF candidate *= OLD THEN
            RETURN NULL;
        END IF;
    END IF;

    -- The revision is not known before the entry is sealed; the entry has it itself.
    IF TG_OP <> 'INSERT' THEN
        before_row := to_jsonb(OLD) - 'revision';
    END IF;
    IF TG_OP <> 'DELETE' THEN
        after_row := to_jsonb(NEW) - 'revision';
    END IF;

    entry_action := CASE
        WHEN TG_OP = 'INSERT' THEN 'created'
        WHEN TG_OP = 'DELETE' THEN 'deleted'
        -- A switch is a switch only if nothing else changed with it.
        WHEN OLD.enabled <> NEW.enabled
             AND before_row - 'enabled' - 'updated_at' = after_row - 'enabled' - 'updated_at'
            THEN CASE WHEN NEW.enabled THEN 'enabled' ELSE 'disabled' END
        ELSE 'updated'
    END;

    SELECT * INTO before_row, after_row FROM public.registry_redact_rows(before_row, after_row);

    -- The login, not the current role: SECURITY DEFINER and SET ROLE change only the latter. Its own
    -- memberships, not what it can reach: a superuser counts as a member of every role.
    IF NOT EXISTS (
        SELECT FROM pg_auth_members JOIN pg_roles ON pg_roles.oid = roleid
        WHERE rolname = 'registry_rest_server'
          -- Compared as it is: a cast to regrole would read the name as an identifier.
          AND member = (SELECT oid FROM pg_roles WHERE rolname = session_user)
    ) THEN
        claimed_actor := NULL;
    END IF;

    INSERT INTO public.extension_audit_log
        (extension_id, action, changed_by, actor_source, login, os_user, application_name, client_address,
         reason, request_id, group_id, restored_revision, undone_group_id, undone_revision,
         before, after, changes, timestamp)
    VALUES
        (coalesce(after_row, before_row) ->> 'id',
         entry_action,
         coalesce(claimed_actor, session_user),
         CASE WHEN claimed_actor IS NULL THEN 'login' ELSE 'claimed' END,
         session_user,
         nullif(current_setting('registry.os_user', true), ''),
         nullif(current_setting('application_name', true), ''),
         inet_client_addr(),
         nullif(current_setting('registry.reason', true), ''),
         nullif(current_setting('registry.request_id', true), '')::uuid,
         nullif(current_setting('registry.group_id', true), '')::uuid,
         nullif(current_setting('registry.restored_revision', true), '')::bigint,
         nullif(current_setting('registry.undone_group_id', true), '')::uuid,
         nullif(current_setting('registry.undone_revision', true), '')::bigint,
         before_row,
         after_row,
         public.registry_changes(before_row, after_row),
         clock_timestamp());
    -- Another trigger that swallows the entry must not let the change pass.
    IF NOT FOUND THEN
        RAISE EXCEPTION 'The audit entry could not be written'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$function$;

-- An edit that is merged, and a version that is brought back ---------------------------------------------

-- As in migration 0007, and:
--   * an extension that was deleted and created again since is another one: nothing is merged into it;
--   * the version that the editor saw is compared as it would be shown today, whatever was known of secrets
--     when its entry was written.
CREATE OR REPLACE FUNCTION public.registry_merge_edit(
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
    -- The row at a revision is what the next change found. Entries of older programs hold no rows.
    SELECT before - times INTO base
    FROM public.extension_audit_log
    WHERE extension_id = of_extension AND revision > seen_revision AND actor_source <> 'legacy'
    ORDER BY revision
    LIMIT 1;
    IF FOUND AND base IS NULL THEN
        -- The next change created it: at that revision there was none.
        RETURN;
    END IF;
    SELECT first_row, second_row INTO base, current_shown
    FROM public.registry_redact_rows(coalesce(base, current_row), current_row);
    yours_whole := base || patch;
    yours_shown := public.registry_redact_row(yours_whole);
    theirs := public.registry_changes(base, current_shown);
    yours := public.registry_changes(base, yours_shown);
    IF EXISTS (
        SELECT FROM public.extension_audit_log
        WHERE extension_id = of_extension AND revision > seen_revision AND action = 'deleted'
          AND actor_source <> 'legacy'
    ) THEN
        merged := current_row;
        missing := '{}';
        conflicts := ARRAY(SELECT '/' || key FROM jsonb_object_keys(patch) AS key ORDER BY key);
        RETURN;
    END IF;
    merge := public.registry_merge_json(base, current_shown, yours_shown, '');
    unredacted := public.registry_unredact_row(merge.merged, ARRAY[current_row, yours_whole], of_extension);
    merged := unredacted.whole;
    missing := unredacted.missing;
    conflicts := merge.conflicts;
END
$function$;

-- As in migration 0007, with the secrets found by name and fingerprint.
CREATE OR REPLACE FUNCTION public.registry_restorable(
    of_extension text, version jsonb, given jsonb, OUT whole jsonb, OUT missing text[])
    LANGUAGE plpgsql
    STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    unredacted  record;
    current_row jsonb := (SELECT to_jsonb(extensions) FROM public.extensions WHERE id = of_extension);
    secret      record;
    keys        text[];
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
    unredacted := public.registry_unredact_row(version, ARRAY[current_row], of_extension);
    whole := unredacted.whole;
    missing := unredacted.missing;
END
$function$;

REVOKE ALL ON FUNCTION
    public.registry_is_secret_name(text, text[]),
    public.registry_redact_value(jsonb, text, text[], text[]),
    public.registry_secret_text_pattern(),
    public.registry_schema_marks(jsonb),
    public.registry_audit_setting(),
    public.registry_keep_settings_entries(),
    public.registry_redact_rows(jsonb, jsonb),
    public.registry_may_hold_secret(text, text[], text[]),
    public.registry_candidates(jsonb, text, text),
    public.registry_fill_marks(jsonb, text, jsonb, text),
    public.registry_unredact_row(jsonb, jsonb[], text)
    FROM PUBLIC;

DO $migration$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['registry_viewer', 'registry_operator', 'registry_editor', 'registry_legacy_writer', 'registry_auditor']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON public.settings_audit_log TO %I', role_name);
        END IF;
    END LOOP;
    IF to_regrole('registry_editor') IS NOT NULL THEN
        -- Whoever takes a name away lays secrets open: that is the owner's decision.
        REVOKE DELETE ON public.secret_names FROM registry_editor;
    END IF;
    IF to_regrole('registry_legacy_writer') IS NOT NULL THEN
        GRANT EXECUTE ON FUNCTION
            public.registry_merge_edit(text, bigint, jsonb),
            public.registry_restorable(text, jsonb, jsonb)
            TO registry_legacy_writer;
    END IF;
END
$migration$;
