-- Failed logins lock an account, also when their transactions roll back, and whether or not the account exists.
SET client_min_messages = warning;
SELECT tenancy.register('ann@lockout.example', 'correct horse') IS NOT NULL AS registered;

-- how many attempts were counted until the account was locked? Each is rolled back.
CREATE FUNCTION pg_temp.guess(email text, password text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    PERFORM tenancy.login(email, password);
    RAISE EXCEPTION SQLSTATE 'TN001';
EXCEPTION
    WHEN SQLSTATE 'TN001' THEN
        RETURN 'in';
    WHEN invalid_password THEN
        GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
        RETURN CASE hint WHEN '' THEN SQLERRM ELSE SQLERRM || ': ' || hint END;
END $$;
CREATE FUNCTION pg_temp.guesses(email text) RETURNS TABLE (answer text, expected boolean) LANGUAGE sql AS $$
    SELECT g.answer, count(*) = CASE WHEN g.answer LIKE '%try again%' THEN 3 ELSE current_setting('tenancy.lockout_threshold')::int END
    FROM (SELECT pg_temp.guess(email, 'wrong ' || i) AS answer
          FROM generate_series(1, current_setting('tenancy.lockout_threshold')::int + 3) AS i) AS g
    GROUP BY g.answer ORDER BY g.answer
$$;

SELECT pg_temp.guess('ann@lockout.example', 'wrong');
SELECT pg_temp.guess('ann@lockout.example', 'correct horse');
BEGIN;
SELECT * FROM pg_temp.guesses('ann@lockout.example');
ROLLBACK;
SELECT pg_temp.guess('ann@lockout.example', 'correct horse');
SELECT pg_temp.guess('ANN@lockout.example', 'correct horse');
SELECT * FROM pg_temp.guesses('nobody@lockout.example');
SELECT tenancy.unlock_account('Ann@lockout.example');
SELECT pg_temp.guess('ann@lockout.example', 'correct horse');
SELECT tenancy.unlock_account('nobody@lockout.example');

-- the old password of change_password is guessed no better
SELECT tenancy.login('ann@lockout.example', 'correct horse') AS token \gset
BEGIN;
SELECT tenancy.authenticate(:'token') IS NOT NULL AS in;
DO $$
DECLARE
    last text;
BEGIN
    FOR i IN 1 .. current_setting('tenancy.lockout_threshold')::int + 1 LOOP
        BEGIN
            PERFORM tenancy.change_password('wrong ' || i, 'another horse');
        EXCEPTION WHEN invalid_password THEN
            GET STACKED DIAGNOSTICS last = PG_EXCEPTION_HINT;
        END;
    END LOOP;
    RAISE WARNING '%', last;
END $$;
COMMIT;
SELECT tenancy.unlock_account('ann@lockout.example');
DELETE FROM tenancy.users WHERE email LIKE '%lockout.example';
