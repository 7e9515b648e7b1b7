
-- Catalog: what client databases have, as the platform last saw it.

COMMENT ON COLUMN tenancy.database_connections.schema_json
    IS 'tables, columns and keys of the client database as they were last detected, see docs/catalog.md';
