-- Health has a history: since when, not only how often.
--
-- Before: extension_health holds one row of counters an extension, which says "98 %" and not "since yesterday at
--         14:05", and its counters end at 2,147,483,647.
-- After:  * extension_health_history holds what happened in each bucket of time: successes, failures, and latencies as
--           count, sum, smallest, largest and a histogram. Each call is added to one bucket of every step (1, 5 and
--           15 minutes, 1 and 6 hours, 1 day, all in UTC) in the transaction that records it: no job rolls anything
--           up, so a late call is in all of them, and a day is exactly the sum of its minutes.
--         * record_health(extension_id, ok, latency_ms) records one call, registry_record_health many; both keep the
--           counters. A program that writes the counters itself, as the seed's does, feeds the same history: a
--           trigger adds what its statement added.
--         * Histories are kept for as long as health_retention says. registry_prune_health deletes what is older, in
--           small steps that nobody waits for.
--         * health_thresholds says from when on an extension is in trouble.
--         The history has no foreign key: it outlives its extension, as the audit log does.

ALTER TABLE public.extension_health
    ALTER COLUMN success_count TYPE bigint,
    ALTER COLUMN failure_count TYPE bigint,
    ADD COLUMN latency_count bigint NOT NULL DEFAULT 0,
    ADD COLUMN recorded_count bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN public.extension_health.avg_latency_ms IS 'The mean of all latencies that are known, in milliseconds';
COMMENT ON COLUMN public.extension_health.latency_count IS 'How many latencies the mean is of';
COMMENT ON COLUMN public.extension_health.recorded_count IS 'How many of the calls came through record_health or registry_record_health; of the others the trigger makes history';

-- Of what the counters hold already, every call has counted in the mean.
UPDATE public.extension_health
SET latency_count = coalesce(success_count, 0) + coalesce(failure_count, 0)
WHERE avg_latency_ms > 0 AND coalesce(success_count, 0) + coalesce(failure_count, 0) > 0;

CREATE TABLE public.extension_health_history (
    extension_id          varchar(255) NOT NULL,
    step_minutes          smallint     NOT NULL,
    started_at            timestamptz  NOT NULL,
    source                text         NOT NULL CHECK (source IN ('traffic', 'test', 'sample')),
    success_count         bigint       NOT NULL CHECK (success_count >= 0),
    failure_count         bigint       NOT NULL CHECK (failure_count >= 0),
    last_failure          timestamptz,
    latency_count         bigint       NOT NULL CHECK (latency_count >= 0),
    latency_sum_ms        float8       NOT NULL,
    latency_min_ms        float8,
    latency_max_ms        float8,
    latency_buckets       smallint[]   NOT NULL,
    latency_bucket_counts integer[]    NOT NULL,
    PRIMARY KEY (extension_id, step_minutes, started_at, source)
) PARTITION BY LIST (step_minutes);

COMMENT ON TABLE public.extension_health_history IS 'What happened to the calls of each extension, by buckets of time; each call is in one bucket of every step';
COMMENT ON COLUMN public.extension_health_history.step_minutes IS 'How long the bucket is: 1, 5, 15, 60, 360 or 1440';
COMMENT ON COLUMN public.extension_health_history.started_at IS 'When it begins; a multiple of its step since 1970-01-01 in UTC';
COMMENT ON COLUMN public.extension_health_history.source IS 'traffic: calls of routers; test: messages that somebody sent to try the extension; sample: made up, to have something to look at';
COMMENT ON COLUMN public.extension_health_history.latency_count IS 'How many latencies are known; a call that was never answered has none';
COMMENT ON COLUMN public.extension_health_history.latency_buckets IS 'The buckets of the histogram that are not empty, ascending: bucket b holds latencies above 0.01 ms x 1.08^(b-1) up to 0.01 ms x 1.08^b, bucket 0 those below';
COMMENT ON COLUMN public.extension_health_history.latency_bucket_counts IS 'How many latencies are in each of them';

-- A bucket is written again and again while its time lasts: with room on the page, in its place. The finer ones lie
-- apart, so that a page of the coarse ones has nothing else on it.
CREATE TABLE public.extension_health_history_1_minute PARTITION OF public.extension_health_history
    FOR VALUES IN (1) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
