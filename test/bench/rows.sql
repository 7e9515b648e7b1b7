-- The measured table in each of the three client databases, filled by each database itself, through the platform.
\set ON_ERROR_STOP 1
\getenv rows BENCH_ROWS
CREATE TEMP TABLE answer (connection text, body jsonb CHECK (body ->> 'status' = 'success'));

INSERT INTO answer SELECT 'postgresql', tenancy.execute_query('postgresql',
    'CREATE TABLE measured (id bigint PRIMARY KEY, n integer, name text, note text, price numeric(12, 2), ratio float8,
     day date, at timestamp, flag boolean, code smallint)');
INSERT INTO answer SELECT 'postgresql', tenancy.execute_query('postgresql', format(
    $$INSERT INTO measured SELECT i, i * 7919 %% 1000003, 'customer ' || i, md5(i::text), i %% 1000000 / 100.0, i / 7.0,
      date '2020-01-01' + (i %% 2000)::integer, timestamp '2020-01-01' + i * interval '1 second', i %% 2 = 0, i %% 1000
      FROM generate_series(1::bigint, %s) AS i$$, :'rows'));
INSERT INTO answer SELECT 'postgresql', tenancy.execute_query('postgresql', 'VACUUM (ANALYZE, FREEZE) measured');

INSERT INTO answer SELECT 'mariadb', tenancy.execute_query('mariadb',
    'CREATE TABLE measured (id bigint PRIMARY KEY, n integer, name varchar(40), note varchar(40), price decimal(12, 2),
     ratio double, day date, at datetime, flag boolean, code smallint)');
INSERT INTO answer SELECT 'mariadb', tenancy.execute_query('mariadb', format(
    $$INSERT INTO measured SELECT seq, seq * 7919 %% 1000003, concat('customer ', seq), md5(seq), seq %% 1000000 / 100,
      seq / 7.0, date '2020-01-01' + INTERVAL seq %% 2000 DAY, timestamp '2020-01-01 00:00:00' + INTERVAL seq SECOND,
      seq %% 2 = 0, seq %% 1000 FROM seq_1_to_%s$$, :'rows'));

INSERT INTO answer SELECT 'sqlite', tenancy.execute_query('sqlite',
    'CREATE TABLE measured (id integer PRIMARY KEY, n integer, name text, note text, price numeric, ratio real,
     day date, at datetime, flag boolean, code integer)');
INSERT INTO answer SELECT 'sqlite', tenancy.execute_query('sqlite', format(
    $$INSERT INTO measured WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < %s)
      SELECT i, i * 7919 %% 1000003, 'customer ' || i, printf('%%032x', i * 104729), i %% 1000000 / 100.0, i / 7.0,
      date('2020-01-01', i %% 2000 || ' days'), datetime('2020-01-01', i || ' seconds'), i %% 2 = 0, i %% 1000
      FROM series$$, :'rows'));
SELECT connection, body ->> 'row_count' AS rows FROM answer;
