-- Where the sandbox's servers of a client are.
\getenv pg_host CLIENT_PGHOST
\getenv pg_port CLIENT_PGPORT
\getenv pg_user CLIENT_PGUSER
\getenv pg_password CLIENT_PGPASSWORD
\getenv pg_database CLIENT_PGDATABASE
\getenv my_host MYSQL_HOST
\getenv my_port MYSQL_PORT
\getenv my_user MYSQL_USER
\getenv my_password MYSQL_PASSWORD
\getenv my_database MYSQL_DATABASE