CREATE TABLE public.extension_health_history_5_minutes PARTITION OF public.extension_health_history
    FOR VALUES IN (5) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);
CREATE TABLE public.extension_health_history_15_minutes PARTITION OF public.extension_health_history
    FOR VALUES IN (15) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE public.extension_health_history_1_hour PARTITION OF public.extension_health_history
    FOR VALUES IN (60) WITH (fillfactor = 75);
CREATE TABLE public.extension_health_history_6_hours PARTITION OF public.extension_health_history
    FOR VALUES IN (360) WITH (fillfactor = 75);
CREATE TABLE public.extension_health_history_1_day PARTITION OF public.extension_health_history
    FOR VALUES IN (1440) WITH (fillfactor = 75);

-- The bucket of the histogram that a latency is in. Buckets that grow by 8 % put a percentile within 4 % of the truth
-- (Masson, Rim, Lee: DDSketch, VLDB 2019).
CREATE FUNCTION public.registry_latency_bucket(latency_ms float8) RETURNS smallint
    LANGUAGE sql
    IMMUTABLE PARALLEL SAFE
AS $function$
    SELECT CASE WHEN latency_ms <= 0.01 THEN 0 ELSE ceil(ln(latency_ms / 0.01) / ln(1.08::float8)) END::smallint
$function$;

-- Two histograms as one.
CREATE FUNCTION public.registry_merge_histograms(
    INOUT buckets smallint[], INOUT counts integer[], more_buckets smallint[], more_counts integer[])
    LANGUAGE sql
    IMMUTABLE PARALLEL SAFE
AS $function$
    -- What is full stays full: 2,147,483,647 calls of one bucket of latency.
    SELECT coalesce(array_agg(bucket ORDER BY bucket), '{}'),
           coalesce(array_agg(least(total, 2147483647)::integer ORDER BY bucket), '{}')
    FROM (
        SELECT bucket, sum(count) AS total
        FROM (
            SELECT * FROM unnest(buckets, counts) AS one (bucket, count)
            UNION ALL
            SELECT * FROM unnest(more_buckets, more_counts) AS other (bucket, count)
        ) AS both_histograms
        GROUP BY bucket
    ) AS merged
$function$;

-- Adds calls to the history, given as rows of one call each or of several alike (calls).
CREATE FUNCTION public.registry_add_health(
    ids text[], successes bigint[], failures bigint[], latencies_ms float8[], times timestamptz[], sample_source text) RETURNS void
    LANGUAGE sql
    SET search_path = pg_catalog, pg_temp
