-- A switch costs the database another eighth less: it does once what it did twice.
--
-- Before: the end of the log was read and locked before a switch and once more for its entry, whether the login may name an
--         actor was looked up by names for each member of any role, what is there and what is sealed was checked by long
--         conditions, and the answer joined four tables.
-- After:  The end of the log is handed from the trigger that takes the revision to the one that writes the entry, which takes
--         it only if it still is the end. Most entries are found true by a few comparisons. The answer is the row that was
--         written, and its entry by its revision.
--
-- One trigger less is asked whether it has to fire: PostgreSQL reads the text of its condition anew in each statement, too.

-- Each switch leaves a version of its only row behind, which readers step over until the page is cleared: sooner.
ALTER TABLE public.registry_head SET (fillfactor = 30);

-- PostgreSQL reads the text of a check anew in each statement, and builds the automaton of a pattern at each match.
ALTER TABLE public.extensions
    DROP CONSTRAINT IF EXISTS extensions_type_check,
    ADD CONSTRAINT extensions_type_check CHECK ('["pre", "validator", "post", "provider"]'::jsonb ? type);

-- As in migration 0150; of what the triggers write most, each condition is looked at once.
CREATE OR REPLACE FUNCTION public.registry_is_entry(entry public.extension_audit_log) RETURNS boolean
    LANGUAGE plpgsql
    IMMUTABLE
    PARALLEL SAFE
AS $function$
BEGIN
    IF entry.actor_source IN ('login', 'claimed') AND entry.action IN ('enabled', 'disabled', 'updated')
       AND entry.changed_by IS NOT NULL AND entry.changes IS NOT NULL AND entry.timestamp IS NOT NULL
       AND entry.before IS NOT NULL AND entry.after IS NOT NULL
       AND entry.revision > 0 AND pg_catalog.length(entry.previous_hash) = 32 AND pg_catalog.length(entry.hash) = 32
       AND entry.hash_version = 2 AND entry.sealed_at IS NOT NULL THEN
        RETURN true;
    END IF;
    -- Every other one, and what is none.
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

-- As in migration 0150. Where the database's own encoding is UTF-8, a text is as long as what it would be converted to.
CREATE OR REPLACE FUNCTION public.registry_entry_content(entry public.extension_audit_log) RETURNS text
    LANGUAGE plpgsql
    STABLE
AS $function$
DECLARE
    is_utf8 boolean := getdatabaseencoding() = 'UTF8';
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
        content := content || coalesce(
            CASE WHEN is_utf8 THEN octet_length(field) ELSE octet_length(convert_to(field, 'UTF8')) END || ':' || field, '-');
    END LOOP;
    RETURN content;
END
$function$;

-- As in migration 0160, for what is switched without a look at the rest of the row, and with the look at what is there that
-- extensions_check_presence took. Each name is qualified: it needs no search_path of its own. (An unqualified keyword that
-- compares, such as IN, would look for its operator.)
DROP TRIGGER extensions_check_presence ON public.extensions;
CREATE OR REPLACE FUNCTION public.registry_stamp_extension() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
AS $function$
DECLARE
    candidate public.extensions;
    missing   pg_catalog.text;
    done      pg_catalog.text;
BEGIN
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        NEW.revision := 0;
        RETURN NEW;
    END IF;
    IF NOT coalesce(NEW.enabled OPERATOR(pg_catalog.<>) OLD.enabled AND NEW.revision IS NOT NULL, false) THEN
        -- Looked at here, because PostgreSQL's own refusal tells and logs the whole row, secrets and all.
        missing := CASE WHEN NEW.enabled IS NULL THEN 'enabled' WHEN NEW.revision IS NULL THEN 'revision' END;
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION 'An extension has a value for %', missing
                USING ERRCODE = 'not_null_violation', COLUMN = missing,
                      CONSTRAINT = pg_catalog.concat('extensions_', missing, '_present');
        END IF;
        candidate := NEW;
        candidate.updated_at := OLD.updated_at;
        candidate.revision := OLD.revision;
        -- *= compares the stored images: 1 and 1.0 in a configuration are different texts.
        IF candidate OPERATOR(pg_catalog.*=) OLD THEN
            NEW.updated_at := OLD.updated_at;
            RETURN NEW;
        END IF;
    END IF;
    NEW.updated_at := pg_catalog.clock_timestamp();
    IF pg_catalog.current_setting('registry.seal', true) OPERATOR(pg_catalog.=) 'at_once' THEN
        -- The revision that the entry will have, and the end of the log that it will follow. Until the transaction ends nobody
        -- else gets them.
        SELECT head.revision OPERATOR(pg_catalog.+) 1, pg_catalog.set_config('registry.previous_hash', head.hash::pg_catalog.text, true)
        INTO STRICT NEW.revision, done
        FROM public.registry_head AS head FOR UPDATE;
    END IF;
    RETURN NEW;
