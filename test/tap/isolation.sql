-- What a tenant sees of every table and function, beside another tenant with rows in all of them.
BEGIN;
SELECT * FROM no_plan();
SET LOCAL tenancy.identity_scope = 'transaction';
CREATE ROLE tap_app;
GRANT tenancy_user TO tap_app;
-- pgTAP's own bookkeeping, for the role that the tests run as.
GRANT USAGE, CREATE ON SCHEMA public TO tap_app;
SELECT tenancy.register('a@tap.example', 'a long password') AS a \gset
SELECT tenancy.register('b@tap.example', 'b long password') AS b \gset
SELECT tenancy.login('a@tap.example', 'a long password') AS token_a \gset
SELECT tenancy.login('b@tap.example', 'b long password') AS token_b \gset

CREATE FUNCTION pg_temp.as_app(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
BEGIN
    SET LOCAL ROLE tap_app;
    EXECUTE statement INTO answer;
    RESET ROLE;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE;
END
$$;

SELECT is(tenancy.authenticate(:'token_a'), :'a'::uuid, 'a token is an identity');
SELECT tenancy.create_connection('mine', 'sqlite', database_name => 'a.db', options => '{"create": true}') AS connection_a \gset
SELECT tenancy.execute_query('mine', 'SELECT 1') ->> 'query_id' AS query_a \gset
SELECT is(tenancy.authenticate(:'token_b'), :'b'::uuid, 'another token is another identity');
SELECT tenancy.create_connection('mine', 'sqlite', database_name => 'b.db', options => '{"create": true}') AS connection_b \gset
SELECT tenancy.execute_query('mine', 'SELECT 2') ->> 'query_id' AS query_b \gset

SELECT is(pg_temp.as_app('SELECT string_agg(email, '','') FROM tenancy.users'), 'b@tap.example', 'own user only');
SELECT is(pg_temp.as_app('SELECT count(*) FROM tenancy.user_sessions'), '1', 'own sessions only');
SELECT is(pg_temp.as_app('SELECT string_agg(id::text, '','') FROM tenancy.database_connections'), :'connection_b', 'own connections only');
SELECT is(pg_temp.as_app('SELECT string_agg(id::text, '','') FROM tenancy.connections()'), :'connection_b', 'own connections by function');
SELECT is(pg_temp.as_app(format('SELECT count(*) FROM tenancy.history_entries WHERE user_id = %L', :'a')), '0', 'no history of another');
SELECT is(pg_temp.as_app(format('SELECT tenancy.history_entry(%L)', :'query_a')), 'P0002', 'no entry of another');
SELECT is(pg_temp.as_app(format('SELECT count(*) FROM tenancy.audit_log WHERE user_id = %L', :'a')), '0', 'no audit of another');
SELECT is(pg_temp.as_app(format('SELECT tenancy.execute_query(%L::uuid, ''SELECT 1'') ->> ''status''', :'connection_a')), 'denied', 'no query on another''s database');
SELECT is(pg_temp.as_app(format('SELECT tenancy.open_query(%L::uuid, ''SELECT 1'')', :'connection_a')), '42501', 'no cursor on it');
SELECT is(pg_temp.as_app(format('SELECT tenancy.delete_connection(%L::uuid)', :'connection_a')), '42501', 'nor deleting it');
SELECT is(pg_temp.as_app(format('UPDATE tenancy.users SET first_name = ''x'' WHERE id = %L RETURNING id', :'a')), '42501', 'nor changing the other user');
SELECT is(pg_temp.as_app('UPDATE tenancy.users SET is_active = true RETURNING id'), '42501', 'nor columns that are not for users');
SELECT is(pg_temp.as_app('SELECT password_hash FROM tenancy.users'), '42501', 'nor reading hashes');
SELECT is(pg_temp.as_app('DELETE FROM tenancy.query_history'), '42501', 'nor deleting history');
SELECT is(pg_temp.as_app('SELECT tenancy.decrypt_database_password(''x'')'), '42501', 'nor using keys');
SELECT is(pg_temp.as_app(format('SELECT tenancy.bind_role(%L, ''tap_app'')', :'b')), '42501', 'nor binding roles');

-- A row of the other user in each table that has users' rows, whatever it takes to get it in.
SET LOCAL session_replication_role = replica;
CREATE FUNCTION pg_temp.put_row(relation regclass, owner uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    checked name;
    columns text;
    row_values text;
BEGIN
    FOR checked IN SELECT k.conname FROM pg_constraint AS k WHERE k.conrelid = relation AND k.contype = 'c' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', relation, checked);
    END LOOP;
    SELECT string_agg(quote_ident(c.attname), ', '), string_agg(CASE
               WHEN c.attname = 'user_id' THEN quote_literal(owner) || '::uuid'
               WHEN c.type = 'uuid' THEN 'gen_random_uuid()'
               WHEN c.category = 'D' THEN 'now()'
               WHEN c.type = 'bytea' THEN '''\x00'''
               WHEN c.type IN ('json', 'jsonb') THEN '''{}'''
               WHEN c.category = 'N' THEN '1'
               WHEN c.category = 'B' THEN 'false'
               WHEN c.category = 'A' THEN '''{}'''
               WHEN c.category = 'T' THEN '''1 day'''
               ELSE '''x''' END, ', ')
    INTO columns, row_values
    FROM (SELECT a.attname, t.typname AS type, t.typcategory AS category FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
          WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
            AND (a.attnotnull OR a.attname = 'user_id')) AS c;
    EXECUTE format('INSERT INTO %s (%s) VALUES (%s)', relation, columns, row_values);
END
$$;
CREATE TEMPORARY TABLE owned AS
    SELECT a.attrelid::regclass AS relation FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'tenancy'::regnamespace AND c.relkind = 'r' AND a.attname = 'user_id';
SELECT cmp_ok(count(*), '>', 10::bigint, 'tables have users'' rows') FROM owned;
SELECT lives_ok(format('SELECT pg_temp.put_row(%L, %L)', relation, :'a'), 'a row of another in ' || relation) FROM owned ORDER BY relation::text;
SELECT ok(pg_temp.as_app(statement) IN ('0', '42501'), 'and nobody else sees it in ' || relation)
FROM (SELECT o.relation, format('SELECT count(*) FROM %s WHERE user_id = %L', o.relation, :'a') AS statement FROM owned AS o) AS s
ORDER BY relation::text;
SET LOCAL session_replication_role = origin;

SELECT set_config('tenancy.session', 'tncy_forged', true);
SELECT is(pg_temp.as_app('SELECT tenancy.current_user_id()'), NULL, 'a made-up token is nobody');
SELECT is(pg_temp.as_app('SELECT count(*) FROM tenancy.users'), '0', 'and nobody sees nothing');
SELECT * FROM finish();
ROLLBACK;
