-- An extension can be tried: there is a message to send to it, and it can be tried regularly.
--
-- Before: who wants to know whether an extension answers waits for traffic, or writes a message by hand.
-- After:  * health_test_messages holds what is sent to try an extension: one message for each type, and one for an
--           extension that needs another. They are settings: editors change them, and each change is in the settings'
--           audit log.
--         * An extension that check_every_seconds is set of is tried by itself, by consoles that are open.
--           registry_claim_test_checks hands each check that is due to one of them, however many ask at once.
--         What comes of a test is recorded by registry_record_health with the source 'test', which leaves the counters
--         of traffic alone.
--         A message outlives its extension, as its limits and its schema do: who brings the extension back finds it.

CREATE TABLE public.health_test_messages (
    extension_type      varchar(50) UNIQUE CHECK (extension_type IN ('pre', 'validator', 'post', 'provider')),
    extension_id        varchar(255) UNIQUE,
    payload             text,
    check_every_seconds integer,
    last_check_at       timestamptz,
    changed_by          text NOT NULL DEFAULT session_user,
    changed_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT health_test_messages_scope CHECK (num_nonnulls(extension_type, extension_id) = 1),
    -- The cast refuses what is no JSON; the text is kept as it was written, every digit of it.
    CONSTRAINT health_test_messages_json CHECK (payload IS NULL OR payload::json IS NOT NULL),
    CONSTRAINT health_test_messages_size CHECK (octet_length(payload) <= 65536),
    CONSTRAINT health_test_messages_type CHECK (extension_type IS NULL
        OR (payload IS NOT NULL AND check_every_seconds IS NULL AND last_check_at IS NULL)),
    CONSTRAINT health_test_messages_some CHECK (num_nonnulls(payload, check_every_seconds) > 0),
    CONSTRAINT health_test_messages_every CHECK (check_every_seconds BETWEEN 30 AND 86400)
);

COMMENT ON TABLE public.health_test_messages IS 'What is sent to try an extension: a row for each type, and one for an extension whose message stands before its type''s or that is tried regularly';
COMMENT ON COLUMN public.health_test_messages.payload IS 'The message, JSON; NULL: its type''s. No place for secrets: whoever reads the registry reads it, and it goes to the log of changes';
COMMENT ON COLUMN public.health_test_messages.check_every_seconds IS 'So often the extension is tried while it is on and a console is open; NULL: only when somebody asks for it';
COMMENT ON COLUMN public.health_test_messages.last_check_at IS 'When a console last took it upon itself to try it; written by registry_claim_test_checks alone';

-- Every text is marked as a test, for extensions that would act on what they are told.
INSERT INTO public.health_test_messages (extension_type, payload) VALUES
    ('pre', E'{\n  "test": true,\n  "text": "  A   message with  too many spaces "\n}'),
    ('validator', E'{\n  "test": true,\n  "text": "A message that nothing is wrong with"\n}'),
    ('post', E'{\n  "test": true,\n  "text": "Write to anna@example.com or call 555 0100"\n}'),
    ('provider', E'{\n  "test": true,\n  "messages": [\n    {"role": "user", "content": "Answer with one word: hello"}\n  ]\n}');

ALTER TABLE public.settings_audit_log DROP CONSTRAINT settings_audit_log_setting_check;
ALTER TABLE public.settings_audit_log ADD CONSTRAINT settings_audit_log_setting_check
    CHECK (setting IN ('configuration_schema', 'secret_name', 'health_retention', 'health_threshold', 'test_message'));

-- As for other settings of health; that a check was taken on is no change of a setting.
CREATE FUNCTION public.registry_audit_test_message() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    no_setting text[] := '{changed_by,changed_at,last_check_at}';
    old_row    jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - no_setting END;
    new_row    jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - no_setting END;
    some_row   jsonb := coalesce(new_row, old_row);
BEGIN
    IF TG_WHEN = 'BEFORE' THEN
        IF old_row IS DISTINCT FROM new_row THEN
            NEW.changed_by := session_user;
            NEW.changed_at := clock_timestamp();
        ELSE
            NEW.changed_by := OLD.changed_by;
            NEW.changed_at := OLD.changed_at;
        END IF;
        RETURN NEW;
    END IF;
    IF old_row IS DISTINCT FROM new_row THEN
        INSERT INTO public.settings_audit_log (setting, name, before, after)
        VALUES (
            'test_message',
            coalesce('extension:' || (some_row ->> 'extension_id'), 'type:' || (some_row ->> 'extension_type')),
            old_row, new_row);
    END IF;
    RETURN NULL;
END
$function$;

CREATE TRIGGER health_test_messages_stamp BEFORE INSERT OR UPDATE ON public.health_test_messages
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_test_message();
CREATE TRIGGER health_test_messages_audit AFTER INSERT OR UPDATE OR DELETE ON public.health_test_messages
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_test_message();
ALTER TABLE public.health_test_messages ENABLE ALWAYS TRIGGER health_test_messages_stamp;
ALTER TABLE public.health_test_messages ENABLE ALWAYS TRIGGER health_test_messages_audit;

-- Takes on up to so many of the checks that are due, for whoever calls it and nobody else: what another takes on at
-- the same moment is locked and left out, and what it has taken on is not due any more. A check whose console ends
-- before it is made is lost, and the next is due after its time. None is due before the one before it can be over.
CREATE FUNCTION public.registry_claim_test_checks(at_most integer)
    RETURNS TABLE (extension_id text, subject text, timeout_ms integer, retry integer, payload text)
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
    WITH due AS (
        SELECT message.extension_id, extension.subject, extension.timeout_ms, extension.retry,
               coalesce(message.payload, of_type.payload, '{}') AS payload
        FROM public.health_test_messages AS message
        JOIN public.extensions AS extension ON extension.id = message.extension_id AND extension.enabled
        LEFT JOIN public.health_test_messages AS of_type ON of_type.extension_type = extension.type
        WHERE message.check_every_seconds IS NOT NULL
          AND (message.last_check_at IS NULL
               OR message.last_check_at <= clock_timestamp() - interval '1 second' * least(86400, greatest(
                   message.check_every_seconds, extension.timeout_ms::float8 * (extension.retry + 1) / 1000)))
        ORDER BY message.last_check_at NULLS FIRST, message.extension_id
        LIMIT at_most
        FOR UPDATE OF message SKIP LOCKED
    )
    UPDATE public.health_test_messages AS message
    SET last_check_at = clock_timestamp()
    FROM due
    WHERE message.extension_id = due.extension_id
    RETURNING due.extension_id::text, due.subject::text, due.timeout_ms, due.retry, due.payload
$function$;

REVOKE ALL ON FUNCTION public.registry_audit_test_message(), public.registry_claim_test_checks(integer) FROM PUBLIC;

DO $migration$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['registry_viewer', 'registry_operator', 'registry_editor']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON public.health_test_messages TO %I', role_name);
        END IF;
    END LOOP;
    -- Who may send a test is who may record what comes of it, but no router, which has calls of its own.
    FOREACH role_name IN ARRAY ARRAY['registry_operator', 'registry_editor']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION public.registry_claim_test_checks(integer) TO %I', role_name);
        END IF;
    END LOOP;
    IF to_regrole('registry_editor') IS NOT NULL THEN
        GRANT INSERT (extension_type, extension_id, payload, check_every_seconds),
              UPDATE (payload, check_every_seconds), DELETE ON public.health_test_messages TO registry_editor;
    END IF;
END
$migration$;

SELECT public.registry_hand_over();
