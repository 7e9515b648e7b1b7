-- History that proves itself: each way to tamper is named, anchors hold against rewriting, pruning leaves a chain.
SET tenancy.identity_scope = 'session';
SELECT tenancy.register('proof@example.com', 'correct horse proof@example.com') AS me \gset
SET ROLE regress_app;
SELECT probe.become('proof@example.com');
SELECT tenancy.create_connection('proof', connection_string => 'sqlite:proof.db?create=true') IS NOT NULL AS made;
SELECT count(tenancy.execute_query('proof', 'SELECT ' || g || ', ''a (b), "c\d"''')) FROM generate_series(1, 10) AS g;
SELECT row_count, seq, id, problem, detail FROM tenancy.verify_history();
SELECT anchor FROM tenancy.history_anchor() \gset
SELECT seq, problem, detail FROM tenancy.verify_anchor(:'anchor');
SELECT count(tenancy.execute_query('proof', 'SELECT ' || g)) FROM generate_series(11, 12) AS g;
SELECT row_count, problem FROM tenancy.verify_history(:'me');
SELECT seq, problem FROM tenancy.verify_anchor(:'anchor');

-- The digest is the row as text in UTF-8, as version 0.1 had it.
RESET ROLE;
SELECT count(*) > 0 AS rows, bool_and(tenancy.history_entry_digest(q) = sha256(convert_to(ROW(
    q.id, q.user_id, q.database_connection_id, q.natural_language_query, q.generated_sql_query, q.execution_time_ms, q.row_count, q.status,
    q.error_message, q.result_hash, q.source, q.connection_name, q.error_code, q.result_bytes, q.truncated, q.cached,
    extract(epoch FROM q.started_at), extract(epoch FROM q.finished_at), q.application_name, q.client_addr, q.role_name, q.backend_pid,
    q.chain_seq)::text, 'UTF8'))) AS same
FROM tenancy.query_history AS q;
SELECT bool_and(tenancy.history_entry_digest(q) = sha256(convert_to(ROW(
    q.id, q.user_id, q.database_connection_id, q.natural_language_query, q.generated_sql_query, q.execution_time_ms, q.row_count, q.status,
    q.error_message, q.result_hash, q.source, q.connection_name, q.error_code, q.result_bytes, q.truncated, q.cached,
    extract(epoch FROM q.started_at), extract(epoch FROM q.finished_at), q.application_name, q.client_addr, q.role_name, q.backend_pid,
    q.chain_seq)::text, 'UTF8'))) AS same
