-- Parallel workers have the identity of their leader, and only then.
SET client_min_messages = warning;
CREATE ROLE regress_identity_app LOGIN;
GRANT tenancy_user TO regress_identity_app;
SELECT tenancy.register('ann@parallel.example', 'correct horse') AS ann \gset
SELECT tenancy.register('bob@parallel.example', 'battery staple') AS bob \gset
SELECT tenancy.login('ann@parallel.example', 'correct horse') AS ann_token \gset
SELECT tenancy.login('bob@parallel.example', 'battery staple') AS bob_token \gset

CREATE TABLE public.regress_identity_rows (id int, owner uuid) WITH (parallel_workers = 2);
INSERT INTO public.regress_identity_rows
SELECT i, CASE WHEN i % 4 = 0 THEN :'bob' ELSE :'ann' END::uuid FROM generate_series(1, 20000) AS i;
ANALYZE public.regress_identity_rows;
GRANT SELECT ON public.regress_identity_rows TO regress_identity_app;

-- called by each worker for each row, without the usual sub-select around it
-- with a token of its own, which only a superuser can give it by hand, also where a worker calls it
CREATE FUNCTION public.regress_identity_bob(int) RETURNS uuid STABLE PARALLEL SAFE LANGUAGE plpgsql
AS 'BEGIN RETURN tenancy.current_user_id(); END';
UPDATE pg_proc SET proconfig = ARRAY['tenancy.session=' || :'bob_token'] WHERE proname = 'regress_identity_bob';
CREATE FUNCTION public.regress_identity_count() RETURNS TABLE (own bigint, others bigint, nobody bigint)
STABLE LANGUAGE sql BEGIN ATOMIC
    SELECT count(*) FILTER (WHERE owner = tenancy.current_user_id()),
           count(*) FILTER (WHERE owner <> tenancy.current_user_id()),
           count(*) FILTER (WHERE tenancy.current_user_id() IS NULL)
    FROM public.regress_identity_rows;
END;

SET SESSION AUTHORIZATION regress_identity_app;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;

EXPLAIN (COSTS OFF) SELECT count(*) FROM public.regress_identity_rows WHERE owner = tenancy.current_user_id();
BEGIN; SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann; SELECT * FROM public.regress_identity_count(); COMMIT;
BEGIN; SELECT tenancy.authenticate(:'bob_token') = :'bob' AS bob; SELECT * FROM public.regress_identity_count(); COMMIT;
SELECT * FROM public.regress_identity_count();
SELECT count(*) FILTER (WHERE as_bob = :'bob') AS bob, count(*) AS rows
FROM (SELECT public.regress_identity_bob(id) AS as_bob FROM public.regress_identity_rows LIMIT 100) AS called;
-- the leader has not asked yet when its workers do
BEGIN; SELECT set_config('tenancy.session', :'ann_token', true) IS NOT NULL AS set; SELECT * FROM public.regress_identity_count(); COMMIT;
-- a value that outlived its transaction is as dead in a worker
SET tenancy.session = :'ann_token';
SELECT * FROM public.regress_identity_count();
BEGIN; SAVEPOINT s; SET LOCAL tenancy.session = :'bob_token'; SELECT * FROM public.regress_identity_count();
ROLLBACK TO s; SELECT * FROM public.regress_identity_count(); COMMIT;
RESET tenancy.session;
BEGIN; SELECT set_config('tenancy.session', 'wrong', true) IS NOT NULL AS set; SELECT * FROM public.regress_identity_count(); COMMIT;

-- scope "session"
RESET SESSION AUTHORIZATION;
SET tenancy.identity_scope = session;
SET SESSION AUTHORIZATION regress_identity_app;
SET tenancy.session = :'bob_token';
SELECT * FROM public.regress_identity_count();
RESET tenancy.session;
RESET SESSION AUTHORIZATION;
RESET tenancy.identity_scope;

-- a bound role
SELECT tenancy.bind_role(:'ann', 'regress_identity_app');
SET SESSION AUTHORIZATION regress_identity_app;
SELECT * FROM public.regress_identity_count();
RESET SESSION AUTHORIZATION;

DROP FUNCTION public.regress_identity_bob(int);
DROP FUNCTION public.regress_identity_count();
DROP TABLE public.regress_identity_rows;
DELETE FROM tenancy.users WHERE email LIKE '%parallel.example';
DROP ROLE regress_identity_app;
