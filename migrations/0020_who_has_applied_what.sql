-- Lets the programs that use the registry tell which revision they have applied, so that the console can
-- show what runs and not only what the table says.
--
-- Before: that an extension is switched off says nothing about the routers that still use it.
-- After:  a program that reads the registry calls registry_report_applied from time to time; its row says
--         which revision it has applied and when it was last heard of. A row is its login's alone:
--         nobody can report for another login, and nobody but the function writes the table. Rows of
--         programs that were not heard of for seven days go when the next program reports for the first time.

CREATE TABLE public.registry_consumers (
    consumer_id      uuid        PRIMARY KEY,
    name             text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
    host             text        NOT NULL CHECK (char_length(host) <= 255),
    version          text        NOT NULL CHECK (char_length(version) <= 255),
    login            text        NOT NULL,
    client_address   inet,
    applied_revision bigint      NOT NULL CHECK (applied_revision >= 0),
    started_at       timestamptz NOT NULL,
    seen_at          timestamptz NOT NULL
)
-- Each report rewrites its row: with room on the page and no index on what changes, in its place.
WITH (fillfactor = 50);

COMMENT ON TABLE public.registry_consumers IS 'The programs that use the registry and the revision that each has applied';
COMMENT ON COLUMN public.registry_consumers.consumer_id IS 'One run of a program, named by itself';
COMMENT ON COLUMN public.registry_consumers.name IS 'The program, as it reported itself; host and version too';
COMMENT ON COLUMN public.registry_consumers.login IS 'The database login that reports; the database saw it';
COMMENT ON COLUMN public.registry_consumers.client_address IS 'Where the last report came from; NULL for a unix socket';
COMMENT ON COLUMN public.registry_consumers.applied_revision IS 'The registry revision that the program worked by at its last report';
COMMENT ON COLUMN public.registry_consumers.started_at IS 'Its first report, by the database''s clock';
COMMENT ON COLUMN public.registry_consumers.seen_at IS 'Its last report, by the database''s clock';

CREATE FUNCTION public.registry_report_applied(
    consumer uuid, consumer_name text, consumer_host text, consumer_version text, revision bigint) RETURNS void
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    now_then timestamptz := clock_timestamp();
BEGIN
    UPDATE public.registry_consumers
    SET name = consumer_name, host = consumer_host, version = consumer_version,
        client_address = inet_client_addr(), applied_revision = revision, seen_at = now_then
    -- The login, not the current role: SECURITY DEFINER and SET ROLE change only the latter.
    WHERE consumer_id = consumer AND login = session_user;
    IF FOUND THEN
        RETURN;
    END IF;

    INSERT INTO public.registry_consumers
        (consumer_id, name, host, version, login, client_address, applied_revision, started_at, seen_at)
    VALUES
        (consumer, consumer_name, consumer_host, consumer_version, session_user, inet_client_addr(), revision,
         now_then, now_then)
    ON CONFLICT (consumer_id) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'Consumer % belongs to another login', consumer
            USING ERRCODE = 'insufficient_privilege';
    END IF;

    -- Only with a program's first report: thousands of them report every few seconds. Two that prune at once
    -- don't wait for each other.
    DELETE FROM public.registry_consumers
    WHERE consumer_id IN (
        SELECT consumer_id FROM public.registry_consumers
        WHERE seen_at < now_then - interval '7 days'
        FOR UPDATE SKIP LOCKED
    );
END
$function$;

REVOKE ALL ON FUNCTION public.registry_report_applied(uuid, text, text, text, bigint) FROM PUBLIC;

DO $migration$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['registry_viewer', 'registry_operator', 'registry_editor']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON public.registry_consumers TO %I', role_name);
            EXECUTE format('GRANT EXECUTE ON FUNCTION public.registry_report_applied(uuid, text, text, text, bigint) TO %I', role_name);
        END IF;
    END LOOP;

    IF to_regrole('registry_owner') IS NOT NULL THEN
        BEGIN
            ALTER TABLE public.registry_consumers OWNER TO registry_owner;
            ALTER FUNCTION public.registry_report_applied(uuid, text, text, text, bigint) OWNER TO registry_owner;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'registry_consumers stays with %', current_user;
        END;
    END IF;
END
$migration$;
