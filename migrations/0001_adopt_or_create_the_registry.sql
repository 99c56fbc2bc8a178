-- The registry's three tables, with the names and meaning that other programs already rely on.
--
-- Before: either an empty database, or one whose tables were made by hand with the same names.
-- After:  the tables exist. Rows that were there are untouched; a new registry starts with the
--         six standard extensions. They are inserted only together with the table, so an
--         extension that somebody deleted from an older registry does not come back.

DO $migration$
BEGIN
    IF to_regclass('public.extensions') IS NULL THEN
        CREATE TABLE public.extensions (
            id         VARCHAR(255) PRIMARY KEY,
            type       VARCHAR(50)  NOT NULL CHECK (type IN ('pre', 'validator', 'post', 'provider')),
            subject    VARCHAR(255) NOT NULL UNIQUE,
            timeout_ms INTEGER      NOT NULL DEFAULT 5000,
            retry      INTEGER      NOT NULL DEFAULT 1,
            enabled    BOOLEAN      NOT NULL DEFAULT true,
            config     JSONB                 DEFAULT '{}',
            metadata   JSONB                 DEFAULT '{}',
            created_at TIMESTAMP             DEFAULT now(),
            updated_at TIMESTAMP             DEFAULT now()
        );

        INSERT INTO public.extensions (id, type, subject, timeout_ms, retry, config) VALUES
            ('mock_provider', 'provider', 'beamline.provider.mock.v1', 1000, 0,
             '{"mode": "echo", "latency_ms": 50}'),
            ('openai_gpt4', 'provider', 'beamline.provider.openai_gpt4.v1', 30000, 2,
             '{"model": "gpt-4", "max_tokens": 2048}'),
            ('anthropic_claude', 'provider', 'beamline.provider.anthropic_claude.v1', 30000, 2,
             '{"model": "claude-3-opus-20240229", "max_tokens": 4096}'),
            ('normalize_text', 'pre', 'beamline.ext.pre.normalize_text.v1', 100, 0,
             '{"lowercase": true, "trim_whitespace": true}'),
            ('pii_guard', 'validator', 'beamline.ext.validate.pii_guard.v1', 200, 1,
             '{"patterns": ["credit_card", "ssn", "email"], "block_on_match": true}'),
            ('mask_sensitive_data', 'post', 'beamline.ext.post.mask_pii.v1', 100, 0,
             '{"mask_patterns": ["email", "phone"]}');
    END IF;
END
$migration$;

CREATE INDEX IF NOT EXISTS idx_extensions_type ON public.extensions (type) WHERE enabled = true;

CREATE TABLE IF NOT EXISTS public.extension_audit_log (
    id           SERIAL       PRIMARY KEY,
    extension_id VARCHAR(255) NOT NULL,
    action       VARCHAR(50)  NOT NULL CHECK (action IN ('created', 'updated', 'deleted', 'enabled', 'disabled')),
    changed_by   VARCHAR(255),
    changes      JSONB,
    timestamp    TIMESTAMP             DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_audit_timestamp ON public.extension_audit_log (timestamp DESC);

CREATE TABLE IF NOT EXISTS public.extension_health (
    extension_id   VARCHAR(255) PRIMARY KEY REFERENCES public.extensions (id) ON DELETE CASCADE,
    last_success   TIMESTAMP,
    last_failure   TIMESTAMP,
    failure_count  INTEGER DEFAULT 0,
    success_count  INTEGER DEFAULT 0,
    avg_latency_ms FLOAT   DEFAULT 0,
    updated_at     TIMESTAMP DEFAULT now()
);

COMMENT ON TABLE public.extensions IS 'Central registry of all extensions';
COMMENT ON COLUMN public.extensions.subject IS 'NATS subject for this extension';
COMMENT ON COLUMN public.extensions.config IS 'Default configuration (can be overridden in policy)';
COMMENT ON TABLE public.extension_audit_log IS 'Every change of an extension: who, when, what, why';
COMMENT ON TABLE public.extension_health IS 'Counters of calls of each extension, written by routers';