AS $function$
    WITH calls AS (
        SELECT id, success, failure, latency_ms, at
        FROM unnest(ids, successes, failures, latencies_ms, times) AS call (id, success, failure, latency_ms, at)
    ),
    -- By minutes first: the longer buckets are sums of few rows then.
    minutes AS (
        SELECT id, date_bin('1 minute', at, 'epoch') AS minute, public.registry_latency_bucket(latency_ms) AS bucket,
               sum(success)::bigint AS success, sum(failure)::bigint AS failure,
               max(at) FILTER (WHERE failure > 0) AS failed_at,
               sum(success + failure) FILTER (WHERE latency_ms IS NOT NULL) AS latency_count,
               sum(latency_ms * (success + failure)) AS latency_sum,
               min(latency_ms) AS latency_min, max(latency_ms) AS latency_max
        FROM calls
        GROUP BY id, minute, bucket
    ),
    cells AS (
        SELECT id, step, date_bin(step * interval '1 minute', minute, 'epoch') AS started_at, bucket,
               sum(success)::bigint AS success, sum(failure)::bigint AS failure, max(failed_at) AS failed_at,
               coalesce(sum(latency_count), 0)::bigint AS latency_count, coalesce(sum(latency_sum), 0) AS latency_sum,
               min(latency_min) AS latency_min, max(latency_max) AS latency_max
        FROM minutes
        CROSS JOIN unnest(ARRAY[1, 5, 15, 60, 360, 1440]::smallint[]) AS step
        GROUP BY id, step, started_at, bucket
    )
    INSERT INTO public.extension_health_history AS history
    SELECT id, step, started_at, sample_source, sum(success)::bigint, sum(failure)::bigint, max(failed_at),
           sum(latency_count)::bigint, sum(latency_sum), min(latency_min), max(latency_max),
           coalesce(array_agg(bucket ORDER BY bucket) FILTER (WHERE bucket IS NOT NULL), '{}'),
           coalesce(array_agg(least(latency_count, 2147483647)::integer ORDER BY bucket) FILTER (WHERE bucket IS NOT NULL), '{}')
    FROM cells
    GROUP BY id, step, started_at
    -- In one order for all, so that two who write the same buckets never wait for each other.
    ORDER BY id, step, started_at
    ON CONFLICT (extension_id, step_minutes, started_at, source) DO UPDATE
    SET success_count = history.success_count + excluded.success_count,
        failure_count = history.failure_count + excluded.failure_count,
        last_failure = greatest(history.last_failure, excluded.last_failure),
        latency_count = history.latency_count + excluded.latency_count,
        latency_sum_ms = history.latency_sum_ms + excluded.latency_sum_ms,
        latency_min_ms = least(history.latency_min_ms, excluded.latency_min_ms),
        latency_max_ms = greatest(history.latency_max_ms, excluded.latency_max_ms),
        (latency_buckets, latency_bucket_counts) = (
            SELECT buckets, counts
            FROM public.registry_merge_histograms(
                history.latency_buckets, history.latency_bucket_counts,
                excluded.latency_buckets, excluded.latency_bucket_counts))
$function$;

