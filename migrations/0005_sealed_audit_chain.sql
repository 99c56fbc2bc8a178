-- Numbers the audit entries in commit order and chains them by hash, so that a change to the log itself
-- shows, and so that one number, the registry's revision, orders everything that ever happened.
--
-- Before: entries are ordered by a sequence, which has gaps and is not in commit order; whoever
--         owns the table could edit, remove or reorder entries without a trace.
-- After:  at commit, and only then, a deferred trigger locks the one row of registry_head, gives
--         each entry of the transaction the next revision, links it to the entry before by hash,
--         moves the head on and notifies. Entries that are there already are sealed by this
--         migration. A sealed entry can't be changed or removed; whoever owns the table can switch
--         that guard off, but then the chain no longer verifies.
--
-- Why at commit: a lock that is taken when the entry is written would make every other writer wait for
-- a transaction that stays open. Why a lock at all: two entries would else link to the same one.

ALTER TABLE public.extensions ADD COLUMN revision bigint NOT NULL DEFAULT 0;

ALTER TABLE public.extension_audit_log
    ADD COLUMN request_id uuid,
    ADD COLUMN group_id uuid,
    ADD COLUMN restored_revision bigint,
    ADD COLUMN revision bigint,
    ADD COLUMN previous_hash bytea,
    ADD COLUMN hash bytea,
    ADD COLUMN hash_version smallint,
    ADD CONSTRAINT extension_audit_log_seal CHECK (
        (revision IS NULL AND previous_hash IS NULL AND hash IS NULL AND hash_version IS NULL)
        OR (revision > 0 AND length(previous_hash) = 32 AND length(hash) = 32 AND hash_version = 1)
    );

CREATE UNIQUE INDEX extension_audit_log_revision ON public.extension_audit_log (revision);
CREATE INDEX extension_audit_log_unsealed ON public.extension_audit_log (id) WHERE revision IS NULL;
CREATE INDEX extension_audit_log_request ON public.extension_audit_log (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX extension_audit_log_group ON public.extension_audit_log (group_id) WHERE group_id IS NOT NULL;

-- The end of the chain: one row.
CREATE TABLE public.registry_head (
    is_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_only_row),
    -- Tells this registry from any other, a restored or emptied one included.
    registry_id uuid   NOT NULL DEFAULT gen_random_uuid(),
    revision    bigint NOT NULL DEFAULT 0 CHECK (revision >= 0),
    hash        bytea  NOT NULL CHECK (length(hash) = 32)
);

COMMENT ON TABLE public.registry_head IS 'The registry''s revision and the hash of its newest audit entry';
COMMENT ON COLUMN public.registry_head.hash IS 'Before the first entry: sha256 of the registry_id as text';
COMMENT ON COLUMN public.extensions.revision IS 'The revision that last changed the row; 0: it has not changed since it was adopted';
COMMENT ON COLUMN public.extension_audit_log.revision IS 'Place in the chain: 1, 2, 3 … in commit order; NULL only inside the writing transaction';
COMMENT ON COLUMN public.extension_audit_log.previous_hash IS 'hash of the entry before';
COMMENT ON COLUMN public.extension_audit_log.hash IS 'sha256 of previous_hash and registry_entry_content of the entry';
COMMENT ON COLUMN public.extension_audit_log.request_id IS 'The caller''s name for the request, so that a lost answer can be looked up';
COMMENT ON COLUMN public.extension_audit_log.group_id IS 'Common to the entries of one bulk change';
COMMENT ON COLUMN public.extension_audit_log.restored_revision IS 'The revision whose version of the row this change brought back';

INSERT INTO public.registry_head (registry_id, hash)
SELECT id, sha256(convert_to(id::text, 'UTF8')) FROM gen_random_uuid() AS id;

-- What a hash covers, version 1: every field as its length in bytes, a colon, and its text; a dash for
-- NULL. Times are counted in microseconds and JSON is the stored text, so no setting of a session
-- changes a byte of it.
CREATE FUNCTION public.registry_entry_content(entry public.extension_audit_log) RETURNS text
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
    ]) WITH ORDINALITY AS fields (field, place)
$function$;

-- Seals the entries that the current transaction has written and nobody has sealed yet. Entries of
-- other transactions are either sealed or not visible.
CREATE FUNCTION public.registry_seal_entries() RETURNS void
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
    FOR entry IN
        SELECT * FROM public.extension_audit_log WHERE revision IS NULL ORDER BY id
    LOOP
        head.revision := head.revision + 1;
        entry.revision := head.revision;
        entry.previous_hash := head.hash;
        head.hash := sha256(head.hash || convert_to(public.registry_entry_content(entry), 'UTF8'));
        UPDATE public.extension_audit_log
        SET revision = entry.revision, previous_hash = entry.previous_hash, hash = head.hash, hash_version = 1
        WHERE id = entry.id;
        UPDATE public.extensions SET revision = entry.revision WHERE id = entry.extension_id;
    END LOOP;
    UPDATE public.registry_head SET revision = head.revision, hash = head.hash;
    -- The revision alone: who wants to know more reads the tables, which can't miss anything.
    PERFORM pg_notify('registry_changed', head.revision::text);
