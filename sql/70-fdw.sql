
-- Foreign tables: client databases as tables of the platform.

CREATE FUNCTION tenancy.tenant_fdw_handler() RETURNS fdw_handler
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_tenant_fdw_handler';
COMMENT ON FUNCTION tenancy.tenant_fdw_handler() IS 'handler of the foreign data wrapper tenant_fdw';

CREATE FOREIGN DATA WRAPPER tenant_fdw HANDLER tenancy.tenant_fdw_handler;
COMMENT ON FOREIGN DATA WRAPPER tenant_fdw IS 'tables of client databases: PostgreSQL, MySQL, MariaDB and SQLite';
