-- Audit entries tell when they took effect, through which login, for whom, and what they undo; each
-- program has the role that fits it.
--
-- Before: an entry's time is when its statement ran, which is not when it was committed; the actor is
--         always the login, also behind a server that acts for many people; a program that writes
--         audit entries by itself adds a second entry to the trigger's.
-- After:  * sealed_at is the time of the seal. It never goes back from one revision to the next, so
--           "the registry at a moment" has one answer.
--         * registry_rest_server: a member may name the actor it acts for (registry.actor). The entry
--           says so (actor_source claimed), and keeps the login. Nobody else is believed.
--         * registry_auditor reads and verifies the audit log and sees nothing else.
--         * registry_legacy_writer, for programs older than the triggers: what an editor may do, the
--           health counters, and INSERT into the audit log. Such an insert succeeds and adds
--           nothing, because the trigger has written the entry already.
--         * Secrets are redacted before anything is compared or kept (migration 0007).
--         * Nobody but the owner may put triggers on the tables or empty them.
-- Entries sealed before keep their hash and its version 1; new ones have version 2, which covers the
-- new columns.

ALTER TABLE public.registry_head ADD COLUMN sealed_at timestamptz;
COMMENT ON COLUMN public.registry_head.sealed_at IS 'When the newest entry was sealed';

ALTER TABLE public.extension_audit_log
    ADD COLUMN login text,
    ADD COLUMN undone_group_id uuid,
    ADD COLUMN undone_revision bigint,
    ADD COLUMN sealed_at timestamptz,
    DROP CONSTRAINT extension_audit_log_actor_source,
    ADD CONSTRAINT extension_audit_log_actor_source CHECK (actor_source IN ('login', 'claimed', 'legacy')),
    DROP CONSTRAINT extension_audit_log_seal,
    ADD CONSTRAINT extension_audit_log_seal CHECK (
        (revision IS NULL AND previous_hash IS NULL AND hash IS NULL AND hash_version IS NULL AND sealed_at IS NULL)
        OR (revision > 0 AND length(previous_hash) = 32 AND length(hash) = 32
            AND (hash_version = 1 AND sealed_at IS NULL OR hash_version = 2 AND sealed_at IS NOT NULL))
    );

COMMENT ON COLUMN public.extension_audit_log.changed_by IS 'The actor: for actor_source login, the database login; for claimed, whom that login acted for';
COMMENT ON COLUMN public.extension_audit_log.actor_source IS 'How the actor is known: login = the database saw the login; claimed = a server of the role registry_rest_server named it; legacy = a program wrote the entry itself, nothing was verified';
COMMENT ON COLUMN public.extension_audit_log.login IS 'The database login that made the change; NULL in entries older than this column';
COMMENT ON COLUMN public.extension_audit_log.undone_group_id IS 'The group of changes that this change took back';
COMMENT ON COLUMN public.extension_audit_log.undone_revision IS 'The single change that this change took back';
COMMENT ON COLUMN public.extension_audit_log.sealed_at IS 'When the entry was sealed, which is when its change took effect; NULL in entries older than this column';

-- Every filter of the log has an index that is in the log's own order. They hold sealed entries alone, so
-- that an entry is put in once, when it is sealed, and not a second time when it is written.
DROP INDEX public.idx_audit_extension_id;
CREATE INDEX extension_audit_log_by_extension ON public.extension_audit_log (extension_id, revision) WHERE revision IS NOT NULL;
CREATE INDEX extension_audit_log_by_actor ON public.extension_audit_log (changed_by, revision) WHERE revision IS NOT NULL;
CREATE INDEX extension_audit_log_by_action ON public.extension_audit_log (action, revision) WHERE revision IS NOT NULL;
CREATE INDEX extension_audit_log_by_time ON public.extension_audit_log (sealed_at, revision) WHERE sealed_at IS NOT NULL;

-- What a hash covers: every field as its length in bytes, a colon, and its text; a dash for NULL. Times are
-- counted in microseconds and JSON is the stored text, so no setting of a session changes a byte of it.
-- Version 2 adds four fields to those of version 1.
CREATE OR REPLACE FUNCTION public.registry_entry_content(entry public.extension_audit_log) RETURNS text
    LANGUAGE sql
    STABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
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
$function$;

DROP FUNCTION public.registry_seal_entries();

-- Seals the entries from first_id on that the current transaction has written and nobody has sealed
-- yet. Entries of other transactions are either sealed or not visible. Starting at the transaction's
-- own first entry passes by the unsealed versions of sealed ones, which stay in the index for as long
-- as any transaction is open that is older than they are.
CREATE FUNCTION public.registry_seal_entries(first_id bigint) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    -- A slow or stuck writer must become an error for the others, not a standstill.
    SET lock_timeout = '10s'
AS $function$
DECLARE
    head  public.registry_head;
    entry public.extension_audit_log;