-- Batches that were recorded: one whose answer was lost is sent again and must not count twice.
CREATE TABLE public.registry_health_batches (
    batch_id    uuid PRIMARY KEY,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE public.registry_health_batches IS 'Names of the batches of calls that were recorded in the last day';

-- Records calls: one for each element. A latency may be NULL (a call that was never answered), a time too (now).
-- Calls from a clock that runs ahead count as of now. Calls of extensions that there are not are left out and their
-- ids returned, so that a router's batch is not lost because one of its extensions was deleted meanwhile. A batch with
-- the name of one that was recorded is not recorded again.
CREATE FUNCTION public.registry_record_health(
    ids text[], oks boolean[], latencies_ms float8[], times timestamptz[] DEFAULT NULL, sample_source text DEFAULT 'traffic',
    batch uuid DEFAULT NULL)
    RETURNS text[]
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    now_then timestamptz := clock_timestamp();
    known    text[];
    unknown  text[];
    at       timestamptz[];
BEGIN
    IF cardinality(ids) IS DISTINCT FROM cardinality(oks) OR cardinality(ids) IS DISTINCT FROM cardinality(latencies_ms)
       OR (times IS NOT NULL AND cardinality(times) <> cardinality(ids))
       OR array_position(ids, NULL) IS NOT NULL OR array_position(oks, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'Each call needs an id and whether it was answered'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'health_calls_complete';
    END IF;
    IF sample_source NOT IN ('traffic', 'test') THEN
        RAISE EXCEPTION 'Calls are traffic or test, not %', sample_source
            USING ERRCODE = 'check_violation', CONSTRAINT = 'health_source_known';
    END IF;
    -- NaN is greater than all.
    IF EXISTS (SELECT FROM unnest(latencies_ms) AS latency WHERE latency < 0 OR latency > 86400000) THEN
        RAISE EXCEPTION 'A latency is out of range'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'health_latency_range';
    END IF;
    IF EXISTS (SELECT FROM unnest(times) AS time WHERE time < '2000-01-01Z' OR time = 'infinity') THEN
        RAISE EXCEPTION 'The time of a call is out of range'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'health_time_range';
    END IF;

    IF batch IS NOT NULL THEN
        INSERT INTO public.registry_health_batches (batch_id) VALUES (batch) ON CONFLICT DO NOTHING;
        IF NOT FOUND THEN
            RETURN '{}';
        END IF;
    END IF;

    SELECT array_agg(extensions.id) INTO known FROM public.extensions WHERE extensions.id = ANY (ids);
    SELECT array_agg(DISTINCT id ORDER BY id) INTO unknown
    FROM unnest(ids) AS id WHERE id <> ALL (coalesce(known, '{}'));
    IF known IS NULL THEN
        RETURN coalesce(unknown, '{}');
    END IF;

    SELECT array_agg(least(coalesce(time, now_then), now_then) ORDER BY place) INTO at
    FROM unnest(ids, times) WITH ORDINALITY AS call (id, time, place);

    IF sample_source = 'traffic' THEN
        INSERT INTO public.extension_health (extension_id)
        SELECT id FROM unnest(known) AS id
        WHERE NOT EXISTS (SELECT FROM public.extension_health AS health WHERE health.extension_id = id)
        ON CONFLICT DO NOTHING;
        -- The counters of each extension are locked before its history, by all who write either.
        PERFORM FROM public.extension_health WHERE extension_id = ANY (known) ORDER BY extension_id FOR UPDATE;
        UPDATE public.extension_health AS health
        SET success_count = coalesce(health.success_count, 0) + calls.success,
            failure_count = coalesce(health.failure_count, 0) + calls.failure,
            avg_latency_ms = CASE WHEN calls.latency_count = 0 THEN health.avg_latency_ms
                ELSE (coalesce(health.avg_latency_ms, 0) * health.latency_count + calls.latency_sum)
                     / (health.latency_count + calls.latency_count) END,
            latency_count = health.latency_count + calls.latency_count,
            recorded_count = health.recorded_count + calls.success + calls.failure,
            last_success = greatest(health.last_success, calls.succeeded_at),
            last_failure = greatest(health.last_failure, calls.failed_at),
            updated_at = now_then
        FROM (
            SELECT id, count(*) FILTER (WHERE ok) AS success, count(*) FILTER (WHERE NOT ok) AS failure,
                   max(time) FILTER (WHERE ok) AS succeeded_at, max(time) FILTER (WHERE NOT ok) AS failed_at,
                   count(latency_ms) AS latency_count, coalesce(sum(latency_ms), 0) AS latency_sum
            FROM unnest(ids, oks, latencies_ms, at) AS call (id, ok, latency_ms, time)
            GROUP BY id
        ) AS calls
        WHERE health.extension_id = calls.id;
    END IF;

    PERFORM public.registry_add_health(
        array_agg(id), array_agg(ok::integer::bigint), array_agg((NOT ok)::integer::bigint), array_agg(latency_ms),
        array_agg(time), sample_source)
    FROM unnest(ids, oks, latencies_ms, at) AS call (id, ok, latency_ms, time)
    WHERE id = ANY (known);
    RETURN coalesce(unknown, '{}');
END
$function$;

-- The one statement that a router needs.
CREATE FUNCTION public.record_health(extension_id text, ok boolean, latency_ms float8 DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF cardinality(public.registry_record_health(ARRAY[extension_id], ARRAY[ok], ARRAY[latency_ms])) > 0 THEN
        RAISE EXCEPTION 'There is no extension %', extension_id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'health_extension_exists';
    END IF;
END
$function$;

-- What a program that writes the counters itself has added becomes history. Counters that go down were set back: what
-- they hold now is new. The mean of several calls at once stands for each of them.
CREATE FUNCTION public.registry_follow_health_counters() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    success       bigint := coalesce(NEW.success_count, 0);
    failure       bigint := coalesce(NEW.failure_count, 0);
    -- What of the counters and of the mean was there before.
    old_success   bigint := 0;
    old_failure   bigint := 0;
    old_latencies bigint := 0;
    old_sum_ms    float8 := 0;
    is_continued  boolean := false;
    latency_ms    float8;
    now_then      timestamptz := clock_timestamp();
BEGIN
    IF NEW.recorded_count <> (CASE TG_OP WHEN 'UPDATE' THEN OLD.recorded_count ELSE 0 END) THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        is_continued := success >= coalesce(OLD.success_count, 0) AND failure >= coalesce(OLD.failure_count, 0);
        IF is_continued THEN
            old_success := coalesce(OLD.success_count, 0);
            old_failure := coalesce(OLD.failure_count, 0);
            old_latencies := OLD.latency_count;
            old_sum_ms := coalesce(OLD.avg_latency_ms, 0) * OLD.latency_count;
        END IF;
    END IF;
    success := success - old_success;
    failure := failure - old_failure;

    IF TG_WHEN = 'BEFORE' THEN
        IF NOT is_continued OR NEW.avg_latency_ms IS DISTINCT FROM OLD.avg_latency_ms THEN
            NEW.latency_count := old_latencies + CASE WHEN NEW.avg_latency_ms > 0 THEN success + failure ELSE 0 END;
        END IF;
        RETURN NEW;
    END IF;

    IF success + failure = 0 THEN
        RETURN NULL;
    END IF;
    IF NEW.latency_count > old_latencies THEN
        latency_ms := (NEW.avg_latency_ms * NEW.latency_count - old_sum_ms) / (NEW.latency_count - old_latencies);
        -- A mean that fell by more than the new calls can explain was worked out in another way.
        IF latency_ms < 0 THEN
            latency_ms := NEW.avg_latency_ms;
        END IF;
        latency_ms := CASE WHEN latency_ms BETWEEN 0 AND 86400000 THEN latency_ms END;
    END IF;
    PERFORM public.registry_add_health(
        ARRAY[NEW.extension_id::text, NEW.extension_id::text], ARRAY[success, 0], ARRAY[0, failure],
        ARRAY[latency_ms, latency_ms], ARRAY[now_then, now_then], 'traffic');
    RETURN NULL;
END
$function$;

CREATE TRIGGER extension_health_counters_before
    BEFORE INSERT OR UPDATE ON public.extension_health
    FOR EACH ROW EXECUTE FUNCTION public.registry_follow_health_counters();
-- After: an INSERT that finds its row there already must not count twice.
CREATE TRIGGER extension_health_counters_after
    AFTER INSERT OR UPDATE ON public.extension_health
    FOR EACH ROW EXECUTE FUNCTION public.registry_follow_health_counters();

-- How long, how bad ---------------------------------------------------------------------------------------

CREATE TABLE public.health_retention (
    is_only_row       boolean PRIMARY KEY DEFAULT true CHECK (is_only_row),
    minutes_kept_days integer NOT NULL DEFAULT 7,
    hours_kept_days   integer NOT NULL DEFAULT 90,
    days_kept_days    integer,
    changed_by        text NOT NULL DEFAULT session_user,
    changed_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT health_retention_range CHECK (minutes_kept_days >= 1 AND hours_kept_days <= 36500 AND days_kept_days <= 36500),
    CONSTRAINT health_retention_order CHECK (minutes_kept_days <= hours_kept_days
        AND (days_kept_days IS NULL OR hours_kept_days <= days_kept_days))
);

COMMENT ON TABLE public.health_retention IS 'For how many days history is kept: in steps of 1, 5 and 15 minutes, of 1 and 6 hours, and of days (NULL: for good)';

INSERT INTO public.health_retention DEFAULT VALUES;

CREATE TABLE public.health_thresholds (
    extension_type      varchar(50) UNIQUE CHECK (extension_type IN ('pre', 'validator', 'post', 'provider')),
    extension_id        varchar(255) UNIQUE,
    score_below_percent float8,
    p95_above_ms        float8,
    silent_for_seconds  integer,
    changed_by          text NOT NULL DEFAULT session_user,
    changed_at          timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT health_thresholds_scope CHECK (num_nonnulls(extension_type, extension_id) = 1),
    CONSTRAINT health_thresholds_score CHECK (score_below_percent > 0 AND score_below_percent <= 100),
    CONSTRAINT health_thresholds_p95 CHECK (p95_above_ms > 0 AND p95_above_ms <= 86400000),
    CONSTRAINT health_thresholds_silence CHECK (silent_for_seconds BETWEEN 60 AND 2592000)
);

COMMENT ON TABLE public.health_thresholds IS 'From when on an extension is in trouble: a row for each type, and one for an extension that stands before its type''s';
COMMENT ON COLUMN public.health_thresholds.score_below_percent IS 'In trouble when fewer of its calls succeed; NULL: whatever succeeds';
COMMENT ON COLUMN public.health_thresholds.p95_above_ms IS 'In trouble when more than one call of twenty takes longer; NULL: however long';
COMMENT ON COLUMN public.health_thresholds.silent_for_seconds IS 'In trouble when it is on and was not called for as long; NULL: for ever';

INSERT INTO public.health_thresholds (extension_type, score_below_percent)
VALUES ('pre', 95), ('validator', 95), ('post', 95), ('provider', 90);

ALTER TABLE public.settings_audit_log DROP CONSTRAINT settings_audit_log_setting_check;
ALTER TABLE public.settings_audit_log ADD CONSTRAINT settings_audit_log_setting_check
    CHECK (setting IN ('configuration_schema', 'secret_name', 'health_retention', 'health_threshold'));

-- Who changed a setting is who logged in, and each change is in the settings' audit log.
CREATE FUNCTION public.registry_audit_health_setting() RETURNS trigger
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    old_row  jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - '{changed_by,changed_at}'::text[] END;
    new_row  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - '{changed_by,changed_at}'::text[] END;
    some_row jsonb := coalesce(new_row, old_row);
BEGIN
    IF TG_WHEN = 'BEFORE' THEN
        NEW.changed_by := session_user;
        NEW.changed_at := clock_timestamp();
        RETURN NEW;
    END IF;
    IF old_row IS DISTINCT FROM new_row THEN
        INSERT INTO public.settings_audit_log (setting, name, before, after)
        VALUES (
            CASE TG_TABLE_NAME WHEN 'health_retention' THEN 'health_retention' ELSE 'health_threshold' END,
            coalesce('extension:' || (some_row ->> 'extension_id'), 'type:' || (some_row ->> 'extension_type'), 'history'),
            old_row, new_row);
    END IF;
    RETURN NULL;
END
$function$;

CREATE TRIGGER health_retention_stamp BEFORE INSERT OR UPDATE ON public.health_retention
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_health_setting();
CREATE TRIGGER health_retention_audit AFTER INSERT OR UPDATE OR DELETE ON public.health_retention
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_health_setting();
CREATE TRIGGER health_thresholds_stamp BEFORE INSERT OR UPDATE ON public.health_thresholds
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_health_setting();
CREATE TRIGGER health_thresholds_audit AFTER INSERT OR UPDATE OR DELETE ON public.health_thresholds
    FOR EACH ROW EXECUTE FUNCTION public.registry_audit_health_setting();
ALTER TABLE public.health_retention ENABLE ALWAYS TRIGGER health_retention_stamp;
ALTER TABLE public.health_retention ENABLE ALWAYS TRIGGER health_retention_audit;
ALTER TABLE public.health_thresholds ENABLE ALWAYS TRIGGER health_thresholds_stamp;
ALTER TABLE public.health_thresholds ENABLE ALWAYS TRIGGER health_thresholds_audit;

-- Deletes up to this many buckets that are older than health_retention says, and returns how many. Old buckets are
-- written by nobody, but for late calls, which are left for the next time.
CREATE FUNCTION public.registry_prune_health(at_most integer DEFAULT 5000) RETURNS integer
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    kept    public.health_retention := (SELECT health_retention FROM public.health_retention);
    step    smallint;
    days    integer;
    deleted integer := 0;
    count   integer;
BEGIN
    DELETE FROM public.registry_health_batches WHERE recorded_at < clock_timestamp() - interval '1 day';
    FOREACH step IN ARRAY ARRAY[1, 5, 15, 60, 360, 1440]::smallint[] LOOP
        days := CASE WHEN step < 60 THEN kept.minutes_kept_days WHEN step < 1440 THEN kept.hours_kept_days ELSE kept.days_kept_days END;
        CONTINUE WHEN days IS NULL;
        -- Extension by extension, by the primary key: there is no index of times, which each call would have to keep.
        -- Every extension that has a history has a day.
        WITH old AS (
            SELECT bucket.*
            FROM (SELECT DISTINCT extension_id FROM public.extension_health_history WHERE step_minutes = 1440) AS known
            CROSS JOIN LATERAL (
                SELECT extension_id, step_minutes, started_at, source
                FROM public.extension_health_history AS history
                WHERE history.extension_id = known.extension_id AND step_minutes = step
                  AND started_at < clock_timestamp() - days * interval '1 day' - step * interval '1 minute'
                ORDER BY started_at
                LIMIT at_most - deleted
                FOR UPDATE SKIP LOCKED
            ) AS bucket
            LIMIT at_most - deleted
        )
        DELETE FROM public.extension_health_history AS history
        USING old
        WHERE history.step_minutes = step
          AND (history.extension_id, history.step_minutes, history.started_at, history.source)
            = (old.extension_id, old.step_minutes, old.started_at, old.source);
        GET DIAGNOSTICS count = ROW_COUNT;
        deleted := deleted + count;
        EXIT WHEN deleted >= at_most;
    END LOOP;
    RETURN deleted;
END
$function$;

-- Sample traffic ------------------------------------------------------------------------------------------

-- Fills the history of seven days with made-up calls, marked as such, so that there is something to look at. Only
-- where there was never a real call, and only in a database that a console has made for itself.
CREATE FUNCTION public.registry_fill_sample_traffic() RETURNS bigint
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    now_then timestamptz := date_trunc('minute', clock_timestamp());
    added    bigint;
BEGIN
    -- Only the owner of a database may comment on it; a console does so on the one that it has made.
    IF (SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database())
       IS DISTINCT FROM 'The embedded registry of a console' THEN
        RAISE EXCEPTION 'Sample traffic is for the embedded database alone'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'health_sample_embedded';
    END IF;
    LOCK TABLE public.extension_health_history IN SHARE ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM public.extension_health_history)
       OR EXISTS (SELECT FROM public.extension_health WHERE success_count + failure_count > 0) THEN
        RAISE EXCEPTION 'There is a history of health already'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'health_sample_empty';
    END IF;
    CREATE TEMPORARY TABLE sample_calls ON COMMIT DROP AS
    WITH extension AS (
        -- Each has a pace and a speed of its own, the same at each filling.
        SELECT id, row_number() OVER (ORDER BY id) AS place, abs(hashtext(id))::bigint AS number,
               CASE type WHEN 'provider' THEN 420 WHEN 'validator' THEN 14 WHEN 'pre' THEN 3 ELSE 6 END AS typical_ms
        FROM public.extensions
    ),
    minute AS (
        SELECT id, typical_ms, number, place, at,
               -- Days and nights, working days and weekends; and a noise that is the same for the same minute.
               (4 + number % 9) * (1 + 0.75 * sin((extract(epoch FROM at) / 86400 - 0.25) * 2 * pi()))
                   * CASE WHEN extract(isodow FROM at AT TIME ZONE 'UTC') > 5 THEN 0.45 ELSE 1 END
                   * (0.8 + (hashint8(extract(epoch FROM at)::bigint + number) & 1023) / 2560.0) AS pace,
               -- Trouble: of one for two hours the day before yesterday, of another since twenty minutes ago.
               place = 2 AND at BETWEEN now_then - interval '51 hours' AND now_then - interval '49 hours' AS is_slow,
               place = 3 AND at > now_then - interval '20 minutes' AS is_failing
        FROM extension
        CROSS JOIN generate_series(now_then - interval '7 days', now_then - interval '1 minute', interval '1 minute') AS at
    )
    SELECT id, at + part * interval '7 seconds' AS at,
           greatest(0, round(pace * share) - failed) AS success, failed AS failure,
           typical_ms * speed * (0.85 + (hashint8(extract(epoch FROM at)::bigint * 7 + part + number) & 255) / 850.0)
               * CASE WHEN is_slow THEN 6 ELSE 1 END AS latency_ms
    FROM minute
    -- A few of each minute are slow, and most are not.
    CROSS JOIN (VALUES (1, 0.55, 0.8), (2, 0.3, 1.1), (3, 0.1, 1.9), (4, 0.05, 3.6)) AS spread (part, share, speed)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN is_failing THEN round(pace * share * 0.35)
                    WHEN part = 4 AND hashint8(extract(epoch FROM at)::bigint + number * 31) & 63 = 0 THEN 1
                    ELSE 0 END AS failed
    ) AS trouble
    WHERE round(pace * share) > 0;
    PERFORM public.registry_add_health(
        array_agg(id), array_agg(success::bigint), array_agg(failure::bigint), array_agg(latency_ms::float8), array_agg(at), 'sample')
    FROM pg_temp.sample_calls
    GROUP BY id;
    SELECT sum(success + failure)::bigint INTO added FROM pg_temp.sample_calls;
    RETURN coalesce(added, 0);
END
$function$;

-- Takes all of it away again, and nothing else.
CREATE FUNCTION public.registry_remove_sample_traffic() RETURNS void
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $function$
    DELETE FROM public.extension_health_history WHERE source = 'sample'
$function$;

-- Rights --------------------------------------------------------------------------------------------------

-- As 0021, with what has other names.
CREATE OR REPLACE FUNCTION public.registry_hand_over() RETURNS void
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
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
          AND (relname LIKE 'registry\_%' OR relname LIKE 'extension\_health%' OR relname LIKE 'health\_%' OR relname IN (
              'extensions', 'extension_audit_log', 'configuration_schemas', 'secret_names', 'secret_marks',
              'settings_audit_log'))
          AND relowner <> 'registry_owner'::regrole
        UNION ALL
        SELECT format('ALTER FUNCTION %s OWNER TO registry_owner', oid::regprocedure)
        FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND (proname LIKE 'registry\_%' OR proname = 'record_health')
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

REVOKE ALL ON FUNCTION
    public.registry_add_health(text[], bigint[], bigint[], float8[], timestamptz[], text),
    public.registry_record_health(text[], boolean[], float8[], timestamptz[], text, uuid),
    public.record_health(text, boolean, float8),
    public.registry_follow_health_counters(),
    public.registry_audit_health_setting(),
    public.registry_prune_health(integer),
    public.registry_fill_sample_traffic(),
    public.registry_remove_sample_traffic()
    FROM PUBLIC;

DO $migration$
DECLARE
    role_name text;
BEGIN
    BEGIN
        IF to_regrole('registry_router') IS NULL THEN
            CREATE ROLE registry_router NOLOGIN;
        END IF;
    EXCEPTION
        -- Roles belong to the whole cluster: another database's migration may be making it now.
        WHEN duplicate_object OR unique_violation THEN NULL;
        WHEN insufficient_privilege THEN
            RAISE WARNING 'This login can''t create roles. An administrator must run: CREATE ROLE registry_router NOLOGIN;';
    END;

    -- What a router needs: it reads the registry, tells what it has applied and records its calls.
    IF to_regrole('registry_router') IS NOT NULL THEN
        GRANT SELECT ON public.extensions, public.extension_audit_log, public.registry_head, public.registry_consumers,
                        public._sqlx_migrations TO registry_router;
        GRANT EXECUTE ON FUNCTION public.registry_report_applied(uuid, text, text, text, bigint) TO registry_router;
    END IF;
    FOREACH role_name IN ARRAY ARRAY['registry_router', 'registry_viewer', 'registry_operator', 'registry_editor']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT SELECT ON public.extension_health, public.extension_health_history,
                public.health_retention, public.health_thresholds TO %I', role_name);
        END IF;
    END LOOP;
    FOREACH role_name IN ARRAY ARRAY['registry_router', 'registry_legacy_writer', 'registry_operator', 'registry_editor']
    LOOP
        IF to_regrole(role_name) IS NOT NULL THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION
                public.registry_record_health(text[], boolean[], float8[], timestamptz[], text, uuid),
                public.record_health(text, boolean, float8),
                public.registry_prune_health(integer) TO %I', role_name);
        END IF;
    END LOOP;
    IF to_regrole('registry_editor') IS NOT NULL THEN
        GRANT UPDATE (minutes_kept_days, hours_kept_days, days_kept_days) ON public.health_retention TO registry_editor;
        GRANT INSERT, UPDATE, DELETE ON public.health_thresholds TO registry_editor;
        GRANT EXECUTE ON FUNCTION public.registry_fill_sample_traffic(), public.registry_remove_sample_traffic()
            TO registry_editor;
    END IF;
END
$migration$;

SELECT public.registry_hand_over();
