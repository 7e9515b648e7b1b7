-- History as years of use leave it, made in the server: chains with their heads, then the sums. Variables: owners (how many users),
-- many (rows for each of them), own (rows of the user who is measured), days (over so many
-- of the past), ago (and so many days before now).
\set ON_ERROR_STOP 1
SET session_replication_role = replica;
SET synchronous_commit = off;
CREATE OR REPLACE FUNCTION public.add_history(owner uuid, many integer, days double precision, ago double precision) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    head tenancy.history_chain;
BEGIN
    SELECT * INTO head FROM tenancy.history_chain AS h WHERE h.user_id = owner;
    WITH entry AS (
        SELECT ROW((overlay(gen_random_uuid()::text PLACING left(tenancy.first_uuid(r.at)::text, 13) || '-7' FROM 1 FOR 15))::uuid, owner, NULL, NULL,
                   format('SELECT * FROM orders_%s WHERE id = %s AND customer = ''c%s''', r.n % 40, r.n, r.n % 1000), r.n % 200, r.n % 500,
                   CASE WHEN r.n % 20 = 0 THEN 'error' ELSE 'success' END, CASE WHEN r.n % 20 = 0 THEN 'relation "x" does not exist' END, NULL,
                   r.at, r.at, CASE WHEN r.n % 7 = 0 THEN 'fdw' ELSE 'sql' END, 'shop', CASE WHEN r.n % 20 = 0 THEN '42P01' END, r.n % 5000, false,
                   r.n % 9 = 0, r.at, r.at + r.n % 200 * interval '1.03 milliseconds', 'app', '10.0.0.1', 'app', 4711,
                   coalesce(head.seq, 0) + r.n, NULL)::tenancy.query_history AS row
        FROM (SELECT n, date_trunc('hour', now()) - ago * interval '1 day' - days * interval '1 day' * (1 - n::double precision / many) AS at
              FROM generate_series(1, many) AS n) AS r
    ), link AS (
        SELECT e.row, tenancy.history_chain_hash(head.hash, tenancy.history_entry_digest(e.row)) OVER (ORDER BY (e.row).chain_seq) AS hash
        FROM entry AS e
    )
    INSERT INTO tenancy.query_history
    SELECT (l.row).id, (l.row).user_id, NULL, NULL, (l.row).generated_sql_query, (l.row).execution_time_ms, (l.row).row_count, (l.row).status,
           (l.row).error_message, NULL, (l.row).created_at, (l.row).updated_at, (l.row).source, (l.row).connection_name, (l.row).error_code,
           (l.row).result_bytes, (l.row).truncated, (l.row).cached, (l.row).started_at, (l.row).finished_at, (l.row).application_name,
           (l.row).client_addr, (l.row).role_name, (l.row).backend_pid, (l.row).chain_seq, l.hash
    FROM link AS l;
    INSERT INTO tenancy.history_chain (user_id, seq, hash, part)
    SELECT q.user_id, q.chain_seq, q.chain_hash, coalesce(head.part, 0)
    FROM tenancy.query_history AS q WHERE q.user_id = owner ORDER BY q.chain_seq DESC LIMIT 1
    ON CONFLICT (user_id, part) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;
END
$$;
INSERT INTO tenancy.users (email, password_hash)
SELECT format('owner%s@example.com', g), 'nobody''s' FROM generate_series(1, :owners) AS g ON CONFLICT DO NOTHING;
SELECT count(public.add_history(u.id, :many, :days, :ago)) FROM tenancy.users AS u WHERE u.email LIKE 'owner%' AND :many > 0;
SELECT public.add_history(u.id, :own, :days, :ago) FROM tenancy.users AS u WHERE u.email = 'bench@example.com' AND :own > 0;
