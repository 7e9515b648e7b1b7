-- Sessions: nothing but a token, set in this transaction, gives an identity.
SET client_min_messages = warning;
CREATE ROLE regress_identity_app LOGIN;
GRANT tenancy_user TO regress_identity_app;
SET SESSION AUTHORIZATION regress_identity_app;
SELECT tenancy.register('ann@session.example', 'correct horse') AS ann \gset
SELECT tenancy.register('bob@session.example', 'battery staple') AS bob \gset
SELECT tenancy.login('ann@session.example', 'correct horse') AS ann_token \gset
SELECT tenancy.login('bob@session.example', 'battery staple') AS bob_token \gset
-- who is it?
PREPARE who AS SELECT CASE tenancy.current_user_id() WHEN :'ann' THEN 'ann' WHEN :'bob' THEN 'bob' END AS who;

-- an identity ends with its transaction
EXECUTE who;
BEGIN; SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann; EXECUTE who; COMMIT;
EXECUTE who;
BEGIN; SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann; ROLLBACK;
EXECUTE who;
SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann;
EXECUTE who;
-- also when the setting outlives it, whatever brings the old value back
SET tenancy.session = :'ann_token';
EXECUTE who;
BEGIN; EXECUTE who;
SET LOCAL tenancy.session = :'bob_token'; EXECUTE who; ROLLBACK;
EXECUTE who;
BEGIN; SAVEPOINT s; SELECT tenancy.authenticate(:'bob_token') = :'bob' AS bob; EXECUTE who; ROLLBACK TO s; EXECUTE who; COMMIT;
BEGIN; SELECT tenancy.authenticate(:'bob_token') = :'bob' AS bob; RESET tenancy.session; EXECUTE who; COMMIT;
CREATE FUNCTION pg_temp.other(token text, OUT inside uuid, OUT afterwards uuid) LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM set_config('tenancy.session', token, true);
        inside := tenancy.current_user_id();
        RAISE division_by_zero USING MESSAGE = inside::text;
    EXCEPTION WHEN division_by_zero THEN
        inside := SQLERRM;
    END;
    afterwards := tenancy.current_user_id();
END $$;
BEGIN;
SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann;
SELECT inside = :'bob' AS inside, afterwards = :'ann' AS afterwards FROM pg_temp.other(:'bob_token');
SAVEPOINT a; SELECT tenancy.authenticate(:'bob_token') = :'bob' AS bob;
SAVEPOINT b; SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann;
ROLLBACK TO b; EXECUTE who;
RELEASE a; EXECUTE who;
COMMIT;
DISCARD ALL;
SET SESSION AUTHORIZATION regress_identity_app;
PREPARE who AS SELECT CASE tenancy.current_user_id() WHEN :'ann' THEN 'ann' WHEN :'bob' THEN 'bob' END AS who;

-- nobody reads the token out of the setting, and nobody gets an identity without one
BEGIN;
SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann;
SHOW tenancy.session;
SELECT current_setting('tenancy.session'), set_config('tenancy.session', :'bob_token', true);
SELECT count(*) FROM pg_settings WHERE name = 'tenancy.session';
COMMIT;
BEGIN; SELECT set_config('tenancy.session', :'ann', true) AS set; EXECUTE who; COMMIT;
BEGIN; SET LOCAL tenancy.session = 'tncy_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'; EXECUTE who; COMMIT;
BEGIN; SELECT set_config('tenancy.session', encode(sha256(:'ann_token'), 'hex'), true) <> '' AS set; EXECUTE who; COMMIT;
SET tenancy.user_id = 'x';
SET tenancy.identity_scope = session;
SELECT tenancy.authenticate('');
SELECT tenancy.authenticate('tncy_wrong');
SELECT tenancy.authenticate(NULL);
ALTER ROLE regress_identity_app SET tenancy.session = 'tncy_wrong';
ALTER ROLE regress_identity_app RESET tenancy.session;