END
$function$;
ALTER FUNCTION public.registry_stamp_extension() RESET ALL;

-- As in migration 0150; what is known of a switch is not asked for. JSON has its times in one form, whatever the session's
-- DateStyle.
CREATE OR REPLACE FUNCTION public.registry_audit_extension() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    -- The rows are kept as JSON: the same instant must read the same whatever the session's zone.
    SET timezone = 'UTC'
AS $function$
DECLARE
    candidate     public.extensions;
    is_switch     boolean := false;
    shown         record;
    entry         public.extension_audit_log;
    claimed_actor text := nullif(current_setting('registry.actor', true), '');
    server_role   oid;
    login_role    oid;
    done          text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        candidate := NEW;
        candidate.revision := OLD.revision;
        candidate.enabled := OLD.enabled;
        candidate.updated_at := OLD.updated_at;
        IF candidate *= OLD THEN
            -- A switch is a switch only if nothing else changed with it.
            is_switch := NEW.enabled <> OLD.enabled;
            -- The seal's own update of the revision is no change of the extension.
            IF NOT is_switch AND NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at THEN
                RETURN NULL;
            END IF;
        END IF;
    END IF;

    -- The revision is not known before the entry is sealed; the entry has it itself.
    IF is_switch THEN
        entry.extension_id := NEW.id;
        entry.before := to_jsonb(OLD) - 'revision';
        -- The other side is the same but for two fields, which hide nothing.
        IF public.registry_may_hold_secret(
            concat(OLD.config, OLD.metadata), OLD.id, OLD.type) THEN
            shown := public.registry_redact_rows(entry.before, NULL);
            entry.before := shown.first_row;
        END IF;
        entry.after := entry.before || jsonb_build_object('enabled', NEW.enabled, 'updated_at', NEW.updated_at);
        IF NEW.enabled THEN
            entry.action := 'enabled';
            entry.changes := '{"enabled": {"before": false, "after": true}}';
        ELSE
            entry.action := 'disabled';
            entry.changes := '{"enabled": {"before": true, "after": false}}';
        END IF;
    ELSE
        entry.extension_id := CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END;
        entry.action := CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'DELETE' THEN 'deleted' ELSE 'updated' END;
        IF TG_OP <> 'INSERT' THEN
            entry.before := to_jsonb(OLD) - 'revision';
        END IF;
        IF TG_OP <> 'DELETE' THEN
            entry.after := to_jsonb(NEW) - 'revision';
        END IF;
        shown := public.registry_redact_rows(entry.before, entry.after);
        entry.before := shown.first_row;
        entry.after := shown.second_row;
        entry.changes := public.registry_changes(entry.before, entry.after);
    END IF;

    entry.login := session_user;
    IF claimed_actor IS NOT NULL THEN
        -- The login, not the current role: SECURITY DEFINER and SET ROLE change only the latter. Its own
        -- memberships, not what it can reach: a superuser counts as a member of every role.
        server_role := to_regrole('registry_rest_server');
        login_role := to_regrole(quote_ident(session_user));
        IF NOT EXISTS (SELECT FROM pg_auth_members WHERE roleid = server_role AND member = login_role) THEN
            claimed_actor := NULL;
        END IF;
    END IF;
    IF claimed_actor IS NULL THEN
        entry.changed_by := session_user;
        entry.actor_source := 'login';
    ELSE
        entry.changed_by := claimed_actor;
        entry.actor_source := 'claimed';
    END IF;
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
    entry.timestamp := clock_timestamp();
    entry.id := nextval('public.extension_audit_log_id_seq');
    IF current_setting('registry.seal', true) = 'at_once' THEN
        IF is_switch THEN
            entry.revision := NEW.revision;
            -- Handed over by extensions_stamp. Whoever else may have set it: below it must be the end of the log.
            entry.previous_hash := current_setting('registry.previous_hash', true)::bytea;
            entry.hash_version := 2;
            entry.sealed_at := entry.timestamp;
            entry.hash := sha256(entry.previous_hash || convert_to(public.registry_entry_content(entry), 'UTF8'));
            UPDATE public.registry_head AS head
            SET revision = entry.revision, hash = entry.hash, sealed_at = entry.sealed_at
            WHERE head.revision = entry.revision - 1 AND head.hash = entry.previous_hash
              -- A clock that was put back must not make a later revision look older.
              AND (head.sealed_at IS NULL OR head.sealed_at <= entry.sealed_at);
            IF FOUND THEN
                INSERT INTO public.extension_audit_log VALUES (entry.*);
                -- Another trigger that swallows the entry must not let the change pass.
                IF NOT FOUND THEN
                    RAISE EXCEPTION 'The audit entry could not be written'
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                IF entry.revision % 64 = 0 THEN
                    PERFORM public.registry_count_entries(entry.revision);
                END IF;
                -- The revision alone: who wants to know more reads the tables, which can't miss anything.
                done := pg_notify('registry_changed', entry.revision::text)::text;
                RETURN NULL;
            END IF;
        END IF;
        -- Of several rows of one statement, and whatever else does not follow the end that was handed over.
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

