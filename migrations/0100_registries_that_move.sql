-- A registry that was moved to another database takes no changes any more, whoever makes them.
--
-- Before: whoever copies a registry elsewhere has two that can be changed.
-- After:  registry_move has a row while this database is not where the registry lives: it was moved away (state moved) or
--         has not arrived yet (state arriving). registry_apply_move puts a trigger on every table that refuses changes
--         (SQLSTATE RGMVD) while there is such a row, and takes them away when there is none.
--
-- Why triggers that come and go, and not one that looks at the row: a transaction that began before the move doesn't see
-- the row in its snapshot, but every statement sees the triggers of the table that it changes. And as long as a registry
-- has not moved, they cost nothing.

CREATE TABLE public.registry_move (
    is_only_row boolean PRIMARY KEY DEFAULT true CHECK (is_only_row),
    -- The same on both sides: what was begun is known again.
    move_id     uuid        NOT NULL,
    state       text        NOT NULL CHECK (state IN ('moved', 'arriving')),
    -- The other side, as people name it; no way in, and no secret.
    place       text        NOT NULL CHECK (char_length(place) BETWEEN 1 AND 500),
    revision    bigint      NOT NULL CHECK (revision >= 0),
    hash        bytea       NOT NULL CHECK (length(hash) = 32),
    changed_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE public.registry_move IS 'A row while this database takes no changes because the registry lives, or still lives, elsewhere';
COMMENT ON COLUMN public.registry_move.state IS 'moved: it lives at place now; arriving: it is being moved here from place, where it still lives';
COMMENT ON COLUMN public.registry_move.revision IS 'The registry''s revision when it was moved; hash is that of its entry';

CREATE FUNCTION public.registry_refuse_moved() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'This registry takes no changes'
        USING ERRCODE = 'RGMVD', DETAIL = TG_ARGV[0];
END
$function$;

-- Sets the guards as registry_move says. What is there afterwards depends on nothing that was there before.
CREATE FUNCTION public.registry_apply_move() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    move      public.registry_move := (SELECT registry_move FROM public.registry_move);
    guarded   record;
BEGIN
    FOR guarded IN
        SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE tgname = 'registry_moved' AND relnamespace = 'public'::regnamespace AND tgparentid = 0
    LOOP
        EXECUTE format('DROP TRIGGER registry_moved ON public.%I', guarded.relname);
    END LOOP;
    IF move.move_id IS NULL THEN
        RETURN;
    END IF;
    -- Partitions too: a statement that names one fires no trigger of the table that it is of.
    FOR guarded IN
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
          AND relname NOT IN ('registry_move', '_sqlx_migrations')
          AND relowner = (SELECT relowner FROM pg_class WHERE oid = 'public.extensions'::regclass)
    LOOP
        EXECUTE format(
            'CREATE TRIGGER registry_moved BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.%I
                 FOR EACH STATEMENT EXECUTE FUNCTION public.registry_refuse_moved(%L)',
            guarded.relname,
            CASE move.state WHEN 'moved' THEN 'was moved to ' ELSE 'has not arrived from ' END || move.place);
        EXECUTE format('ALTER TABLE public.%I ENABLE ALWAYS TRIGGER registry_moved', guarded.relname);
    END LOOP;
END
$function$;

REVOKE ALL ON FUNCTION
    public.registry_refuse_moved(),
    public.registry_apply_move()
    FROM PUBLIC;

DO $migration$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['registry_auditor', 'registry_viewer', 'registry_operator', 'registry_editor',
                                     'registry_router', 'registry_legacy_writer']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON public.registry_move TO %I', role_name);
        END IF;
    END LOOP;
END
$migration$;

SELECT public.registry_hand_over();
