-- One owner for everything that belongs to the registry.
--
-- Before: each migration hands over what it made; one that ran as a login that may not leaves some of it with
--         another owner, and the triggers' functions act for theirs.
-- After:  registry_hand_over, called at the end of this and of each later migration, gives all tables and
--         functions to registry_owner, or none and warns with every statement that an administrator must run.

CREATE FUNCTION public.registry_hand_over() RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    statements text[];
    statement  text;
    may_create boolean;
BEGIN
    IF to_regrole('registry_owner') IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(owned.statement ORDER BY owned.statement) INTO statements
    FROM (
        SELECT format('ALTER TABLE public.%I OWNER TO registry_owner', relname) AS statement
        FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
          AND (relname LIKE 'registry\_%' OR relname IN (
              'extensions', 'extension_audit_log', 'extension_health', 'configuration_schemas', 'secret_names',
              'secret_marks', 'settings_audit_log'))
          AND relowner <> 'registry_owner'::regrole
        UNION ALL
        SELECT format('ALTER FUNCTION %s OWNER TO registry_owner', oid::regprocedure)
        FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'registry\_%'
          AND proowner <> 'registry_owner'::regrole
    ) AS owned;
    IF statements IS NULL THEN
        RETURN;
    END IF;
    BEGIN
        -- Who is given an object must be allowed to create in its schema; only for the moment.
        may_create := has_schema_privilege('registry_owner', 'public', 'CREATE');
        IF NOT may_create THEN
            GRANT CREATE ON SCHEMA public TO registry_owner;
        END IF;
        FOREACH statement IN ARRAY statements LOOP
            EXECUTE statement;
        END LOOP;
        IF NOT may_create THEN
            REVOKE CREATE ON SCHEMA public FROM registry_owner;
        END IF;
    EXCEPTION WHEN insufficient_privilege THEN
        -- All or nothing: the triggers' functions act for the owner of the tables.
        RAISE WARNING 'The registry''s objects stay with %. To hand them over, a superuser must run all of: %;',
            current_user, array_to_string(statements, '; ');
    END;
END
$function$;

REVOKE ALL ON FUNCTION public.registry_hand_over() FROM PUBLIC;

SELECT public.registry_hand_over();
