-- Scripts use the registry over HTTP with tokens: who a token is, what it may do, and for how long.
--
-- Before: a server that acts for many may name the actor of its changes (registry_rest_server, migration 0008). Whom it
--         believes, and what they may do, is its own affair.
-- After:  * registry_tokens holds what a bearer token stands for: its owner, who is the actor of what is done with it, and
--           the role that it works as. Of the token itself there is the SHA-256 alone; it has 256 random bits, so nothing
--           is won by guessing. Tokens are made and revoked by the owner of the tables. What a token is stays as it was
--           made, and one that is revoked stays revoked; both are in the settings' audit log.
--         * registry_rest_server is all that the server's login needs: a member reads the tokens, notes that one was used,
--           follows the registry for its cache, and takes on the role of whoever asks (SET LOCAL ROLE) for one transaction.
--           By itself it changes nothing: the roles are not inherited. Whoever was made a member before can take them on
--           from now on.
-- Who may name the actor is decided as before, by the audit trigger: session_user must be a direct member of
-- registry_rest_server, and SET ROLE does not change session_user. Nobody who reaches an editor's rights in another way can
-- name another actor.

CREATE TABLE public.registry_tokens (
    token_id     uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    hash         bytea       NOT NULL,
    owner        text        NOT NULL,
    role         text        NOT NULL,
    purpose      text,
    created_by   text        NOT NULL DEFAULT session_user,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    revoked_by   text,
    CONSTRAINT registry_tokens_hash UNIQUE (hash),
    CONSTRAINT registry_tokens_hash_length CHECK (length(hash) = 32),
    CONSTRAINT registry_tokens_owner_length CHECK (char_length(owner) BETWEEN 1 AND 255),
    CONSTRAINT registry_tokens_role CHECK (
        role IN ('registry_auditor', 'registry_viewer', 'registry_operator', 'registry_editor')),
    CONSTRAINT registry_tokens_purpose_length CHECK (char_length(purpose) BETWEEN 1 AND 255),
    CONSTRAINT registry_tokens_expiry CHECK (expires_at > created_at),
    CONSTRAINT registry_tokens_revoked CHECK (num_nonnulls(revoked_at, revoked_by) <> 1)
)
-- Each note of a use rewrites its row: with room on the page and no index on what changes, in its place.
WITH (fillfactor = 50);

COMMENT ON TABLE public.registry_tokens IS 'Bearer tokens of the HTTP server: what each stands for. The tokens themselves are nowhere';
COMMENT ON COLUMN public.registry_tokens.hash IS 'The SHA-256 of the token''s text';
COMMENT ON COLUMN public.registry_tokens.owner IS 'The actor of what is done with it, as the audit log names it';
COMMENT ON COLUMN public.registry_tokens.role IS 'The group role that each request with it works as';
COMMENT ON COLUMN public.registry_tokens.purpose IS 'What it is for, in the words of who made it; no place for secrets';
COMMENT ON COLUMN public.registry_tokens.expires_at IS 'From when on it is refused, by the database''s clock; NULL: never';
COMMENT ON COLUMN public.registry_tokens.last_used_at IS 'A use of it, at most a minute before the last one';
COMMENT ON COLUMN public.registry_tokens.revoked_at IS 'Since when it is refused for good; NULL: it is not';

ALTER TABLE public.settings_audit_log DROP CONSTRAINT settings_audit_log_setting_check;
ALTER TABLE public.settings_audit_log ADD CONSTRAINT settings_audit_log_setting_check
    CHECK (setting IN ('configuration_schema', 'secret_name', 'health_retention', 'health_threshold', 'test_message',
                       'api_token'));