BEGIN
    SELECT * INTO STRICT head FROM public.registry_head FOR UPDATE;
    -- A clock that was put back must not make a later revision look older.
    head.sealed_at := greatest(clock_timestamp(), head.sealed_at);
    FOR entry IN
        SELECT * FROM public.extension_audit_log WHERE revision IS NULL AND id >= first_id ORDER BY id
    LOOP
        head.revision := head.revision + 1;
        entry.revision := head.revision;
        entry.previous_hash := head.hash;
        entry.hash_version := 2;
        entry.sealed_at := head.sealed_at;
        head.hash := sha256(head.hash || convert_to(public.registry_entry_content(entry), 'UTF8'));
        UPDATE public.extension_audit_log
        SET revision = entry.revision, previous_hash = entry.previous_hash, hash = head.hash,
            hash_version = entry.hash_version, sealed_at = entry.sealed_at
        WHERE id = entry.id;
        UPDATE public.extensions SET revision = entry.revision WHERE id = entry.extension_id;
    END LOOP;
    UPDATE public.registry_head SET revision = head.revision, hash = head.hash, sealed_at = head.sealed_at;
    -- The revision alone: who wants to know more reads the tables, which can't miss anything.
    PERFORM pg_notify('registry_changed', head.revision::text);
END
$function$;

CREATE OR REPLACE FUNCTION public.registry_seal_at_commit() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- Triggers fire in the order of the entries: the first one seals all, the others find it done.
    IF EXISTS (SELECT FROM public.extension_audit_log WHERE id = NEW.id AND revision IS NULL) THEN
        PERFORM public.registry_seal_entries(NEW.id);
    END IF;
    RETURN NULL;
END
$function$;

-- Lets in the entries that the audit trigger writes, and no others. Both must hold: the depth, because
-- an owner's own INSERT is none of the trigger's; the user, because anybody can make a trigger on a
-- table of their own.
CREATE FUNCTION public.registry_admit_entry() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF pg_trigger_depth() > 1
       AND current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID) THEN
        RETURN NEW;
    END IF;
    RAISE NOTICE 'Nothing was inserted: the change itself has written its audit entry';
    RETURN NULL;
END
$function$;

CREATE TRIGGER extension_audit_log_admit
    BEFORE INSERT ON public.extension_audit_log
    FOR EACH ROW EXECUTE FUNCTION public.registry_admit_entry();
ALTER TABLE public.extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_admit;

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

    before_row := public.registry_redact_row(before_row);
    after_row := public.registry_redact_row(after_row);

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

REVOKE ALL ON FUNCTION
    public.registry_seal_entries(bigint),
    public.registry_admit_entry()
    FROM PUBLIC;

DO $migration$
DECLARE
    role_name text;
    granted   record;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['registry_auditor', 'registry_rest_server', 'registry_legacy_writer']
    LOOP
        BEGIN
            IF to_regrole(role_name) IS NULL THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            END IF;
        EXCEPTION
            -- Roles belong to the whole cluster: another database's migration may be making them now.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE WARNING 'This login can''t create roles. An administrator must run: CREATE ROLE % NOLOGIN;', role_name;
        END;
    END LOOP;

    IF to_regrole('registry_auditor') IS NOT NULL THEN
        GRANT SELECT ON public.extension_audit_log, public.registry_head, public._sqlx_migrations TO registry_auditor;
    END IF;

    IF to_regrole('registry_legacy_writer') IS NOT NULL THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON public.extensions TO registry_legacy_writer;
        GRANT SELECT, INSERT ON public.extension_audit_log TO registry_legacy_writer;
        GRANT USAGE ON SEQUENCE public.extension_audit_log_id_seq TO registry_legacy_writer;
        GRANT SELECT, INSERT, UPDATE ON public.extension_health TO registry_legacy_writer;
        GRANT SELECT ON public.registry_head TO registry_legacy_writer;
    END IF;

    -- What older grants may have left, to whomever: a trigger of another's could swallow an entry.
    FOR granted IN
        SELECT relname, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS grantee
        FROM pg_class, aclexplode(relacl)
        WHERE pg_class.oid IN ('public.extensions'::regclass, 'public.extension_audit_log'::regclass)
          AND privilege_type IN ('TRIGGER', 'TRUNCATE')
          AND grantee <> relowner
    LOOP
        EXECUTE format('REVOKE TRIGGER, TRUNCATE ON public.%I FROM %s CASCADE', granted.relname, granted.grantee);
    END LOOP;

    IF to_regrole('registry_owner') IS NOT NULL THEN
        BEGIN
            ALTER FUNCTION public.registry_seal_entries(bigint) OWNER TO registry_owner;
            ALTER FUNCTION public.registry_admit_entry() OWNER TO registry_owner;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'The functions of this migration stay with %', current_user;
        END;
    END IF;
END
$migration$;
