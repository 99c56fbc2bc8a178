-- A switch costs the database a seventh less, and a token is looked at by the statement that switches.
--
-- Before: PostgreSQL reads the text of a table's checks anew in each statement, and those of the audit log were long; secrets
--         were looked for in both sides of a switch, which are the same; and what is hashed was put together by a query.
--         Who switches over HTTP asked the database twice: who the token is, and then for the switch.
-- After:  One check of the audit log calls a function, which a session reads once. A switch is redacted once. Where nothing
--         is hidden and nothing is wrong, fewer queries are run. registry_switch takes the token: it looks up whom the token
--         stands for, works as its role and in its owner's name, and refuses one that has expired or was revoked.

-- Whether this can be an entry: its action is known, its sides are those of its action, and it is sealed as a whole or not at
-- all. What a program wrote itself (legacy) has the action and the sides that it has.
CREATE FUNCTION public.registry_is_entry(
    action text, actor_source text, changed_by text, changes jsonb, changed_at timestamptz, before jsonb, after jsonb,
    revision bigint, previous_hash bytea, hash bytea, hash_version smallint, sealed_at timestamptz) RETURNS boolean
    LANGUAGE plpgsql
    IMMUTABLE
    PARALLEL SAFE
AS $function$
BEGIN
    RETURN coalesce(
        (actor_source = 'legacy' OR actor_source IN ('login', 'claimed')
             AND action IN ('created', 'updated', 'deleted', 'enabled', 'disabled')
             AND pg_catalog.num_nulls(changed_by, changes, changed_at) = 0
             AND (before IS NULL) = (action = 'created') AND (after IS NULL) = (action = 'deleted'))
        AND (pg_catalog.num_nonnulls(revision, previous_hash, hash, hash_version, sealed_at) = 0
             OR revision > 0 AND pg_catalog.length(previous_hash) = 32 AND pg_catalog.length(hash) = 32
                AND (hash_version = 1 AND sealed_at IS NULL OR hash_version = 2 AND sealed_at IS NOT NULL)),
        false);
END
$function$;

ALTER TABLE public.extension_audit_log
    -- A log that was made by hand has none.
    DROP CONSTRAINT IF EXISTS extension_audit_log_action_check,
    DROP CONSTRAINT extension_audit_log_actor_source,
    DROP CONSTRAINT extension_audit_log_seal,
    DROP CONSTRAINT extension_audit_log_sides,
    ADD CONSTRAINT extension_audit_log_entry CHECK (public.registry_is_entry(
        action, actor_source, changed_by, changes, timestamp, before, after,
        revision, previous_hash, hash, hash_version, sealed_at));

-- As in migration 0008, in one pass without a query.
CREATE OR REPLACE FUNCTION public.registry_entry_content(entry public.extension_audit_log) RETURNS text
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    field   text;
    content text := '';
BEGIN
    FOREACH field IN ARRAY ARRAY[
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
    ] END
    LOOP
        content := content || coalesce(octet_length(convert_to(field, 'UTF8')) || ':' || field, '-');
    END LOOP;
    RETURN content;
END
$function$;

