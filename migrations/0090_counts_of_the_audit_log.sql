-- How many entries of each kind the log has up to any revision, without counting them.
--
-- Before: how much happened when is found out by counting entries, which takes seconds where there are millions.
-- After:  registry_audit_counts has, for each 64th revision, how many entries of each kind there are up to it. How
--         many there are between two moments is then one subtraction, plus at most 63 entries at either end that an
--         index finds. Entries of any kind need no table: revisions have no gaps, so their difference is the number.
--         The seal writes a row when it passes a 64th revision, and nothing else; this migration writes those of the
--         entries that are there.
--
-- By revision and not by hour: then no zone's quarters of an hour matter, and a burst costs no more than a quiet year.

CREATE TABLE public.registry_audit_counts (
    revision bigint PRIMARY KEY CHECK (revision > 0 AND revision % 64 = 0),
    created  bigint NOT NULL,
    updated  bigint NOT NULL,
    deleted  bigint NOT NULL,
    enabled  bigint NOT NULL,
    disabled bigint NOT NULL,
    -- Fewer where entries were removed past the guard, which must not stop the seal: a verification tells it.
    CHECK (created + updated + deleted + enabled + disabled <= revision)
);

COMMENT ON TABLE public.registry_audit_counts IS 'How many audit entries of each kind there are up to each 64th revision; written by the seal';

-- Counts on from the last counted revision to the last 64th one that is sealed.
CREATE FUNCTION public.registry_count_entries(sealed_to bigint) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    last public.registry_audit_counts;
BEGIN
    SELECT * INTO last FROM public.registry_audit_counts ORDER BY revision DESC LIMIT 1;
    INSERT INTO public.registry_audit_counts (revision, created, updated, deleted, enabled, disabled)
    SELECT part * 64,
           coalesce(last.created, 0) + sum(created) OVER parts,
           coalesce(last.updated, 0) + sum(updated) OVER parts,
           coalesce(last.deleted, 0) + sum(deleted) OVER parts,
           coalesce(last.enabled, 0) + sum(enabled) OVER parts,
           coalesce(last.disabled, 0) + sum(disabled) OVER parts
    FROM (
        SELECT (revision + 63) / 64 AS part,
               count(*) FILTER (WHERE action = 'created') AS created,
               count(*) FILTER (WHERE action = 'updated') AS updated,
               count(*) FILTER (WHERE action = 'deleted') AS deleted,
               count(*) FILTER (WHERE action = 'enabled') AS enabled,
               count(*) FILTER (WHERE action = 'disabled') AS disabled
        FROM public.extension_audit_log
        WHERE revision > coalesce(last.revision, 0) AND revision <= sealed_to / 64 * 64
        GROUP BY part
    ) AS counted
    WINDOW parts AS (ORDER BY part);
END
$function$;

-- As in migration 0008, and counts.
CREATE OR REPLACE FUNCTION public.registry_seal_entries(first_id bigint) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    -- A slow or stuck writer must become an error for the others, not a standstill.
    SET lock_timeout = '10s'
AS $function$
DECLARE
    head       public.registry_head;
    entry      public.extension_audit_log;
    began_from bigint;
BEGIN
    SELECT * INTO STRICT head FROM public.registry_head FOR UPDATE;
    began_from := head.revision;
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
    IF head.revision / 64 > began_from / 64 THEN
        PERFORM public.registry_count_entries(head.revision);
    END IF;
    -- The revision alone: who wants to know more reads the tables, which can't miss anything.
    PERFORM pg_notify('registry_changed', head.revision::text);
END
$function$;

-- Nothing is sealed while what is there is counted.
LOCK TABLE public.registry_head IN EXCLUSIVE MODE;
SELECT public.registry_count_entries(revision) FROM public.registry_head;

CREATE TRIGGER registry_audit_counts_refuse_truncate
    BEFORE TRUNCATE ON public.registry_audit_counts
    FOR EACH STATEMENT EXECUTE FUNCTION public.registry_refuse_truncate();
ALTER TABLE public.registry_audit_counts ENABLE ALWAYS TRIGGER registry_audit_counts_refuse_truncate;

REVOKE ALL ON FUNCTION public.registry_count_entries(bigint) FROM PUBLIC;

DO $migration$
DECLARE
    role_name text;
BEGIN
    -- Whoever reads the log.
    FOREACH role_name IN ARRAY ARRAY['registry_auditor', 'registry_viewer', 'registry_operator', 'registry_editor',
                                     'registry_router', 'registry_legacy_writer']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON public.registry_audit_counts TO %I', role_name);
        END IF;
    END LOOP;
END
$migration$;

SELECT public.registry_hand_over();