-- Keeps a token what it was made, and its use apart from changes of it.
CREATE FUNCTION public.registry_audit_token() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    untold  text[] := '{token_id,hash,last_used_at}';
    of_uses text[] := '{last_used_at,revoked_at,revoked_by}';
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    IF TG_WHEN = 'BEFORE' THEN
        IF TG_OP = 'INSERT' THEN
            NEW.created_by := session_user;
            NEW.created_at := clock_timestamp();
        ELSIF old_row - of_uses <> new_row - of_uses OR OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at THEN
            RAISE EXCEPTION 'What a token is stays as it was made'
                USING ERRCODE = 'insufficient_privilege', HINT = 'Revoke it and make another.';
        END IF;
        NEW.revoked_by := CASE
            WHEN NEW.revoked_at IS NULL THEN NULL
            WHEN TG_OP = 'UPDATE' AND OLD.revoked_at IS NOT NULL THEN OLD.revoked_by
            ELSE session_user
        END;
        RETURN NEW;
    END IF;
    IF old_row - untold IS DISTINCT FROM new_row - untold THEN
        INSERT INTO public.settings_audit_log (setting, name, before, after)
        VALUES ('api_token', coalesce(new_row, old_row) ->> 'token_id', old_row - untold, new_row - untold);
    END IF;
    RETURN NULL;
END
$function$;

CREATE TRIGGER registry_tokens_keep BEFORE INSERT OR UPDATE ON public.registry_tokens
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_token();
CREATE TRIGGER registry_tokens_audit AFTER INSERT OR UPDATE OR DELETE ON public.registry_tokens
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_token();
CREATE TRIGGER registry_tokens_refuse_truncate BEFORE TRUNCATE ON public.registry_tokens
    FOR EACH STATEMENT EXECUTE FUNCTION public.registry_refuse_truncate();
ALTER TABLE public.registry_tokens ENABLE ALWAYS TRIGGER registry_tokens_keep;
ALTER TABLE public.registry_tokens ENABLE ALWAYS TRIGGER registry_tokens_audit;
ALTER TABLE public.registry_tokens ENABLE ALWAYS TRIGGER registry_tokens_refuse_truncate;

REVOKE ALL ON FUNCTION public.registry_audit_token() FROM PUBLIC;

DO $migration$
DECLARE
    taken_on text;
BEGIN
    IF to_regrole('registry_rest_server') IS NULL THEN
        RETURN;
    END IF;
    GRANT SELECT, UPDATE (last_used_at) ON public.registry_tokens TO registry_rest_server;
    -- What a cache reads, and what it tells the console.
    GRANT SELECT ON public.extensions, public.extension_audit_log, public.registry_head, public._sqlx_migrations
        TO registry_rest_server;
    GRANT EXECUTE ON FUNCTION public.registry_report_applied(uuid, text, text, text, bigint) TO registry_rest_server;

    -- First, because newer versions of PostgreSQL decide at each grant whether its rights are inherited. Roles belong to the
    -- whole cluster: another database's migration may be doing the same now, which is waited for and then seen.
    WHILE (SELECT rolinherit FROM pg_roles WHERE rolname = 'registry_rest_server') LOOP
        BEGIN
            ALTER ROLE registry_rest_server NOINHERIT;
        EXCEPTION
            -- "tuple concurrently updated"
            WHEN internal_error THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE WARNING 'This login can''t alter roles. An administrator must run: ALTER ROLE registry_rest_server NOINHERIT; GRANT registry_auditor, registry_viewer, registry_operator, registry_editor TO registry_rest_server;';
                RETURN;
        END;
    END LOOP;
    FOREACH taken_on IN ARRAY ARRAY['registry_auditor', 'registry_viewer', 'registry_operator', 'registry_editor']
    LOOP
        CONTINUE WHEN to_regrole(taken_on) IS NULL OR EXISTS (
            SELECT FROM pg_auth_members
            WHERE roleid = to_regrole(taken_on) AND member = to_regrole('registry_rest_server'));
        BEGIN
            EXECUTE format('GRANT %I TO registry_rest_server', taken_on);
        EXCEPTION
            WHEN unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE WARNING 'An administrator must run: GRANT % TO registry_rest_server;', taken_on;
        END;
    END LOOP;
END
$migration$;

SELECT public.registry_hand_over();
