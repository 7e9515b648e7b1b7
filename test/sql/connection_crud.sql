-- Creating, changing and deleting connections, and what is refused. No server is contacted here but the SQLite files'.
SET tenancy.identity_scope = 'session';
SET ROLE regress_app;
SELECT probe.error_of($$SELECT tenancy.create_connection('shop', 'sqlite', database_name => 'shop.db')$$);
SELECT probe.become('one@example.com');

SELECT tenancy.create_connection('shop', 'sqlite', database_name => 'shop.db', options => '{"create": true}') IS NOT NULL AS made;
SELECT tenancy.create_connection('far', 'postgresql', 'db.example.com', 5432, 'sales', 'reader', 's3cret-canary') IS NOT NULL AS made;
SELECT tenancy.create_connection('maria', connection_string => 'mysql://reader:s3cret-canary@db.example.com:3307/works?sslmode=require') IS NOT NULL AS made;
SELECT name, database_type, host, port, database_name, username, options, is_active, version FROM tenancy.connections();

-- What cannot be a connection.
SELECT probe.error_of($$SELECT tenancy.create_connection('shop', 'sqlite', database_name => 'other.db')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'oracle', 'db.example.com')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('', 'sqlite', database_name => 'a.db')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection(repeat('n', 256), 'sqlite', database_name => 'a.db')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('0190A1B2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', 'sqlite', database_name => 'a.db')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'postgresql', 'db.example.com', 5432, 'd', 'u')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'postgresql', NULL, 5432, 'd', 'u', 'p')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'postgresql', 'db.example.com', 70000, 'd', 'u', 'p')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'postgresql', 'db.example.com', 0, 'd', 'u', 'p')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'postgresql', '/var/run/postgresql', 5432, 'd', 'u', 'p')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'postgresql', 'a.example.com,b.example.com', 5432, 'd', 'u', 'p')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'postgresql', '169.254.169.254', 5432, 'd', 'u', 'p')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'mysql', '10.0.0.1', 3306, 'd', 'u', 'p')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'mysql', 'db.example.com', 3306, 'd', 'u', 'p', options => '{"local_infile": 1}')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'mysql', 'db.example.com', 3306, 'd', 'u', 'p', options => '{"sslmode": "maybe"}')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'mysql', 'db.example.com', 3306, 'd', 'u', 'p', options => '[1]')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'mysql', 'db.example.com', 3306, 'd', 'u', 'p', options => '{"sslmode": {}}')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', connection_string => 'postgresql://u:s3cret-canary@h:99999/d')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', connection_string => 'ftp://u:s3cret-canary@h/d')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', 'mysql', connection_string => 'mysql://u:p@h/d')$$);
SELECT probe.error_of($$SELECT tenancy.create_connection('x', connection_string => 'mysql://u:p@h/d?sslmode=require', options => '{"sslmode": "disable"}')$$);

-- A changed place needs the password again; a changed name does not.
SELECT tenancy.update_connection('far', name => 'sales');
SELECT probe.error_of($$SELECT tenancy.update_connection('sales', host => 'evil.example.com')$$);
SELECT probe.error_of($$SELECT tenancy.update_connection('sales', port => 5433)$$);
SELECT probe.error_of($$SELECT tenancy.update_connection('sales', username => 'owner')$$);
SELECT probe.error_of($$SELECT tenancy.update_connection('sales', database_type => 'mysql')$$);
SELECT probe.error_of($$SELECT tenancy.update_connection('maria', options => '{"sslmode": "disable"}')$$);
SELECT probe.error_of($$SELECT tenancy.update_connection('sales', password => '')$$);
SELECT tenancy.update_connection('sales', host => 'db2.example.com', password => 'another-canary', is_active => false);
SELECT probe.error_of($$SELECT tenancy.update_connection('sales', name => 'shop')$$);
SELECT probe.error_of($$SELECT tenancy.update_connection('sales', name => '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b')$$);
SELECT name, host, port, is_active, version FROM tenancy.connections() WHERE name = 'sales';
SELECT probe.error_of($$SELECT * FROM tenancy.test_connection('sales')$$);
SELECT tenancy.delete_connection('maria');
SELECT probe.error_of($$SELECT tenancy.delete_connection('maria')$$);

