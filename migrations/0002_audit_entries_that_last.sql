-- Makes the audit log able to answer who changed what, and from where, for as long as it is kept.
--
-- Before: the log is deleted with its extension (ON DELETE CASCADE), an entry names a free-text
--         actor, and times have no zone.
-- After:  entries outlive their extension; they hold the row before and after, the actor and how
--         it is known, and an optional reason; every time is an instant.
-- Programs that insert into the log by themselves keep working: their entries are marked 'legacy'.

-- A time without a zone was written as local time of the writer's session. Which zone that was
-- can't be read from the data: name it with
--   ALTER DATABASE … SET registry.legacy_time_zone = 'Europe/Berlin'
-- before migrating, if it was not UTC.
DO $migration$
DECLARE
    zone text := coalesce(nullif(current_setting('registry.legacy_time_zone', true), ''), 'UTC');
BEGIN
    EXECUTE format(
        'ALTER TABLE public.extensions
             ALTER COLUMN created_at TYPE timestamptz USING created_at AT TIME ZONE %1$L,
             ALTER COLUMN updated_at TYPE timestamptz USING updated_at AT TIME ZONE %1$L', zone);
    EXECUTE format(
        'ALTER TABLE public.extension_audit_log
             ALTER COLUMN timestamp TYPE timestamptz USING timestamp AT TIME ZONE %1$L', zone);
    EXECUTE format(
        'ALTER TABLE public.extension_health
             ALTER COLUMN last_success TYPE timestamptz USING last_success AT TIME ZONE %1$L,
             ALTER COLUMN last_failure TYPE timestamptz USING last_failure AT TIME ZONE %1$L,
             ALTER COLUMN updated_at   TYPE timestamptz USING updated_at   AT TIME ZONE %1$L', zone);
END
$migration$;

ALTER TABLE public.extension_audit_log
    DROP CONSTRAINT IF EXISTS extension_audit_log_extension_id_fkey,
    ALTER COLUMN id TYPE bigint,
    ADD COLUMN actor_source text NOT NULL DEFAULT 'legacy',
    ADD COLUMN os_user text,
    ADD COLUMN application_name text,
    ADD COLUMN client_address inet,
    ADD COLUMN reason text,
    ADD COLUMN before jsonb,
    ADD COLUMN after jsonb,
    ADD CONSTRAINT extension_audit_log_actor_source CHECK (actor_source IN ('login', 'legacy')),
    ADD CONSTRAINT extension_audit_log_reason_length CHECK (char_length(reason) <= 500),
    -- An entry of our own that can't be true must not get in.
    ADD CONSTRAINT extension_audit_log_sides CHECK (
        actor_source = 'legacy'
        OR (
            changed_by IS NOT NULL AND changes IS NOT NULL AND timestamp IS NOT NULL
            AND CASE action
                WHEN 'created' THEN before IS NULL AND after IS NOT NULL
                WHEN 'deleted' THEN before IS NOT NULL AND after IS NULL
                ELSE before IS NOT NULL AND after IS NOT NULL
            END
        )
    );

ALTER SEQUENCE public.extension_audit_log_id_seq AS bigint;

-- One extension's entries, newest first: its history, and its last change in the list.
DROP INDEX IF EXISTS public.idx_audit_extension_id;
CREATE INDEX idx_audit_extension_id ON public.extension_audit_log (extension_id, id DESC);

COMMENT ON COLUMN public.extension_audit_log.changed_by IS 'The actor: for actor_source login, the database login that made the change';
COMMENT ON COLUMN public.extension_audit_log.actor_source IS 'How the actor is known: login = the database saw the login; legacy = a program wrote the entry itself, nothing was verified';
COMMENT ON COLUMN public.extension_audit_log.os_user IS 'Operating system account, as reported by the program that made the change';
COMMENT ON COLUMN public.extension_audit_log.application_name IS 'application_name of the session, as reported by the program';
COMMENT ON COLUMN public.extension_audit_log.client_address IS 'Address the session came from; NULL for a unix socket';
COMMENT ON COLUMN public.extension_audit_log.reason IS 'Why, in the actor''s words; at most 500 characters';
COMMENT ON COLUMN public.extension_audit_log.before IS 'The row before the change; NULL when it was created';
COMMENT ON COLUMN public.extension_audit_log.after IS 'The row after the change; NULL when it was deleted';
COMMENT ON COLUMN public.extension_audit_log.changes IS 'Per changed field {"before": …, "after": …}; a side on which the field did not exist is absent';
