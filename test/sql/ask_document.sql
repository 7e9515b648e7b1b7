-- The document of a question, what is refused, and what history says of it. The built-in translator's own words are not shown here.
SET tenancy.identity_scope = 'session';
SET ROLE regress_app;
SELECT tenancy.register('asker@example.com', 'correct horse asker@example.com') IS NOT NULL AS registered;
SELECT probe.become('asker@example.com');
SELECT tenancy.create_connection('asked', connection_string => 'sqlite:ask.db?create=true') AS asked \gset
SELECT r ->> 'status' AS made FROM tenancy.execute_query('asked', 'CREATE TABLE orders (id integer PRIMARY KEY, city varchar(20))') AS r;

-- A question that no schema answers: refused, in words, and not an error.
SELECT tenancy.ask('asked', 'frobnicate the wibble of xyzzy')::jsonb - ARRAY['query_id', 'execution_time_ms', 'understood'] AS document;
SELECT r ->> 'understood' <> '' AS says_why, (r ->> 'query_id')::uuid IS NOT NULL AS has_id
FROM tenancy.ask(:'asked'::uuid, 'frobnicate the wibble of xyzzy') AS r;
SELECT sql, translator, understood <> '' AS says_why FROM tenancy.translate('asked', 'frobnicate the wibble of xyzzy');
SELECT sql, translator, understood <> '' AS says_why FROM tenancy.translate(:'asked'::uuid, 'frobnicate the wibble of xyzzy');
SELECT source, status, natural_language_query, generated_sql_query, row_count, error_code, error_message <> '' AS says_why
FROM tenancy.history(source => 'ask');

-- What is no question.
SELECT probe.error_of($$SELECT tenancy.ask('asked', NULL)$$);
SELECT probe.error_of($$SELECT tenancy.ask('asked', E' \n\t')$$);
SELECT probe.error_of($$SELECT tenancy.translate('asked', repeat('why ', 4000))$$);

-- A connection that is not there, or somebody else's.
SELECT tenancy.ask('nobody''s', 'how many orders')::jsonb - ARRAY['query_id', 'execution_time_ms'] AS denied;
SELECT probe.error_of($$SELECT * FROM tenancy.translate('nobody''s', 'how many orders')$$);
SELECT tenancy.register('peeper@example.com', 'correct horse peeper@example.com') IS NOT NULL AS registered;
SELECT probe.become('peeper@example.com');
SELECT (tenancy.ask(:'asked'::uuid, 'how many orders')::jsonb - 'query_id') #>> '{error,sqlstate}' AS denied;
SELECT source, status, error_code, natural_language_query FROM tenancy.history(source => 'ask');
SELECT left(probe.error_of(format($$SELECT * FROM tenancy.translate(%L::uuid, 'how many orders')$$, :'asked')), 5) AS raised;

-- An inactive connection, and a client database out of reach, which is an answer of ask.
SELECT probe.become('asker@example.com');
SELECT tenancy.update_connection('asked', is_active => false);
SELECT probe.error_of($$SELECT tenancy.ask('asked', 'how many orders')$$);
SELECT tenancy.create_connection('gone', 'postgresql', '127.0.0.1', 1, 'db', 'somebody', 'secret') IS NOT NULL AS made;
SELECT r ->> 'status' AS status, r -> 'error' ->> 'sqlstate' AS sqlstate, r -> 'sql' AS sql FROM tenancy.ask('gone', 'how many orders') AS r;
SELECT left(probe.error_of($$SELECT * FROM tenancy.translate('gone', 'how many orders')$$), 5) AS raised;

-- Nobody without an identity asks.
SET tenancy.session = '';
SELECT left(probe.error_of($$SELECT tenancy.ask('asked', 'how many orders')$$), 5) AS raised;

-- Who may set up a model: no tenant.
SELECT probe.error_of($$SET tenancy.llm_endpoint = 'http://localhost/'$$);
SELECT probe.error_of($$SET tenancy.llm_send_samples = on$$);
RESET ROLE;
