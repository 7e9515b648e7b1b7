-- The schema of a connection is seen by its user alone, and by an admin.
SET tenancy.identity_scope = 'session';
SET ROLE regress_app;
SELECT tenancy.register('owner@catalog.example', 'correct horse owner@catalog.example') IS NOT NULL AS registered;
SELECT tenancy.register('other@catalog.example', 'correct horse other@catalog.example') IS NOT NULL AS registered;
SELECT probe.become('owner@catalog.example');
SELECT tenancy.create_connection('catalogued', connection_string => 'sqlite:catalog.db?create=true') IS NOT NULL AS made;
SELECT name, schema_json FROM tenancy.database_connections WHERE name = 'catalogued';
SELECT probe.become('other@catalog.example');
SELECT name, schema_json FROM tenancy.database_connections WHERE name = 'catalogued';
