-- No change of an extension without an audit entry, no entry without a change: whoever writes.
--
-- Before: entries exist only where a program remembers to write them.
-- After:  row triggers write the entry in the changing transaction. They fire always, also under
--         session_replication_role = replica, and run with the rights of their owner, so that a
--         writer needs no right on the log. TRUNCATE, which fires no row trigger, is refused.

-- updated_at follows the row: it moves with every real change and stays where nothing changed,
-- so that an update which changes nothing leaves the row bit for bit as it was.
CREATE FUNCTION public.registry_stamp_extension() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    NEW.updated_at := OLD.updated_at;
    -- *= compares the stored images: 1 and 1.0 in a configuration are different texts.
    IF NOT (NEW *= OLD) THEN
        NEW.updated_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$function$;

-- The fields of two versions of a row that differ, each with the sides on which it existed.
CREATE FUNCTION public.registry_changes(before jsonb, after jsonb) RETURNS jsonb
    LANGUAGE sql
    IMMUTABLE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(
        jsonb_object_agg(
            key,
            CASE
                WHEN NOT coalesce(before ? key, false) THEN jsonb_build_object('after', after -> key)
                WHEN NOT coalesce(after ? key, false) THEN jsonb_build_object('before', before -> key)
                ELSE jsonb_build_object('before', before -> key, 'after', after -> key)
            END),
        '{}')
    FROM (SELECT jsonb_object_keys(before) UNION SELECT jsonb_object_keys(after)) AS keys (key)
    WHERE key <> 'updated_at'
      AND (before -> key)::text IS DISTINCT FROM (after -> key)::text
$function$;

CREATE FUNCTION public.registry_audit_extension() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    -- The rows are kept as JSON: the same instant must read the same whatever the session's zone.
    SET timezone = 'UTC'
    SET datestyle = 'ISO'
AS $function$
DECLARE
    before_row jsonb;
    after_row  jsonb;
    entry_action text;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW *= OLD THEN
        RETURN NULL;
    END IF;

    IF TG_OP <> 'INSERT' THEN
        before_row := to_jsonb(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        after_row := to_jsonb(NEW);
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
        (extension_id, action, changed_by, actor_source, os_user, application_name,
         client_address, reason, before, after, changes, timestamp)
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
         before_row,
         after_row,
         public.registry_changes(before_row, after_row),
         clock_timestamp());
    RETURN NULL;
END
$function$;

CREATE FUNCTION public.registry_refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION 'TRUNCATE of % is refused: it would leave no audit entry', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'Use DELETE, which is audited.';
END
$function$;

CREATE TRIGGER extensions_stamp
    BEFORE UPDATE ON public.extensions
    FOR EACH ROW EXECUTE FUNCTION public.registry_stamp_extension();

CREATE TRIGGER extensions_audit
    AFTER INSERT OR UPDATE OR DELETE ON public.extensions
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_extension();

CREATE TRIGGER extensions_refuse_truncate
    BEFORE TRUNCATE ON public.extensions
    FOR EACH STATEMENT EXECUTE FUNCTION public.registry_refuse_truncate();

CREATE TRIGGER extension_audit_log_refuse_truncate
    BEFORE TRUNCATE ON public.extension_audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION public.registry_refuse_truncate();

ALTER TABLE public.extensions ENABLE ALWAYS TRIGGER extensions_stamp;
ALTER TABLE public.extensions ENABLE ALWAYS TRIGGER extensions_audit;
ALTER TABLE public.extensions ENABLE ALWAYS TRIGGER extensions_refuse_truncate;
ALTER TABLE public.extension_audit_log ENABLE ALWAYS TRIGGER extension_audit_log_refuse_truncate;

-- A trigger needs no EXECUTE right to fire; nobody is to call these by hand.
REVOKE ALL ON FUNCTION
    public.registry_stamp_extension(),
    public.registry_audit_extension(),
    public.registry_refuse_truncate()
    FROM PUBLIC;