-- As in migration 0130, with the marks of secrets that hold for an extension: its own and its type's. Its own schema must not
-- lay open what its type's schema hides.
DROP FUNCTION public.registry_may_hold_secret(text, text[]);
CREATE FUNCTION public.registry_may_hold_secret(json_text text, of_extension text, of_type text) RETURNS boolean
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    squeezed text := lower(translate(json_text COLLATE "C", E' _-.:/"{}[],;+*#''~!?$%&()=<>|^`@\t', ''));
BEGIN
    RETURN
        -- Any other character may stand between the words, and a backslash may spell any character.
        octet_length(json_text) <> length(json_text)
        OR strpos(json_text, '\') > 0
        -- What registry_secret_text_pattern finds besides names.
        OR strpos(json_text, '@') > 0
        OR strpos(json_text, '=') > 0
        OR strpos(lower(json_text COLLATE "C"), '"basic ') > 0
        OR EXISTS (SELECT FROM public.secret_names WHERE strpos(squeezed, replace(name, '_', '')) > 0)
        OR EXISTS (
            SELECT FROM public.secret_marks
            WHERE (scope_kind = 'extension' AND scope_name = of_extension OR scope_kind = 'type' AND scope_name = of_type)
              AND strpos(json_text, to_json(name)::text) > 0);
END
$function$;

-- As in migration 0130; marks are read where something may have to be hidden.
CREATE OR REPLACE FUNCTION public.registry_redact_rows(INOUT first_row jsonb, INOUT second_row jsonb)
    LANGUAGE plpgsql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    of_extension text := coalesce(second_row, first_row) ->> 'id';
    of_type      text := coalesce(second_row, first_row) ->> 'type';
    endings      text[];
    marked       text[];
    field        text;
    first_text   text;
    second_text  text;
    redacted     jsonb;
BEGIN
    -- What holds a secret holds it in the whole as well.
    IF NOT public.registry_may_hold_secret(
        concat(first_row ->> 'config', first_row ->> 'metadata',
               nullif(second_row ->> 'config', first_row ->> 'config'),
               nullif(second_row ->> 'metadata', first_row ->> 'metadata')),
        of_extension, of_type) THEN
        RETURN;
    END IF;
    marked := ARRAY(
        SELECT name FROM public.secret_marks
        WHERE (scope_kind, scope_name) IN (('extension', of_extension), ('type', of_type)));
    SELECT array_agg('%\_' || replace(name, '_', '\_')) INTO endings FROM public.secret_names;
    FOREACH field IN ARRAY ARRAY['config', 'metadata'] LOOP
        first_text := first_row ->> field;
        second_text := second_row ->> field;
        redacted := NULL;
        IF public.registry_may_hold_secret(first_text, of_extension, of_type) THEN
            redacted := public.registry_redact_value(first_row -> field, of_extension, marked, endings);
            first_row := jsonb_set(first_row, ARRAY[field], redacted);
        END IF;
        IF second_text = first_text THEN
            IF redacted IS NOT NULL THEN
                second_row := jsonb_set(second_row, ARRAY[field], redacted);
            END IF;
        ELSIF public.registry_may_hold_secret(second_text, of_extension, of_type) THEN
            second_row := jsonb_set(second_row, ARRAY[field], public.registry_redact_value(
                second_row -> field, of_extension, marked, endings));
        END IF;
    END LOOP;
END
$function$;

-- As in migration 0130; a switch is redacted once.
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
    shown         record;
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
        entry.before := to_jsonb(OLD) - 'revision';
    END IF;
    -- The other side of a switch is the same but for two fields, which hide nothing.
    IF TG_OP <> 'DELETE' AND NOT is_switch THEN
        entry.after := to_jsonb(NEW) - 'revision';
    END IF;
    shown := public.registry_redact_rows(entry.before, entry.after);
    entry.before := shown.first_row;
    entry.after := CASE
        WHEN is_switch THEN shown.first_row || jsonb_build_object('enabled', NEW.enabled, 'updated_at', NEW.updated_at)
        ELSE shown.second_row
    END;

    -- The login, not the current role: SECURITY DEFINER and SET ROLE change only the latter. Its own
    -- memberships, not what it can reach: a superuser counts as a member of every role.
    IF claimed_actor IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_auth_members
        WHERE roleid = to_regrole('registry_rest_server') AND member = to_regrole(quote_ident(session_user))
    ) THEN
        claimed_actor := NULL;
    END IF;

    entry.extension_id := coalesce(entry.after, entry.before) ->> 'id';
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
    entry.changes := CASE
        WHEN is_switch THEN jsonb_build_object('enabled', jsonb_build_object('before', OLD.enabled, 'after', NEW.enabled))
        ELSE public.registry_changes(entry.before, entry.after)
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

-- As in migration 0130, and for who shows a token: with_token is looked up in place of as_role and for_actor. One that is not
-- accepted fails (invalid_authorization_specification), and so does a login that may not look tokens up.
CREATE FUNCTION public.registry_switch(
    of_extension text, now_enabled boolean, as_role text, for_actor text, of_os_user text, for_reason text, of_request uuid,
    with_token uuid)
    RETURNS TABLE (
        id text, type text, subject text, timeout_ms integer, retry integer, enabled boolean, revision bigint,
        created_at timestamptz, updated_at timestamptz, health_score_percent float8, health text,
        last_action text, last_changed_by text, last_timestamp timestamptz,
        registry_id text, head_revision bigint, head_hash bytea)
    LANGUAGE plpgsql
AS $function$
#variable_conflict use_column
BEGIN
    IF with_token IS NOT NULL THEN
        SELECT token.role, token.owner INTO as_role, for_actor FROM public.registry_tokens AS token
        WHERE token.token_id = with_token AND token.revoked_at IS NULL
          AND (token.expires_at IS NULL OR token.expires_at > pg_catalog.clock_timestamp());
        IF NOT FOUND THEN
            RAISE EXCEPTION 'The token is not accepted' USING ERRCODE = 'invalid_authorization_specification';
        END IF;
    END IF;
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

-- For programs that know no token.
CREATE OR REPLACE FUNCTION public.registry_switch(
    of_extension text, now_enabled boolean, as_role text, for_actor text, of_os_user text, for_reason text, of_request uuid)
    RETURNS TABLE (
        id text, type text, subject text, timeout_ms integer, retry integer, enabled boolean, revision bigint,
        created_at timestamptz, updated_at timestamptz, health_score_percent float8, health text,
        last_action text, last_changed_by text, last_timestamp timestamptz,
        registry_id text, head_revision bigint, head_hash bytea)
    LANGUAGE sql
AS $function$
    SELECT * FROM public.registry_switch(
        of_extension, now_enabled, as_role, for_actor, of_os_user, for_reason, of_request, NULL)
$function$;

GRANT EXECUTE ON FUNCTION public.registry_switch(text, boolean, text, text, text, text, uuid, uuid) TO PUBLIC;
-- The check of the audit log runs as whoever writes an entry, which is the owner of the tables, and as who restores one.
GRANT EXECUTE ON FUNCTION public.registry_is_entry(
    text, text, text, jsonb, timestamptz, jsonb, jsonb, bigint, bytea, bytea, smallint, timestamptz) TO PUBLIC;
REVOKE ALL ON FUNCTION public.registry_may_hold_secret(text, text, text) FROM PUBLIC;

SELECT public.registry_hand_over();