FROM (VALUES ('', '1969-12-31 23:59:59.5+00'::timestamptz, '10.1.2.0/24'::inet, 'x y'), (E'\n', '1970-01-01 00:00+00', '::1', ''), (E'a\tb', '2000-01-01', NULL, 'é'),
             ('"', '2100-01-01 00:00:00.000001', '127.0.0.1', '\'), (E'\u00a0', '0001-01-01', NULL, 'a,b'), (NULL, '2026-01-01', NULL, '()')) AS v (sql, at, addr, name),
     LATERAL (SELECT gen_random_uuid() AS id, NULL::uuid AS user_id, NULL::uuid AS database_connection_id, v.name AS natural_language_query, v.sql AS generated_sql_query,
                     -5 AS execution_time_ms, 2147483647 AS row_count, 'success'::varchar(20) AS status, NULL::text AS error_message, NULL::varchar(64) AS result_hash,
                     now() AS created_at, now() AS updated_at, 'sql'::varchar(20) AS source, v.sql AS connection_name, '42000'::varchar(5) AS error_code,
                     -9223372036854775808 AS result_bytes, true AS truncated, false AS cached, v.at AS started_at, v.at AS finished_at, v.name AS application_name,
                     v.addr AS client_addr, v.name::name AS role_name, 1 AS backend_pid, 1::bigint AS chain_seq, '\x'::bytea AS chain_hash) AS w,
     LATERAL (SELECT (ROW(w.*)::tenancy.query_history).*) AS q;

-- Tampering, as only a superuser can, who turns triggers off.
CREATE FUNCTION probe.tampered(change text, subject uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    SET LOCAL session_replication_role = replica;
    EXECUTE change USING subject;
    SELECT concat_ws(': ', v.problem, v.seq::text, v.detail) INTO found FROM tenancy.verify_history(subject) AS v;
    RAISE EXCEPTION USING MESSAGE = found, ERRCODE = 'P1234';
EXCEPTION WHEN SQLSTATE 'P1234' THEN
    RETURN SQLERRM;
END
$$;
SELECT c.what, probe.tampered(c.change, :'me') AS problem
FROM (VALUES
    ('a changed text', $$UPDATE tenancy.query_history SET generated_sql_query = 'SELECT 0' WHERE user_id = $1 AND chain_seq = 4$$),
    ('a flipped bit of a hash', $$UPDATE tenancy.query_history SET chain_hash = set_bit(chain_hash, 7, 1 - get_bit(chain_hash, 7)) WHERE user_id = $1 AND chain_seq = 5$$),
    ('a flipped bit of the last hash', $$UPDATE tenancy.query_history SET chain_hash = set_bit(chain_hash, 7, 1 - get_bit(chain_hash, 7)) WHERE user_id = $1 AND chain_seq = 12$$),
    ('a row changed with its hash', $c$DO $d$ DECLARE p bytea; BEGIN UPDATE tenancy.query_history SET row_count = 99 WHERE connection_name = 'proof' AND chain_seq = 6;
           SELECT chain_hash INTO p FROM tenancy.query_history WHERE connection_name = 'proof' AND chain_seq = 5;
           UPDATE tenancy.query_history AS q SET chain_hash = sha256(p || tenancy.history_entry_digest(q)) WHERE connection_name = 'proof' AND chain_seq = 6; END $d$$c$),
    ('a deleted row', $$DELETE FROM tenancy.query_history WHERE user_id = $1 AND chain_seq = 4$$),
    ('deleted rows', $$DELETE FROM tenancy.query_history WHERE user_id = $1 AND chain_seq BETWEEN 4 AND 6$$),
    ('the first row deleted', $$DELETE FROM tenancy.query_history WHERE user_id = $1 AND chain_seq = 1$$),
    ('two rows exchanged', $c$DO $d$ DECLARE h bytea[]; BEGIN
           h := ARRAY(SELECT chain_hash FROM tenancy.query_history WHERE connection_name = 'proof' AND chain_seq IN (3, 8) ORDER BY chain_seq);
           UPDATE tenancy.query_history SET chain_seq = -3, chain_hash = h[1] WHERE connection_name = 'proof' AND chain_seq = 8;
           UPDATE tenancy.query_history SET chain_seq = 8, chain_hash = h[2] WHERE connection_name = 'proof' AND chain_seq = 3;
           UPDATE tenancy.query_history SET chain_seq = 3 WHERE connection_name = 'proof' AND chain_seq = -3; END $d$$c$),
    ('the places of two rows exchanged', $c$DO $d$ BEGIN
           UPDATE tenancy.query_history SET chain_seq = -5 WHERE connection_name = 'proof' AND chain_seq = 9;
           UPDATE tenancy.query_history SET chain_seq = 9 WHERE connection_name = 'proof' AND chain_seq = 5;
           UPDATE tenancy.query_history SET chain_seq = 5 WHERE connection_name = 'proof' AND chain_seq = -5; END $d$$c$),
    ('a cut tail', $$DELETE FROM tenancy.query_history WHERE user_id = $1 AND chain_seq >= 11$$),
    ('all rows deleted', $$DELETE FROM tenancy.query_history WHERE user_id = $1$$),
    ('a row beyond the head', $$UPDATE tenancy.history_chain SET seq = 11, hash = (SELECT chain_hash FROM tenancy.query_history WHERE user_id = $1 AND chain_seq = 11) WHERE user_id = $1$$),
    ('another head', $$UPDATE tenancy.history_chain SET hash = sha256('x') WHERE user_id = $1$$),
    ('no head', $$DELETE FROM tenancy.history_chain WHERE user_id = $1$$),
    ('nothing', $$SELECT $1$$)) AS c (what, change);

-- A tail that was cut with its head, or a rewritten one, is whole in itself: only a kept anchor tells.
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM tenancy.query_history WHERE user_id = :'me' AND chain_seq > 8;
UPDATE tenancy.history_chain SET seq = 8, hash = (SELECT chain_hash FROM tenancy.query_history WHERE user_id = :'me' AND chain_seq = 8) WHERE user_id = :'me';
SELECT row_count, problem FROM tenancy.verify_history(:'me');
SELECT seq, problem, detail FROM tenancy.verify_anchor(:'anchor');
ROLLBACK;
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE tenancy.query_history SET row_count = 99 WHERE user_id = :'me' AND chain_seq = 2;
UPDATE tenancy.query_history AS q SET chain_hash = n.hash
FROM (SELECT id, tenancy.history_chain_hash(NULL, tenancy.history_entry_digest(r)) OVER (ORDER BY chain_seq) AS hash FROM tenancy.query_history AS r WHERE user_id = :'me') AS n
WHERE n.id = q.id;
UPDATE tenancy.history_chain SET hash = (SELECT chain_hash FROM tenancy.query_history WHERE user_id = :'me' AND chain_seq = 12) WHERE user_id = :'me';
SELECT row_count, problem FROM tenancy.verify_history(:'me');
SELECT seq, problem, detail FROM tenancy.verify_anchor(:'anchor');
ROLLBACK;
SELECT seq, problem, detail FROM tenancy.verify_anchor(replace(:'anchor', ':10:', ':11:'));
SELECT seq, problem, detail FROM tenancy.verify_anchor(regexp_replace(:'anchor', '[^:]+:[0-9a-f]+$', 'other:00'));
SELECT seq, problem FROM tenancy.verify_anchor('tenancy:anchor:1:');
SELECT seq, problem FROM tenancy.verify_anchor('');

-- Others' chains are not for tenants; administrators see all.
SET ROLE regress_app;
SELECT probe.become('two@example.com');
SELECT tenancy.execute_query('nothing', 'SELECT 1') ->> 'status' AS status;
SELECT probe.error_of(format('SELECT tenancy.verify_history(%L)', :'me'));
SELECT probe.error_of(format('SELECT tenancy.history_anchor(%L)', :'me'));
SELECT probe.error_of(format('SELECT tenancy.verify_anchor(%L)', :'anchor'));
SELECT probe.error_of('SELECT tenancy.prune_history()');
SELECT set_config('tenancy.session', '', false);
SELECT probe.error_of('SELECT tenancy.verify_history()');
SELECT probe.error_of('SELECT tenancy.history_anchor()');
SET ROLE regress_admin;
SELECT count(*) > 1 AS chains, sum(row_count) = (SELECT count(*) FROM tenancy.query_history) AS rows, count(problem) AS broken FROM tenancy.verify_history();
SELECT count(*) = (SELECT count(*) FROM tenancy.history_chain) AS anchors FROM tenancy.history_anchor();
SELECT bool_and(v.problem IS NULL) AS all_good FROM tenancy.history_anchor() AS a, tenancy.verify_anchor(a.anchor) AS v;
SELECT probe.error_of('SELECT tenancy.prune_history()');

-- Retention: what is older goes, in the order of the chain, and the rest is still proved.
RESET ROLE;
SELECT tenancy.prune_history() AS kept_by_default;
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE tenancy.query_history SET created_at = created_at - interval '40 days', id = (overlay(id::text PLACING left(tenancy.first_uuid(now() - interval '40 days')::text, 13) FROM 1 FOR 13))::uuid
WHERE user_id = :'me' AND chain_seq <= 9;
SET LOCAL session_replication_role = origin;
SET LOCAL tenancy.history_retention = '30d';
SELECT tenancy.prune_history(4) AS some, tenancy.prune_history(4) AS more, tenancy.prune_history(4) AS rest, tenancy.prune_history(4) AS none;
SELECT seq FROM tenancy.history_pruned WHERE user_id = :'me';
SELECT min(chain_seq), max(chain_seq), count(*) FROM tenancy.query_history WHERE user_id = :'me';
SELECT probe.error_of($$DELETE FROM tenancy.query_history$$);
SELECT row_count, problem FROM tenancy.verify_history(:'me');
SELECT seq, problem FROM tenancy.verify_anchor(:'anchor');
-- With its rows and its head gone, too, what retention has noted of a chain still tells.
SET LOCAL session_replication_role = replica;
DELETE FROM tenancy.query_history WHERE user_id = :'me';
DELETE FROM tenancy.history_chain WHERE user_id = :'me';
SET LOCAL ROLE regress_admin;
SELECT row_count, problem FROM tenancy.verify_history() WHERE problem IS NOT NULL;
ROLLBACK;
-- A chain that lacks its beginning stays, for verify_history() to tell of, and takes nobody else's turn.
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE tenancy.query_history SET created_at = created_at - interval '40 days', id = (overlay(id::text PLACING left(tenancy.first_uuid(now() - interval '40 days')::text, 13) FROM 1 FOR 13))::uuid
WHERE user_id = :'me' AND chain_seq <= 3;
UPDATE tenancy.query_history SET created_at = created_at - interval '50 days', id = (overlay(id::text PLACING left(tenancy.first_uuid(now() - interval '50 days')::text, 13) FROM 1 FOR 13))::uuid
WHERE user_id <> :'me';
DELETE FROM tenancy.query_history WHERE user_id <> :'me' AND chain_seq = 1;
SET LOCAL session_replication_role = origin;
SET LOCAL tenancy.history_retention = '30d';
SET LOCAL client_min_messages = error;
SELECT tenancy.prune_history(2) + tenancy.prune_history(2) + tenancy.prune_history(2) AS gone, tenancy.prune_history(2) AS none;
ROLLBACK;
-- Who has no history yet has nothing that is wrong.
SELECT tenancy.register('new@example.com', 'correct horse new@example.com') AS newcomer \gset
SELECT row_count, problem FROM tenancy.verify_history(:'newcomer');
SELECT probe.error_of($$SELECT tenancy.prune_rows(1, now(), now())$$);
SELECT probe.error_of(format('SELECT tenancy.prune_chain(%L, 100, now())', :'me'));
SELECT new, old, action FROM tenancy.audit_log WHERE object_type = 'encryption_keys';