-- As in migration 0160, without joining what is one row each.
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
    IF pg_catalog.concat(
        pg_catalog.current_setting('registry.group_id', true), pg_catalog.current_setting('registry.restored_revision', true),
        pg_catalog.current_setting('registry.undone_group_id', true),
        pg_catalog.current_setting('registry.undone_revision', true)) <> '' THEN
        RAISE EXCEPTION 'A switch brings nothing back: registry.group_id, registry.restored_revision, registry.undone_group_id and registry.undone_revision must be empty';
    END IF;
    done := pg_catalog.concat(
        pg_catalog.set_config('registry.reason', for_reason, true),
        pg_catalog.set_config('registry.os_user', of_os_user, true),
        pg_catalog.set_config('registry.request_id', of_request::text, true),
        pg_catalog.set_config('registry.actor', for_actor, true),
        pg_catalog.set_config('registry.seal', 'at_once', true),
        -- Whoever gives up waiting can't take a statement back. It fails, and what takes longer is done in another way.
        pg_catalog.set_config('lock_timeout', '100ms', true),
        -- Whoever asks again under this name, because the answer was lost, waits until it is known what became of it.
        pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(of_request::text, 0)));
    UPDATE public.extensions AS extension SET enabled = now_enabled
    WHERE extension.id = of_extension AND extension.enabled <> now_enabled
    RETURNING extension.id, extension.type, extension.subject, extension.timeout_ms, extension.retry, extension.enabled,
              extension.revision,
              -- An infinite time, which any writer may store, is none that can be told.
              CASE WHEN pg_catalog.isfinite(extension.created_at) THEN extension.created_at END, extension.updated_at,
              -- The score and the state as registry_health has them.
              (SELECT calls.success_count * 100.0::float8 / nullif(calls.success_count + calls.failure_count, 0)
               FROM public.extension_health AS calls WHERE calls.extension_id = extension.id)
    INTO id, type, subject, timeout_ms, retry, enabled, revision, created_at, updated_at, health_score_percent;
    IF NOT FOUND THEN
        RETURN QUERY
            SELECT extension.*, head.registry_id::text, head.revision, head.hash
            FROM public.registry_extension(of_extension) AS extension, public.registry_head AS head;
        RETURN;
    END IF;
    health := CASE
        WHEN health_score_percent IS NULL THEN 'no_data'
        WHEN health_score_percent < 90 THEN 'failing'
        WHEN health_score_percent < 99 THEN 'degraded'
        ELSE 'healthy'
    END;
    SELECT entry.action, entry.changed_by, entry.timestamp, entry.revision, entry.hash,
           (SELECT head.registry_id FROM public.registry_head AS head)
    INTO last_action, last_changed_by, last_timestamp, head_revision, head_hash, registry_id
    FROM public.extension_audit_log AS entry
    WHERE entry.revision = registry_switch.revision;
    RETURN NEXT;
END
$function$;

SELECT public.registry_hand_over();
