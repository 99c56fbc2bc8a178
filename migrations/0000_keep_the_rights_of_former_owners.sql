-- A program that owned the tables keeps its rights on them after they are handed over.
--
-- Before: the tables may exist, made by hand, and belong to the login of the program that uses them.
-- After:  that login is a member of registry_legacy_writer, which migration 0008 gives the rights
--         that such a program needs. Later migrations hand the tables to registry_owner; without
--         this, the program could not even read them afterwards.
-- Numbered 0, because it must run before the tables are handed over. Where they have been handed
-- over already, and where there are none, it does nothing but make the role.

DO $migration$
DECLARE
    former_owner name := (
        SELECT rolname
        FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner
        WHERE pg_class.oid = to_regclass('public.extensions')
          AND NOT rolsuper AND rolname <> 'registry_owner');
BEGIN
    BEGIN
        IF to_regrole('registry_legacy_writer') IS NULL THEN
            CREATE ROLE registry_legacy_writer NOLOGIN;
        END IF;
    EXCEPTION
        -- Roles belong to the whole cluster: another database's migration may be making it now.
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN
            RAISE WARNING 'This login can''t create roles. An administrator must run: CREATE ROLE registry_legacy_writer NOLOGIN;';
    END;
    IF former_owner IS NOT NULL AND to_regrole('registry_legacy_writer') IS NOT NULL THEN
        BEGIN
            EXECUTE format('GRANT registry_legacy_writer TO %I', former_owner);
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'An administrator must run: GRANT registry_legacy_writer TO %;', former_owner;
        END;
    END IF;
END
$migration$;