-- a session that was made in a rolled back subtransaction is none
BEGIN;
SAVEPOINT s;
SELECT tenancy.login('ann@session.example', 'correct horse') AS token \gset
SELECT tenancy.authenticate(:'token') = :'ann' AS ann;
ROLLBACK TO s;
SELECT tenancy.authenticate(:'token');
ROLLBACK;
-- one statement logs in and authenticates
BEGIN; SELECT tenancy.authenticate(tenancy.login('ann@session.example', 'correct horse')) = :'ann' AS ann; EXECUTE who; ROLLBACK;

-- generic plans, cursors and views follow the identity
SET plan_cache_mode = force_generic_plan;
PREPARE mine AS SELECT email FROM tenancy.users;
BEGIN; SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann; EXECUTE mine; COMMIT;
BEGIN; SELECT tenancy.authenticate(:'bob_token') = :'bob' AS bob; EXECUTE mine; COMMIT;
EXECUTE mine;
-- once for each statement, not for each row
CREATE FUNCTION pg_temp.plan_has(part text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXPLAIN SELECT email FROM tenancy.users LOOP
        IF line LIKE '%' || part || '%' THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;
SELECT pg_temp.plan_has('InitPlan') AS once;
DROP FUNCTION pg_temp.plan_has(text);
RESET plan_cache_mode;

-- an expired session, and one that expires while its transaction runs
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann;
UPDATE tenancy.user_sessions SET expires_at = clock_timestamp() + interval '5 s' WHERE user_id = :'ann';
SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann;
SELECT pg_sleep_until(max(expires_at) + interval '0.1 s') FROM tenancy.user_sessions WHERE user_id = :'ann';
SELECT tenancy.current_user_id() IS NULL AS expired;
SAVEPOINT s;
SELECT tenancy.authenticate(:'ann_token');
ROLLBACK;

-- scope "session", which only a superuser chooses: the setting is enough
SET tenancy.identity_scope = session;
SET SESSION AUTHORIZATION regress_identity_app;
SET tenancy.session = :'ann_token';
EXECUTE who;
BEGIN; EXECUTE who; SET LOCAL tenancy.session = :'bob_token'; EXECUTE who; COMMIT;
EXECUTE who;
SET tenancy.session = 'wrong';
EXECUTE who;
RESET tenancy.session;
EXECUTE who;
RESET SESSION AUTHORIZATION;
RESET tenancy.identity_scope;

-- with the scope back, an old setting is dead again
SET tenancy.session = :'ann_token';
EXECUTE who;
RESET tenancy.session;
ALTER SYSTEM SET tenancy.session = 'x';

-- in a security-restricted operation the identity cannot be changed
CREATE TABLE public.regress_identity_trap (a int);
ALTER TABLE public.regress_identity_trap OWNER TO regress_identity_app;
CREATE FUNCTION public.regress_identity_trap(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('tenancy.session', 'tncy_wrong', true);
    RETURN $1;
END $$;
INSERT INTO public.regress_identity_trap VALUES (1);
\set SHOW_CONTEXT never
CREATE INDEX ON public.regress_identity_trap (public.regress_identity_trap(a));
-- nor is the one of whoever maintains the table there for its owner's functions
CREATE FUNCTION public.regress_identity_lent(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING 'somebody: %', tenancy.current_user_id() IS NOT NULL;
    RETURN $1;
END $$;
BEGIN;
SELECT tenancy.authenticate(:'ann_token') = :'ann' AS ann;
CREATE INDEX ON public.regress_identity_trap (public.regress_identity_lent(a));
SELECT public.regress_identity_lent(a) AS lent FROM public.regress_identity_trap;
ROLLBACK;
DROP FUNCTION public.regress_identity_lent(int);
DROP FUNCTION public.regress_identity_trap(int);
DROP TABLE public.regress_identity_trap;

DELETE FROM tenancy.users WHERE email LIKE '%session.example';
DROP ROLE regress_identity_app;
