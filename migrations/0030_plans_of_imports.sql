-- What a file would make of extensions, told before it is done.
--
-- Before: an edit is merged into one extension (registry_merge_edit); for many at once there is nothing.
-- After:  registry_plan_import tells for each extension of a file how it is and how it would be, with secrets
--         replaced by marks, and the whole row to write, with the secrets that stored marks stand for.

-- Each of `wanted`, an array of rows that have an id and need not have every field: what is left out stays as it
-- is, or has its default where there is no such extension.
--   before   the row as it may be shown; NULL if there is none
--   after    the row as it would be, as it may be shown
--   whole    the row as it would be written
--   missing  the paths of marks whose secrets the extension doesn't have
-- For editors alone: who may call it can find out whether a secret is the one that they guess.
CREATE FUNCTION public.registry_plan_import(wanted jsonb)
    RETURNS TABLE (id text, before jsonb, after jsonb, whole jsonb, missing text[])
    LANGUAGE plpgsql
    STABLE
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
AS $function$
DECLARE
    unseen   constant text[] := '{revision,created_at,updated_at}';
    -- As the columns' own.
    defaults constant jsonb := '{"timeout_ms": 5000, "retry": 1, "enabled": true, "config": {}, "metadata": {}}';
    item        jsonb;
    current_row jsonb;
    wanted_row  jsonb;
    unredacted  record;
    shown       record;
BEGIN
    FOR item IN SELECT value FROM jsonb_array_elements(wanted) LOOP
        id := item ->> 'id';
        current_row := (SELECT to_jsonb(extensions) - unseen FROM public.extensions WHERE extensions.id = item ->> 'id');
        wanted_row := coalesce(current_row, defaults) || item;
        unredacted := public.registry_unredact_row(wanted_row, ARRAY[current_row], id);
        missing := unredacted.missing;
        whole := unredacted.whole;
        -- A mark that stands for nothing is shown as it is.
        shown := public.registry_redact_rows(current_row, CASE WHEN missing = '{}' THEN whole ELSE wanted_row END);
        before := shown.first_row;
        after := shown.second_row;
        RETURN NEXT;
    END LOOP;
END
$function$;

REVOKE ALL ON FUNCTION public.registry_plan_import(jsonb) FROM PUBLIC;

DO $migration$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['registry_editor', 'registry_legacy_writer']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION public.registry_plan_import(jsonb) TO %I', role_name);
        END IF;
    END LOOP;
END
$migration$;

SELECT public.registry_hand_over();
