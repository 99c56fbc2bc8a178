-- Sample traffic has something of every state.
--
-- Before: the made-up calls were of one extension that fails and of others that are well, at night and on weekends of
--         hardly any calls at all.
-- After:  of the first six extensions by id that are on, one each is slow, has no data, is healthy, silent, failing and
--         degraded, at any time of the day. What guards the filling is as in 0040.

CREATE OR REPLACE FUNCTION public.registry_fill_sample_traffic() RETURNS bigint
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
        SELECT id, abs(hashtext(id)::bigint) AS number,
               CASE row_number() OVER (ORDER BY enabled DESC, id)
                   WHEN 1 THEN 'slow' WHEN 2 THEN 'no data' WHEN 4 THEN 'silent' WHEN 5 THEN 'failing'
                   WHEN 6 THEN 'degraded' ELSE 'healthy'
               END AS state,
               CASE type WHEN 'provider' THEN 420 WHEN 'validator' THEN 14 WHEN 'pre' THEN 3 ELSE 6 END AS typical_ms
        FROM public.extensions
    ),
    minute AS (
        SELECT id, number, typical_ms, at, extract(epoch FROM at)::bigint AS seconds,
               -- Days and nights, working days and weekends; and a noise that is the same for the same minute.
               (24 + number % 16) * (1 + 0.55 * sin((extract(epoch FROM at) / 86400 - 0.25) * 2 * pi()))
                   * CASE WHEN extract(isodow FROM at AT TIME ZONE 'UTC') > 5 THEN 0.6 ELSE 1 END
                   * (0.8 + (hashint8(extract(epoch FROM at)::bigint + number) & 1023) / 2560.0) AS pace,
               CASE WHEN state = 'failing' AND at > now_then - interval '25 minutes' THEN 0.38
                    WHEN state = 'degraded' AND at > now_then - interval '31 hours' THEN 0.03
                    ELSE 0.0008 END AS failing_share,
               CASE WHEN state = 'slow' AND at > now_then - interval '45 minutes' THEN 6
                    -- For two hours the day before yesterday, of one that is well again.
                    WHEN state = 'healthy' AND at BETWEEN now_then - interval '51 hours' AND now_then - interval '49 hours' THEN 5
                    ELSE 1 END AS slowed
        FROM extension
        CROSS JOIN generate_series(now_then - interval '7 days', now_then - interval '1 minute', interval '1 minute') AS at
        WHERE state <> 'no data' AND (state <> 'silent' OR at < now_then - interval '3 hours')
    ),
    -- A few of each minute are slow, and most are not.
    call AS (
        SELECT *, floor(pace * share + (hashint8(seconds * 11 + part + number) & 1023) / 1024.0) AS calls
        FROM minute
        CROSS JOIN (VALUES (1, 0.55, 0.8), (2, 0.3, 1.1), (3, 0.1, 1.9), (4, 0.05, 3.6)) AS spread (part, share, speed)
    )
    SELECT id, at + part * interval '7 seconds' AS at, calls - failed AS success, failed AS failure,
           typical_ms * speed * slowed * (0.85 + (hashint8(seconds * 7 + part + number) & 255) / 850.0) AS latency_ms
    FROM call
    CROSS JOIN LATERAL (
        -- What fails is of the most usual calls. Multiples of the golden ratio lie so evenly that any quarter of an hour
        -- has its share, where chance would leave one out now and then.
        SELECT CASE WHEN part = 1 THEN least(calls, floor(pace * failing_share + turn - floor(turn))) ELSE 0 END AS failed
        FROM (VALUES (((seconds / 60) % 1000003 + number % 1009) * 0.6180339887498949::float8)) AS golden (turn)
    ) AS trouble
    WHERE calls > 0;
    PERFORM public.registry_add_health(
        array_agg(id), array_agg(success::bigint), array_agg(failure::bigint), array_agg(latency_ms::float8), array_agg(at), 'sample')
    FROM pg_temp.sample_calls
    GROUP BY id;
    SELECT sum(success + failure)::bigint INTO added FROM pg_temp.sample_calls;
    RETURN coalesce(added, 0);
END
$function$;