END
$function$;

CREATE FUNCTION public.registry_seal_at_commit() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    -- The first entry's trigger seals all of the transaction's entries; the others find it done.
    IF EXISTS (SELECT FROM public.extension_audit_log WHERE id = NEW.id AND revision IS NULL) THEN
        PERFORM public.registry_seal_entries();
    END IF;
    RETURN NULL;
END
$function$;

CREATE FUNCTION public.registry_keep_entries() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.revision IS NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Audit entry % is sealed: it can be neither changed nor removed', OLD.id
        USING ERRCODE = 'insufficient_privilege';
END
$function$;

-- updated_at and revision follow the row: whoever writes them.
CREATE OR REPLACE FUNCTION public.registry_stamp_extension() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    is_sealing boolean := current_user = (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = TG_RELID);
    candidate  public.extensions := NEW;
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.revision := 0;
        RETURN NEW;
    END IF;
    -- Only the seal, which runs as the table's owner, moves the revision.
    IF NOT is_sealing THEN
        NEW.revision := OLD.revision;
    END IF;
    candidate.updated_at := OLD.updated_at;
    candidate.revision := OLD.revision;
    -- *= compares the stored images: 1 and 1.0 in a configuration are different texts.
    IF candidate *= OLD THEN
        NEW.updated_at := OLD.updated_at;
    ELSE
        NEW.updated_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$function$;

CREATE OR REPLACE FUNCTION public.registry_audit_extension() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    -- The rows are kept as JSON: the same instant must read the same whatever the session's zone.
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
AS $function$
DECLARE
    candidate    public.extensions;
    before_row   jsonb;
    after_row    jsonb;
    entry_action text;
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

    INSERT INTO public.extension_audit_log
        (extension_id, action, changed_by, actor_source, os_user, application_name, client_address,
         reason, request_id, group_id, restored_revision, before, after, changes, timestamp)
    VALUES
        (coalesce(after_row, before_row) ->> 'id',
         entry_action,
         -- The login, not the current role: SECURITY DEFINER and SET ROLE change only the latter.
         session_user,
         'login',
         nullif(current_setting('registry.os_user', true), ''),
         nullif(current_setting('application_name', true), ''),
         inet_client_addr(),
         nullif(current_setting('registry.reason', true), ''),
         nullif(current_setting('registry.request_id', true), '')::uuid,
         nullif(current_setting('registry.group_id', true), '')::uuid,
         nullif(current_setting('registry.restored_revision', true), '')::bigint,
         before_row,
         after_row,
         public.registry_changes(before_row, after_row),
         clock_timestamp());
    RETURN NULL;
END
$function$;

DROP TRIGGER extensions_stamp ON public.extensions;
CREATE TRIGGER extensions_stamp
    BEFORE INSERT OR UPDATE ON public.extensions
    FOR EACH ROW EXECUTE FUNCTION public.registry_stamp_extension();
ALTER TABLE public.extensions ENABLE ALWAYS TRIGGER extensions_stamp;

CREATE CONSTRAINT TRIGGER extension_audit_log_seal_at_commit
    AFTER INSERT ON public.extension_audit_log
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.registry_seal_at_commit();
ALTER TABLE public.extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_seal_at_commit;

CREATE TRIGGER extension_audit_log_keep
    BEFORE UPDATE OR DELETE ON public.extension_audit_log
    FOR EACH ROW EXECUTE FUNCTION public.registry_keep_entries();
ALTER TABLE public.extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_keep;

CREATE TRIGGER registry_head_refuse_truncate
    BEFORE TRUNCATE ON public.registry_head
    FOR EACH STATEMENT EXECUTE FUNCTION public.registry_refuse_truncate();
ALTER TABLE public.registry_head ENABLE ALWAYS TRIGGER registry_head_refuse_truncate;

REVOKE ALL ON FUNCTION
    public.registry_seal_entries(),
    public.registry_seal_at_commit(),
    public.registry_keep_entries()
    FROM PUBLIC;

DO $migration$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['registry_viewer', 'registry_operator', 'registry_editor']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON public.registry_head TO %I', role_name);
        END IF;
    END LOOP;

    IF to_regrole('registry_owner') IS NOT NULL THEN
        BEGIN
            ALTER TABLE public.registry_head OWNER TO registry_owner;
            ALTER FUNCTION public.registry_entry_content(public.extension_audit_log) OWNER TO registry_owner;
            ALTER FUNCTION public.registry_seal_entries() OWNER TO registry_owner;
            ALTER FUNCTION public.registry_seal_at_commit() OWNER TO registry_owner;
            ALTER FUNCTION public.registry_keep_entries() OWNER TO registry_owner;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'registry_head stays with %: a superuser can hand it over with ALTER TABLE public.registry_head OWNER TO registry_owner;', current_user;
        END;
    END IF;
END
$migration$;

-- Adopted entries become the beginning of the chain. Now, because the seal may move a row's revision
-- only as the owner that the tables have by now. Rows that no entry is about stay at revision 0.
SELECT public.registry_seal_entries();
