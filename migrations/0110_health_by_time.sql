-- The health of all extensions is read by time.
--
-- Before: the primary key alone finds buckets, extension by extension: a thousand searches, and a page of the table for
--         each bucket.
-- After:  an index of times, in the order in which the buckets lie on their pages. A call costs it nothing unless it is
--         the first of its bucket: a bucket that changes stays in its place. registry_prune_health uses it too.
--         And the histogram once more as text, which PostgreSQL makes itself: of tens of thousands of buckets a server
--         gives out the text in a quarter of the time that it takes for two arrays, element by element. The table is
--         written anew for it: a minute for some million buckets, in which no call is recorded.

CREATE FUNCTION public.registry_histogram_text(buckets smallint[], counts integer[]) RETURNS text
    LANGUAGE plpgsql
    -- For numbers array_to_string is; it is called stable because of other types.
    IMMUTABLE PARALLEL SAFE
AS $function$
BEGIN
    RETURN pg_catalog.array_to_string(buckets, ',') OPERATOR(pg_catalog.||) ' '
        OPERATOR(pg_catalog.||) pg_catalog.array_to_string(counts, ',');
END
$function$;

ALTER TABLE public.extension_health_history
    ADD COLUMN latency_histogram text
        GENERATED ALWAYS AS (public.registry_histogram_text(latency_buckets, latency_bucket_counts)) STORED;

COMMENT ON COLUMN public.extension_health_history.latency_histogram IS 'latency_buckets and latency_bucket_counts as text, for readers of many rows: 85,92 10,3';

CREATE INDEX extension_health_history_started_at ON public.extension_health_history (started_at);

-- As 0040, by the new index.
CREATE OR REPLACE FUNCTION public.registry_prune_health(at_most integer DEFAULT 5000) RETURNS integer
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
        WITH old AS (
            SELECT extension_id, step_minutes, started_at, source
            FROM public.extension_health_history
            WHERE step_minutes = step
              AND started_at < clock_timestamp() - days * interval '1 day' - step * interval '1 minute'
            ORDER BY started_at
            LIMIT at_most - deleted
            FOR UPDATE SKIP LOCKED
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

SELECT public.registry_hand_over();
