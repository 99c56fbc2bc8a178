-- Who may do what: group roles that logins are made members of.
--
--   registry_viewer    reads everything
--   registry_operator  and switches extensions on and off (a right on that one column)
--   registry_editor    and creates, changes and deletes them
--   registry_owner     owns the objects; nobody logs in as it
--
-- Nobody is given TRUNCATE, TRIGGER or any right to write the audit log: entries come from the
-- triggers alone.
-- Before: whoever made the tables owns them and nobody else may use them.
-- After:  the roles exist and hold their rights, as far as the migrating login is allowed to
--         create roles; where it is not, a warning names the statements that an administrator
--         must run, and everything else is migrated all the same.

DO $migration$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['registry_owner', 'registry_viewer', 'registry_operator', 'registry_editor']
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

    IF to_regrole('registry_viewer') IS NOT NULL THEN
        GRANT SELECT ON public.extensions, public.extension_audit_log, public.extension_health,
                        public._sqlx_migrations TO registry_viewer;
    END IF;

    IF to_regrole('registry_operator') IS NOT NULL THEN
        GRANT SELECT ON public.extensions, public.extension_audit_log, public.extension_health,
                        public._sqlx_migrations TO registry_operator;
        GRANT UPDATE (enabled) ON public.extensions TO registry_operator;
    END IF;

    IF to_regrole('registry_editor') IS NOT NULL THEN
        GRANT SELECT ON public.extensions, public.extension_audit_log, public.extension_health,
                        public._sqlx_migrations TO registry_editor;
        GRANT INSERT, UPDATE, DELETE ON public.extensions TO registry_editor;
    END IF;

    IF to_regrole('registry_owner') IS NOT NULL THEN
        BEGIN
            ALTER TABLE public.extensions OWNER TO registry_owner;
            ALTER TABLE public.extension_audit_log OWNER TO registry_owner;
            ALTER TABLE public.extension_health OWNER TO registry_owner;
            ALTER FUNCTION public.registry_stamp_extension() OWNER TO registry_owner;
            ALTER FUNCTION public.registry_audit_extension() OWNER TO registry_owner;
            ALTER FUNCTION public.registry_refuse_truncate() OWNER TO registry_owner;
            ALTER FUNCTION public.registry_changes(jsonb, jsonb) OWNER TO registry_owner;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE WARNING 'The tables stay with %: a superuser can hand them over with ALTER TABLE … OWNER TO registry_owner;', current_user;
        END;
    END IF;
END
$migration$;
