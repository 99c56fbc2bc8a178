-- A switch costs the database another seventh less, and as much however often the same extension was switched.
--
-- Before: an index held only extensions that are switched on, so that each switch wrote a row anew in all indexes of its table
--         and left its former version to be walked over until the next vacuum. Secrets were looked for by 51 names, one after
--         the other. Functions set and reset their search_path inside others that had set it.
-- After:  A switch changes no index (PostgreSQL updates the row within its page and clears the page by itself). Names of
--         secrets that are built in are looked for by the words that they are made of. What runs only inside a function that
--         sets its search_path sets none.

DROP INDEX IF EXISTS public.idx_extensions_type;
CREATE INDEX idx_extensions_type ON public.extensions (type);

-- What a switch leaves as it is needs no look.
DROP TRIGGER extensions_check_marks ON public.extensions;
CREATE TRIGGER extensions_check_marks
    BEFORE INSERT ON public.extensions
    FOR EACH ROW EXECUTE FUNCTION public.registry_check_marks();
CREATE TRIGGER extensions_check_marks_of_change
    BEFORE UPDATE ON public.extensions
    FOR EACH ROW WHEN (NEW.config IS DISTINCT FROM OLD.config OR NEW.metadata IS DISTINCT FROM OLD.metadata)
    EXECUTE FUNCTION public.registry_check_marks();
ALTER TABLE public.extensions
    ENABLE ALWAYS TRIGGER extensions_check_marks,
    ENABLE ALWAYS TRIGGER extensions_check_marks_of_change;

-- As in migration 0140, for the entry as a whole: PostgreSQL reads the text of a check anew in each statement.
CREATE FUNCTION public.registry_is_entry(entry public.extension_audit_log) RETURNS boolean
    LANGUAGE plpgsql
    IMMUTABLE
    PARALLEL SAFE
AS $function$
BEGIN
    RETURN coalesce(
        (entry.actor_source = 'legacy' OR entry.actor_source IN ('login', 'claimed')
             AND entry.action IN ('created', 'updated', 'deleted', 'enabled', 'disabled')
             AND pg_catalog.num_nulls(entry.changed_by, entry.changes, entry.timestamp) = 0
             AND (entry.before IS NULL) = (entry.action = 'created') AND (entry.after IS NULL) = (entry.action = 'deleted'))
        AND (pg_catalog.num_nonnulls(entry.revision, entry.previous_hash, entry.hash, entry.hash_version, entry.sealed_at) = 0
             OR entry.revision > 0 AND pg_catalog.length(entry.previous_hash) = 32 AND pg_catalog.length(entry.hash) = 32
                AND (entry.hash_version = 1 AND entry.sealed_at IS NULL OR entry.hash_version = 2 AND entry.sealed_at IS NOT NULL)),
        false);
END
$function$;

ALTER TABLE public.extension_audit_log
    DROP CONSTRAINT extension_audit_log_entry,
    ADD CONSTRAINT extension_audit_log_entry CHECK (public.registry_is_entry(extension_audit_log));
DROP FUNCTION public.registry_is_entry(
    text, text, text, jsonb, timestamptz, jsonb, jsonb, bigint, bytea, bytea, smallint, timestamptz);

-- As in migration 0140. It runs inside functions that set their search_path.
CREATE OR REPLACE FUNCTION public.registry_entry_content(entry public.extension_audit_log) RETURNS text
    LANGUAGE plpgsql
    STABLE
AS $function$
DECLARE
    field   text;
    content text := '';
BEGIN
    FOREACH field IN ARRAY (ARRAY[
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
        entry.changes::text,
        -- Since version 2.
        entry.login,
        entry.undone_group_id::text,
        entry.undone_revision::text,
        (extract(epoch FROM entry.sealed_at) * 1000000)::bigint::text
    ])[1:CASE entry.hash_version WHEN 1 THEN 17 ELSE 21 END]
    LOOP
        content := content || coalesce(octet_length(convert_to(field, 'UTF8')) || ':' || field, '-');
    END LOOP;
    RETURN content;
END
$function$;

-- As in migration 0140. It runs inside functions that set their search_path.
CREATE OR REPLACE FUNCTION public.registry_may_hold_secret(json_text text, of_extension text, of_type text) RETURNS boolean
    LANGUAGE plpgsql
    STABLE
