-- Accounts: what register, login, change_password and the profile functions accept, and who may do what.
SET client_min_messages = warning;
CREATE ROLE regress_identity_app LOGIN;
CREATE ROLE regress_identity_boss LOGIN;
GRANT tenancy_user TO regress_identity_app;
GRANT tenancy_admin TO regress_identity_boss;

SET SESSION AUTHORIZATION regress_identity_app;
\set SHOW_CONTEXT never

SELECT tenancy.register('Ann@account.example', 'correct horse', 'Ann', company_name => 'ACME') AS ann \gset
SELECT tenancy.register('bob@account.example', 'battery staple', 'Bob') AS bob \gset
-- one account per address, whatever the case
SELECT tenancy.register('ann@ACCOUNT.example', 'something else');
SELECT tenancy.register('nobody', 'something else');
SELECT tenancy.register('two@at@signs.example', 'something else');
SELECT tenancy.register('white space@account.example', 'something else');
SELECT tenancy.register('@account.example', 'something else');
SELECT tenancy.register(repeat('x', 250) || '@account.example', 'something else');
SELECT tenancy.register('short@account.example', 'seven77');
SELECT tenancy.register('long@account.example', repeat('x', 1025));
SELECT tenancy.register(NULL, 'something else');
SELECT tenancy.register('name@account.example', 'something else', repeat('x', 101));

-- the same answer for a wrong password and for nobody
SELECT tenancy.login('ann@account.example', 'wrong');
SELECT tenancy.login('nobody@account.example', 'correct horse');
SELECT tenancy.login('ANN@account.example', 'correct horse') AS token \gset
SELECT :'token' ~ '^tncy_[A-Za-z0-9_-]{43}$' AS shape;
SELECT tenancy.login('ann@account.example', 'correct horse') AS other \gset
SELECT :'token' <> :'other' AS fresh;

BEGIN;
SELECT tenancy.authenticate(:'token') = :'ann' AS ann;
SELECT email, first_name, last_name, company_name, is_active FROM tenancy.profile();
SELECT tenancy.update_profile(last_name => 'Smith');
SELECT first_name, last_name, company_name FROM tenancy.profile();
SELECT count(*) AS sessions FROM tenancy.sessions();
-- own rows only, and never a secret
SELECT email FROM tenancy.users;
SELECT count(*) FROM tenancy.user_sessions AS s WHERE s.user_id <> :'ann';
SAVEPOINT s;
UPDATE tenancy.users SET first_name = 'Anna' WHERE id = :'ann';
ROLLBACK TO s;
SELECT password_hash FROM tenancy.users;
ROLLBACK TO s;
SELECT token_hash FROM tenancy.user_sessions;
ROLLBACK TO s;
UPDATE tenancy.users SET is_active = true;
ROLLBACK TO s;
DELETE FROM tenancy.users;
ROLLBACK TO s;
INSERT INTO tenancy.user_sessions (user_id, token_hash, expires_at) VALUES (:'bob', '\x00', 'infinity');
ROLLBACK TO s;
COMMIT;

-- a changed password ends the other sessions, not this one
BEGIN;
SELECT tenancy.authenticate(:'token') = :'ann' AS ann;
SAVEPOINT s;
SELECT tenancy.change_password('wrong', 'another horse');
ROLLBACK TO s;
SELECT tenancy.change_password('correct horse', 'short');
ROLLBACK TO s;
SELECT tenancy.change_password('correct horse', 'another horse');
COMMIT;
SELECT tenancy.authenticate(:'other');
SELECT tenancy.authenticate(:'token') = :'ann' AS ann;
SELECT tenancy.login('ann@account.example', 'correct horse');
SELECT tenancy.login('ann@account.example', 'another horse') AS other \gset

-- log out here, then everywhere
BEGIN;
SELECT tenancy.authenticate(:'token') IS NOT NULL AS in;
SELECT tenancy.logout(), tenancy.current_user_id() IS NULL AS out;
SELECT tenancy.logout();
COMMIT;
SELECT tenancy.authenticate(:'token');
BEGIN;
SELECT tenancy.authenticate(:'other') IS NOT NULL AS in;
SELECT tenancy.logout_everywhere(), tenancy.current_user_id() IS NULL AS out;
COMMIT;
SELECT tenancy.authenticate(:'other');
SELECT tenancy.logout(), tenancy.current_user_id();
SELECT tenancy.logout_everywhere();
SELECT tenancy.change_password('a', 'b');
SELECT * FROM tenancy.profile();

-- what administrators may do, others may not
SELECT tenancy.is_admin();
SELECT tenancy.set_active(:'bob', false);
SELECT tenancy.reset_password(:'bob', 'something else');
SELECT tenancy.unlock_account('bob@account.example');

SELECT tenancy.login('bob@account.example', 'battery staple') AS token \gset
SET SESSION AUTHORIZATION regress_identity_boss;
SELECT tenancy.is_admin();
SELECT email FROM tenancy.users WHERE email LIKE '%account.example' ORDER BY email COLLATE "C";
SELECT tenancy.set_active(:'bob', false);
SELECT tenancy.set_active(gen_random_uuid(), false);
SET SESSION AUTHORIZATION regress_identity_app;
SELECT tenancy.authenticate(:'token');
SELECT tenancy.login('bob@account.example', 'battery staple');
SET SESSION AUTHORIZATION regress_identity_boss;
SELECT tenancy.set_active(:'bob', true);
SELECT tenancy.reset_password(:'bob', 'forgotten staple');
SELECT tenancy.reset_password(gen_random_uuid(), 'forgotten staple');
SET SESSION AUTHORIZATION regress_identity_app;
-- being active again does not revive a session
SELECT tenancy.authenticate(:'token');
SELECT tenancy.login('bob@account.example', 'forgotten staple') IS NOT NULL AS in;

-- a function of an administrator does not lend the role, nor does being called by one
SET SESSION AUTHORIZATION regress_identity_boss;
CREATE FUNCTION pg_temp.lend() RETURNS boolean SECURITY DEFINER LANGUAGE sql AS 'SELECT tenancy.is_admin()';
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_identity_app;
CREATE FUNCTION pg_temp.borrow() RETURNS boolean SECURITY DEFINER LANGUAGE sql AS 'SELECT tenancy.is_admin()';
SELECT pg_temp.lend(), pg_temp.borrow();
SET SESSION AUTHORIZATION regress_identity_boss;
SELECT pg_temp.lend(), pg_temp.borrow();
RESET SESSION AUTHORIZATION;
SELECT pg_temp.lend(), pg_temp.borrow();
DROP FUNCTION pg_temp.lend(), pg_temp.borrow();

-- hashes say what they cost
SELECT password_hash ~ '^\$scrypt\$ln=[0-9]+,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$' AS phc
FROM tenancy.users WHERE email LIKE '%account.example';

DELETE FROM tenancy.users WHERE email LIKE '%account.example';
DROP ROLE regress_identity_app, regress_identity_boss;