-- What becomes SQLite leaves host, port, user and password behind, however it is said.
SELECT tenancy.create_connection('by fields', 'postgresql', 'db.example.com', 5432, 'sales', 'reader', 's3cret-canary') IS NOT NULL AS made;
SELECT tenancy.create_connection('by string', 'postgresql', 'db.example.com', 5432, 'sales', 'reader', 's3cret-canary') IS NOT NULL AS made;
SELECT probe.error_of($$SELECT tenancy.update_connection('by fields', database_type => 'sqlite', host => 'db.example.com', database_name => 'a.db')$$);
SELECT tenancy.update_connection('by fields', database_type => 'sqlite', database_name => 'a.db');
SELECT tenancy.update_connection('by string', connection_string => 'sqlite:a.db');
SELECT name, database_type, host, port, database_name, username FROM tenancy.connections() WHERE name LIKE 'by %';
SELECT probe.error_of($$SELECT tenancy.update_connection('by fields', database_type => 'postgresql', host => 'db.example.com', username => 'reader')$$);

-- Secrets are not to be read; the ciphertext opens nowhere but in its own row.
SELECT probe.error_of($$SELECT password_encrypted FROM tenancy.database_connections$$);
SELECT probe.error_of($$SELECT connection_string_encrypted FROM tenancy.database_connections$$);
SELECT probe.error_of($$INSERT INTO tenancy.database_connections (user_id, name) SELECT tenancy.current_user_id(), 'x'$$);
SELECT probe.error_of($$UPDATE tenancy.database_connections SET host = 'evil'$$);
RESET ROLE;
SELECT name, password_encrypted IS NULL AS no_password, connection_string_encrypted IS NULL AS no_string,
       deleted_at IS NOT NULL AS deleted
FROM tenancy.database_connections WHERE name IN ('shop', 'sales', 'maria') ORDER BY created_at, name;
SELECT name, password_encrypted IS NULL AS no_password, connection_string_encrypted IS NULL AS no_string, credential_key_id IS NULL AS no_key
FROM tenancy.database_connections WHERE name LIKE 'by %' ORDER BY created_at, name;
DELETE FROM tenancy.database_connections WHERE name LIKE 'by %';
SELECT count(*) FROM tenancy.database_connections AS c WHERE c::text LIKE '%canary%';

-- Somebody else's connection is as unknown as one that does not exist.
SELECT id AS shop_id FROM tenancy.database_connections WHERE name = 'shop' \gset
SET ROLE regress_app;
SELECT probe.become('two@example.com');
SELECT count(*) FROM tenancy.connections();
SELECT count(*) FROM tenancy.database_connections;
SELECT probe.error_of($$SELECT * FROM tenancy.test_connection('shop')$$);
SELECT probe.error_of(format($$SELECT * FROM tenancy.test_connection(%L::uuid)$$, :'shop_id')) = probe.error_of(format($$SELECT * FROM tenancy.test_connection(%L)$$, :'shop_id')) AS same;
SELECT probe.error_of($$SELECT tenancy.update_connection('shop', name => 'mine')$$);
SELECT probe.error_of($$SELECT tenancy.delete_connection('shop')$$);
SELECT probe.error_of($$SELECT * FROM tenancy.query('shop', 'select 1') AS t(a int)$$);
SELECT probe.error_of($$SELECT tenancy.query('shop', 'select 1')$$);
SELECT tenancy.user_has_access(user_id, :'shop_id') FROM (SELECT tenancy.current_user_id() AS user_id) AS me;
SELECT left(probe.error_of(format($$SELECT tenancy.get_client_connection(tenancy.current_user_id(), %L)$$, :'shop_id')), 36);

-- An admin sees all, and may use what is not theirs by id.
RESET ROLE;
RESET tenancy.session;
SET ROLE regress_admin;
SELECT name, is_active FROM tenancy.connections() WHERE name IN ('shop', 'sales', 'maria');
SELECT ok, code FROM tenancy.test_connection(:'shop_id'::uuid);
RESET ROLE;