AS $function$
BEGIN
    RETURN
        -- Any other character may stand between the words, and a backslash may spell any character.
        octet_length(json_text) <> length(json_text)
        OR lower(json_text COLLATE "C") LIKE ANY (ARRAY[
            -- What registry_secret_text_pattern finds besides names.
            E'%\\\\%', '%@%', '%=%', '%"basic %',
            -- A word of each name that is built in; a test holds them to it.
            '%key%', '%token%', '%auth%', '%bearer%', '%connection%', '%cookie%', '%cred%', '%dsn%', '%jwt%', '%kubeconfig%',
            '%pass%', '%pwd%', '%secret%'])
        OR EXISTS (
            SELECT FROM public.secret_names
            WHERE NOT is_builtin
              AND strpos(
                  lower(translate(json_text COLLATE "C", E' _-.:/"{}[],;+*#''~!?$%&()=<>|^`@\t', '')),
                  replace(name, '_', '')) > 0)
        OR EXISTS (
            SELECT FROM public.secret_marks
            WHERE (scope_kind = 'extension' AND scope_name = of_extension OR scope_kind = 'type' AND scope_name = of_type)
              AND strpos(json_text, to_json(name)::text) > 0);
END
$function$;

-- As in migration 0130. It runs inside registry_audit_extension, with its rights and its search_path.
CREATE OR REPLACE FUNCTION public.registry_write_sealed(entry public.extension_audit_log, row_revision bigint) RETURNS void
    LANGUAGE plpgsql
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

-- As in migration 0140; of a switch one side is looked at, and what nothing is set for is not read.
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
    IF TG_OP <> 'DELETE' AND NOT is_switch THEN
        entry.after := to_jsonb(NEW) - 'revision';
    END IF;
    IF is_switch THEN
        -- The other side is the same but for two fields, which hide nothing.
        IF public.registry_may_hold_secret(
            concat(OLD.config, OLD.metadata), OLD.id, OLD.type) THEN
            shown := public.registry_redact_rows(entry.before, NULL);
            entry.before := shown.first_row;
        END IF;
        entry.after := entry.before || jsonb_build_object('enabled', NEW.enabled, 'updated_at', NEW.updated_at);
    ELSE
        shown := public.registry_redact_rows(entry.before, entry.after);
        entry.before := shown.first_row;
        entry.after := shown.second_row;
    END IF;

    -- The login, not the current role: SECURITY DEFINER and SET ROLE change only the latter. Its own
    -- memberships, not what it can reach: a superuser counts as a member of every role.
    IF claimed_actor IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_auth_members
        WHERE roleid = to_regrole('registry_rest_server') AND member = to_regrole(quote_ident(session_user))
    ) THEN
        claimed_actor := NULL;
    END IF;

    entry.extension_id := CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END;
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
    IF concat(current_setting('registry.group_id', true), current_setting('registry.restored_revision', true),
              current_setting('registry.undone_group_id', true), current_setting('registry.undone_revision', true)) <> '' THEN
        entry.group_id := nullif(current_setting('registry.group_id', true), '')::uuid;
        entry.restored_revision := nullif(current_setting('registry.restored_revision', true), '')::bigint;
        entry.undone_group_id := nullif(current_setting('registry.undone_group_id', true), '')::uuid;
        entry.undone_revision := nullif(current_setting('registry.undone_revision', true), '')::bigint;
    END IF;
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

-- As in migration 0140.
CREATE OR REPLACE FUNCTION public.registry_switch(
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
DECLARE
    -- What is assigned is evaluated without a query; PERFORM runs one.
    done text;
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
        done := pg_catalog.set_config('role', as_role, true);
    END IF;
    done := pg_catalog.concat(
        pg_catalog.set_config('registry.reason', for_reason, true),
        pg_catalog.set_config('registry.os_user', of_os_user, true),
        pg_catalog.set_config('registry.request_id', of_request::text, true),
        pg_catalog.set_config('registry.actor', for_actor, true),
        pg_catalog.set_config('registry.seal', 'at_once', true),
        -- Whoever gives up waiting can't take a statement back. It fails, and what takes longer is done in another way.
        pg_catalog.set_config('lock_timeout', '100ms', true));
    IF pg_catalog.concat(
        pg_catalog.current_setting('registry.group_id', true), pg_catalog.current_setting('registry.restored_revision', true),
        pg_catalog.current_setting('registry.undone_group_id', true),
        pg_catalog.current_setting('registry.undone_revision', true)) <> '' THEN
        RAISE EXCEPTION 'A switch brings nothing back: registry.group_id, registry.restored_revision, registry.undone_group_id and registry.undone_revision must be empty';
    END IF;
    -- Whoever asks again under this name, because the answer was lost, waits until it is known what became of it.
    done := pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(of_request::text, 0))::text;
    UPDATE public.extensions AS extension SET enabled = now_enabled
    WHERE extension.id = of_extension AND extension.enabled <> now_enabled;
    RETURN QUERY
        SELECT extension.*, head.registry_id::text, head.revision, head.hash
        FROM public.registry_extension(of_extension) AS extension, public.registry_head AS head;
END
$function$;

GRANT EXECUTE ON FUNCTION public.registry_is_entry(public.extension_audit_log) TO PUBLIC;

SELECT public.registry_hand_over();
