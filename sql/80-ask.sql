
-- Questions in plain language: translated to one SELECT, which runs read-only on the client database.

CREATE FUNCTION tenancy.translate(
    connection text, question text, OUT sql text, OUT translator text, OUT understood text)
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_translate';
COMMENT ON FUNCTION tenancy.translate(text, text)
    IS 'the SELECT that answers a question about a client database, prepared there but not run; sql is NULL when it is refused, and understood says why';
CREATE FUNCTION tenancy.translate(
    connection uuid, question text, OUT sql text, OUT translator text, OUT understood text)
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_translate';
COMMENT ON FUNCTION tenancy.translate(uuid, text)
    IS 'the SELECT that answers a question about a client database, prepared there but not run; sql is NULL when it is refused, and understood says why';

CREATE FUNCTION tenancy.ask(connection text, question text) RETURNS json
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_ask';
COMMENT ON FUNCTION tenancy.ask(text, text)
    IS 'answer a question about a client database: the JSON of execute_query, and question, sql, translator, understood; status may be refused';
CREATE FUNCTION tenancy.ask(connection uuid, question text) RETURNS json
LANGUAGE c AS 'MODULE_PATHNAME', 'tenancy_ask';
COMMENT ON FUNCTION tenancy.ask(uuid, text)
    IS 'answer a question about a client database: the JSON of execute_query, and question, sql, translator, understood; status may be refused';
