-- Role bindings: a login role that is a user without a token.
SET client_min_messages = warning;
CREATE ROLE regress_identity_ann LOGIN;
CREATE ROLE regress_identity_boss LOGIN;
CREATE ROLE regress_identity_super LOGIN SUPERUSER;
GRANT tenancy_user TO regress_identity_ann;
GRANT tenancy_admin TO regress_identity_boss;
SELECT tenancy.register('ann@role.example', 'correct horse') AS ann \gset
SELECT tenancy.register('bob@role.example', 'battery staple') AS bob \gset
SELECT tenancy.login('bob@role.example', 'battery staple') AS bob_token \gset

SET SESSION AUTHORIZATION regress_identity_ann;
SELECT tenancy.current_user_id();
SELECT tenancy.bind_role(:'ann', 'regress_identity_ann');
INSERT INTO tenancy.role_bindings VALUES ('regress_identity_ann', :'ann');

SET SESSION AUTHORIZATION regress_identity_boss;
SELECT tenancy.bind_role(:'ann', 'regress_identity_ann');
SELECT tenancy.bind_role(:'ann', 'regress_identity_ann');
SELECT tenancy.bind_role(:'bob', 'regress_identity_ann');
SELECT tenancy.bind_role(:'bob', 'regress_identity_super');
SELECT tenancy.bind_role(:'bob', 'pg_monitor');
SELECT tenancy.bind_role(:'bob', 'regress_identity_nobody');
SELECT tenancy.bind_role(gen_random_uuid(), 'regress_identity_boss');
SELECT role_name, user_id = :'ann' AS ann FROM tenancy.role_bindings;

SET SESSION AUTHORIZATION regress_identity_ann;
SELECT tenancy.current_user_id() = :'ann' AS ann;
SELECT email FROM tenancy.profile();
SELECT role_name FROM tenancy.role_bindings;
-- a token goes before the role; one that is not valid is nobody, not the role
BEGIN;
SELECT tenancy.authenticate(:'bob_token') = :'bob' AS bob;
SELECT tenancy.current_user_id() = :'bob' AS bob;
SELECT set_config('tenancy.session', 'wrong', true) IS NOT NULL AS set;
SELECT tenancy.current_user_id();
COMMIT;
SELECT tenancy.logout();
-- SET ROLE is no change of identity
RESET SESSION AUTHORIZATION;
SET ROLE regress_identity_ann;
SELECT tenancy.current_user_id();
RESET ROLE;

SET SESSION AUTHORIZATION regress_identity_boss;
BEGIN;
SELECT tenancy.set_active(:'ann', false);
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SET LOCAL SESSION AUTHORIZATION regress_identity_ann;
SELECT tenancy.current_user_id();
ROLLBACK;
-- the answer follows a change within the transaction, and its rollback
RESET SESSION AUTHORIZATION;
BEGIN;
SET LOCAL SESSION AUTHORIZATION regress_identity_boss;
SELECT tenancy.current_user_id();
SAVEPOINT s;
SELECT tenancy.bind_role(:'bob', 'regress_identity_boss');
SELECT tenancy.current_user_id() = :'bob' AS bob;
ROLLBACK TO s;
SELECT tenancy.current_user_id();
ROLLBACK;

SET SESSION AUTHORIZATION regress_identity_boss;
SELECT tenancy.unbind_role('regress_identity_ann');
SELECT tenancy.unbind_role('regress_identity_ann');
SET SESSION AUTHORIZATION regress_identity_ann;
SELECT tenancy.current_user_id();

RESET SESSION AUTHORIZATION;
DELETE FROM tenancy.users WHERE email LIKE '%role.example';
DROP ROLE regress_identity_ann, regress_identity_boss, regress_identity_super;
