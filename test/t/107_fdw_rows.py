#!/usr/bin/python3
"""Which rows of the three engines a statement changes: by keys and joins, beside triggers and conflicts, in partitions."""

import contextlib
import datetime
import io

from fdw_engines import ENGINES, SCHEMA, THING, each, prepare
from tenancy import (UNIQUE, connect, environment, note, ok, person_role, raised, rows, run, same, sqlstate, value, wait_for_history)


@each
def keys(engine, session):
    """Keys of several columns in any position, changes of keys, rows that are gone, keys that are none."""
    types = (("integer", "integer"), ("integer", "int"), ("integer", "integer"))[engine.position]
    text = (("text", "text"), ("varchar(40)", "varchar(40)"), ("text", "text"))[engine.position]
    name = engine.make("pair", "word %s, v %s, number %s, PRIMARY KEY (number, word)"
                       % ((text[1],) + types[1:] * 2), {"word": text, "v": types, "number": types}, key=("word", "number"))
    table = engine.table("pair")
    rows(session, "INSERT INTO %s (number, word, v) VALUES (1, 'it''s', 1), (1, 'b\\', 2), (2, 'it''s', 3), (2, 'ü', 4)" % table)
    rows(session, "UPDATE %s SET v = v * 10 + random()::int * 0 WHERE number = 1" % table)
    rows(session, "UPDATE %s SET number = number + 5, word = word || '-', v = v + random()::int * 0 WHERE word = 'it''s'" % table)
    rows(session, "DELETE FROM %s WHERE v + random()::int * 0 = 4" % table)
    same(rows(session, "SELECT number, word, v FROM %s ORDER BY v" % table), [(7, "it's-", 3), (6, "it's-", 10), (1, "b\\", 20)],
         engine.name + ": by all columns of the key")
    engine.attach("loose", name, {"word": text, "v": types, "number": types}, key=("number",))
    rows(session, "INSERT INTO %s (number, word, v) VALUES (6, 'other', 10)" % table)
    same(sqlstate(rows, session, "UPDATE %s SET v = v + random()::int * 0 WHERE number = 6" % engine.table("loose")), "21000",
         engine.name + ": a key that several rows have")
    same(value(session, "SELECT sum(v) FROM %s" % table), 43, engine.name + ": changes none of them")
    engine.attach("keyless", name, {"word": text, "v": types, "number": types}, key=())
    for statement in ("UPDATE %s SET v = 1", "DELETE FROM %s"):
        error = raised(rows, session, statement % engine.table("keyless"))
        ok(error is not None and error.pgcode == "0A000" and "has no key" in str(error) and "ADD key 'true'" in str(error),
           engine.name + ": no key, no " + statement.split()[0], str(error))
    rows(session, "INSERT INTO %s VALUES ('w', 1, 99)" % engine.table("keyless"))
    same(value(session, "SELECT count(*) FROM %s WHERE number = 99" % table), 1, engine.name + ": but INSERT")


def padded_keys():
    """A key character(n) finds its row where the remote collation counts spaces at the end."""
    engine = next(engine for engine in ENGINES if engine.name == "mysql")
    session = engine.user.session
    collation = "utf8mb4_nopad_bin" if environment("MYSQL_FLAVOUR") == "mariadb" else "utf8mb4_0900_as_cs"
    engine.make("padded", "k char(5) COLLATE %s PRIMARY KEY, v int" % collation, {"k": ("character(5)", "char(5)"), "v": ("integer", "int")}, key=("k",))
    table = engine.table("padded")
    same(rows(session, "INSERT INTO %s VALUES ('ab', 1), ('abcde', 1) RETURNING k, v" % table), [("ab   ", 1), ("abcde", 1)], "INSERT RETURNING")
    with session.cursor() as cursor:
        cursor.execute("UPDATE %s SET v = 2 WHERE random() >= 0" % table)
        same(cursor.rowcount, 2, "UPDATE row by row")
        same(rows(session, "UPDATE %s SET v = 3 WHERE k = 'ab' AND random() >= 0 RETURNING k, v" % table), [("ab   ", 3)], "UPDATE RETURNING")
        same(rows(session, "SELECT k, v FROM %s ORDER BY k" % table), [("ab   ", 3), ("abcde", 2)], "they have changed")
        cursor.execute("DELETE FROM %s WHERE random() >= 0" % table)
        same(cursor.rowcount, 2, "DELETE row by row")
    same(value(session, "SELECT count(*) FROM %s" % table), 0, "they are gone")


@each
def computed(engine, session):
    """Columns that the remote server fills: identity, generated, defaults that are not asked for."""
    declaration = ("id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v integer NOT NULL, twice integer GENERATED ALWAYS AS (v * 2) STORED",
                   "id int AUTO_INCREMENT PRIMARY KEY, v int NOT NULL, twice int GENERATED ALWAYS AS (v * 2) STORED",
                   "id integer PRIMARY KEY, v integer NOT NULL, twice integer GENERATED ALWAYS AS (v * 2) STORED")[engine.position]
    whole = ("integer", "int")[engine.name == "mysql"]
    columns = {"id": ("integer", whole, "identity"), "v": ("integer", whole), "twice": ("integer", whole, "generated")}
    engine.make("numbered", declaration, columns)
    table = engine.table("numbered")
    same(rows(session, "INSERT INTO %s (v) VALUES (5) RETURNING *" % table), [(1, 5, 10)], engine.name + ": numbered, and computed")
    rows(session, "INSERT INTO %s (v) VALUES (6), (7)" % table)
    rows(session, "INSERT INTO %s (id, v) VALUES (DEFAULT, 8)" % table)
    rows(session, "INSERT INTO %s (id, v) VALUES (DEFAULT, 81), (DEFAULT, 82)" % table)
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s (v) FROM STDIN" % table, io.StringIO("9\n10\n"))
    rows(session, "UPDATE %s SET v = v + 100 WHERE id = 2" % table)
    rows(session, "UPDATE %s SET v = v + 100 + random()::int * 0 WHERE id = 3" % table)
    same(rows(session, "SELECT * FROM %s ORDER BY id" % table),
         [(1, 5, 10), (2, 106, 212), (3, 107, 214), (4, 8, 16), (5, 81, 162), (6, 82, 164), (7, 9, 18), (8, 10, 20)],
         engine.name + ": all of them")
    same(sqlstate(rows, session, "INSERT INTO %s (v, twice) VALUES (1, 2)" % table), "428C9", engine.name + ": a generated column takes no value")
    same(sqlstate(rows, session, "UPDATE %s SET twice = 2" % table), "428C9", engine.name + ": nor in an UPDATE")
    if engine.name != "postgres":
        rows(session, "INSERT INTO %s (id, v) VALUES (0, 0), (50, 1)" % table)
        same(rows(session, "SELECT id FROM %s WHERE id IN (0, 50) ORDER BY id" % table), [(0,), (50,)], engine.name + ": a number that is given stays")
    else:
        same(sqlstate(rows, session, "INSERT INTO %s (id, v) VALUES (50, 1)" % table), "428C9", engine.name + ": GENERATED ALWAYS means it")


@each
def some_numbered(engine, session):
    """Of rows that go together some have a number, and the others get one."""
    declaration = ("id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v integer", "id int AUTO_INCREMENT PRIMARY KEY, v int",
                   "id integer PRIMARY KEY, v integer")[engine.position]
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("some", declaration, {"id": ("integer", whole, "identity"), "v": ("integer", whole)})
    table = engine.table("some")
    root = "%s.%s_some_root" % (SCHEMA, engine.name)
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE TABLE {0} (v integer, id integer) PARTITION BY LIST (v); ALTER TABLE {0} ATTACH PARTITION {1} DEFAULT;
            GRANT ALL ON {0} TO "{2}\"""".format(root, table, person_role()))
    rows(session, "INSERT INTO %s SELECT CASE WHEN g %% 2 = 0 THEN 100 + g END, g FROM generate_series(1, 6) AS g" % table)
    rows(session, "INSERT INTO %s VALUES (DEFAULT, 7), (2000, 8), (DEFAULT, 9), (3000, 10), (4000, 11)" % table)
    found = dict(rows(session, "SELECT v, id FROM %s" % table))
    same([found[v] for v in (2, 4, 6, 8, 10, 11)], [102, 104, 106, 2000, 3000, 4000], engine.name + ": numbers that are given stay")
    same(len(set(found.values())), 11, engine.name + ": and each row has one")
    rows(session, "INSERT INTO %s (id, v) VALUES (5000, 12), (DEFAULT, 13), (6000, 14)" % root)
    found = dict(rows(session, "SELECT v, id FROM %s WHERE v > 11" % table))
    same((found[12], found[13] in (None, 5000, 6000), found[14]), (5000, False, 6000), engine.name + ": through a partitioned table, too")


@each
def own_changes(engine, session):
    """A statement sees its own table as it was when it began, whatever it has changed there."""
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("own", "id int PRIMARY KEY, grp int, share int", {name: ("integer", whole) for name in ("id", "grp", "share")})
    table = engine.table("own")

    def fill():
        rows(session, "DELETE FROM %s" % table)
        rows(session, "INSERT INTO %s VALUES (1, 1, 30), (2, 1, 70), (3, 2, 5), (4, 3, 8), (5, 3, 8)" % table)

    def shares():
        return [share for (share,) in rows(session, "SELECT share FROM %s ORDER BY id" % table)]

    def count_of(sql):
        with session.cursor() as cursor:
            cursor.execute(sql.format(table))
            return cursor.rowcount

    fill()
    same(count_of("UPDATE {0} AS t SET share = (SELECT sum(b.share) FROM {0} AS b WHERE b.grp = t.grp) - share"), 5, engine.name + ": rows")
    same(shares(), [70, 30, 0, 8, 8], engine.name + ": a sub-select for each row")
    same(value(session, "SELECT row_count FROM tenancy.history(search => 'UPDATE', max_rows => 1)"), 5, engine.name + ": and in history")
    fill()
    same(count_of("DELETE FROM {0} AS t WHERE (SELECT count(*) FROM {0} AS b WHERE b.grp = t.grp) > 1"), 4, engine.name + ": rows that are deleted")
    same(shares(), [5], engine.name + ": all that have a twin")
    fill()
    rows(session, "SET enable_hashjoin = off; SET enable_mergejoin = off; SET tenancy.enable_pushdown = off")
    rows(session, "UPDATE {0} AS t SET share = p.share + 1 FROM {0} AS p WHERE p.id = t.id - 1".format(table))
    same(shares(), [30, 31, 71, 6, 9], engine.name + ": the row before, as it was")
    fill()
    same(count_of("DELETE FROM {0} AS t USING {0} AS o WHERE o.grp = t.grp AND o.id <> 1"), 5, engine.name + ": a join that names rows twice")
    rows(session, "RESET enable_hashjoin; RESET enable_mergejoin; RESET tenancy.enable_pushdown")
    fill()
    with session.cursor() as cursor:
        cursor.execute("DELETE FROM {0} AS t WHERE (SELECT count(*) FROM {0} AS b WHERE b.grp = t.grp) > 1 RETURNING id".format(table))
        same(len(cursor.fetchall()), 2, engine.name + ": RETURNING wants each row at once, and the next one sees that it has gone")
    fill()
    rows(session, "WITH gone AS (DELETE FROM {0} AS t USING (VALUES (1), (2)) AS l(id) WHERE t.id = l.id"
         " AND (SELECT count(*) FROM {0} AS b WHERE b.grp = t.grp) > 0 RETURNING l.id) INSERT INTO {0} SELECT id, 9, 9 FROM gone".format(table))
    same(shares(), [9, 9, 5, 8, 8], engine.name + ": also one that returns no column of the table")
    fill()
    log = "%s.%s_own_log" % (SCHEMA, engine.name)
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE TABLE {0} (rest bigint);
            CREATE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO {0} SELECT count(*) FROM {1}; RETURN NULL; END$$;
            CREATE TRIGGER after_row AFTER DELETE ON {1} FOR EACH ROW EXECUTE FUNCTION {0}(); GRANT ALL ON {0} TO "{2}\"""".format(log, table, person_role()))
    rows(session, "DELETE FROM {0} AS t WHERE id = (SELECT max(b.id) FROM {0} AS b WHERE b.grp = t.grp AND b.grp = 2)".format(table))
    same(rows(session, "SELECT rest FROM %s" % log), [(4,)], engine.name + ": an AFTER trigger sees that rows have gone")
    fill()
    with contextlib.closing(connect()) as admin:
        rows(admin, """DROP TRIGGER after_row ON {2}; TRUNCATE {0}; CREATE TABLE {0}_parts (n int) PARTITION BY LIST (n); CREATE TABLE {0}_part PARTITION OF {0}_parts DEFAULT;
            CREATE TRIGGER after_row AFTER INSERT ON {0}_part FOR EACH ROW EXECUTE FUNCTION {0}(); GRANT ALL ON {0}_parts TO "{1}\"""".format(log, person_role(), table))
    rows(session, "WITH gone AS (DELETE FROM {0} AS t WHERE (SELECT count(*) FROM {0} AS b WHERE b.grp = t.grp) > 1) INSERT INTO {1}_parts VALUES (1)".format(table, log))
    same(rows(session, "SELECT rest FROM %s" % log), [(3,)], engine.name + ": one of a partition, too")


@each
def jobs(engine, session):
    """Of rows that are to be locked only as many are as LIMIT wants, so that each session gets its own."""
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("jobs", "id int PRIMARY KEY, state int", {"id": ("integer", whole, "NOT NULL"), "state": ("integer", whole)})
    table = engine.table("jobs")
    rows(session, "INSERT INTO %s SELECT g, 0 FROM generate_series(1, 20) AS g" % table)
    if engine.name == "sqlite":
        return
    found = []
    sessions = [engine.user.connect() for _ in range(3)]
    for each_session in sessions:
        rows(each_session, "BEGIN")
        found += rows(each_session, "SELECT id FROM %s WHERE state = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED" % table)
    same(found, [(1,), (2,), (3,)], engine.name + ": a job for each session")
    for each_session, (job,) in zip(sessions, found):
        rows(each_session, "UPDATE %s SET state = 1 WHERE id = %s" % (table, job))
        rows(each_session, "COMMIT")
        each_session.close()
    same(value(session, "SELECT count(*) FROM %s WHERE state = 1" % table), 3, engine.name + ": and all are done")
    if engine.name == "mysql":
        return  # where the count has to be a constant
    rows(session, "INSERT INTO %s SELECT g, 0 FROM generate_series(21, 3000) AS g" % table)
    found = []
    sessions = [engine.user.connect() for _ in range(3)]
    for each_session in sessions:
        rows(each_session, "SET plan_cache_mode = force_generic_plan")
        rows(each_session, "PREPARE job(int) AS SELECT id FROM %s ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED" % table)
        rows(each_session, "BEGIN")
        found += rows(each_session, "EXECUTE job(2)")
    same(found, [(id,) for id in range(1, 7)], engine.name + ": two for each where their number is a parameter")
    for each_session in sessions:
        each_session.close()


@each
def filled_by_trigger(engine, session):
    """What a BEFORE trigger puts into a column that the remote server would fill is stored; what it leaves null is still filled."""
    declaration = ("id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v integer", "id int AUTO_INCREMENT PRIMARY KEY, v int",
                   "id integer PRIMARY KEY, v integer")[engine.position]
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("filled", declaration, {"id": ("integer", whole, "identity"), "v": ("integer", whole)})
    table, root, function = engine.table("filled"), "%s.%s_filled_root" % (SCHEMA, engine.name), "%s.%s_fill" % (SCHEMA, engine.name)
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                IF NEW.v > 0 THEN NEW.id := NEW.v * 100; END IF; RETURN NEW; END$$;
            CREATE TRIGGER fill BEFORE INSERT ON {1} FOR EACH ROW EXECUTE FUNCTION {0}();
            CREATE TABLE {2} (v integer, id integer) PARTITION BY LIST (v);
            ALTER TABLE {2} ATTACH PARTITION {1} DEFAULT;
            GRANT ALL ON {2} TO "{3}\"""".format(function, table, root, person_role()))
    filled = 1 if engine.name == "postgres" else 101
    same(rows(session, "INSERT INTO %s (v) VALUES (1), (0), (2) RETURNING id, v" % table), [(100, 1), (filled, 0), (200, 2)],
         engine.name + ": INSERT RETURNING")
    rows(session, "INSERT INTO %s (v) VALUES (3), (4)" % table)
    rows(session, "INSERT INTO %s (id, v) VALUES (DEFAULT, 5), (6, -6)" % table)
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s (v) FROM STDIN" % table, io.StringIO("7\n8\n"))
        cursor.copy_expert("COPY %s (v) FROM STDIN" % root, io.StringIO("9\n10\n"))
    rows(session, "INSERT INTO %s (v) VALUES (11), (12)" % root)
    same(rows(session, "SELECT id, v FROM %s WHERE v <> 0 ORDER BY v" % table), [(6, -6)] + [(100 * v, v) for v in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12)],
         engine.name + ": INSERT, COPY, and rows of a partitioned table")
    if engine.name == "postgres":
        table = engine.table("numbered")
        with contextlib.closing(connect()) as admin:
            rows(admin, "CREATE TRIGGER fill BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION %s()" % (table, function))
        rows(session, "INSERT INTO %s (v) VALUES (0)" % table)
        same(sqlstate(rows, session, "INSERT INTO %s (v) VALUES (1)" % table), "428C9", engine.name + ": GENERATED ALWAYS means it")


def completed_keys():
    """RETURNING on MySQL finds the row whose key the server has completed, and no other."""
    engine = ENGINES[1]
    session = engine.user.session
    engine.make("dated", "id int AUTO_INCREMENT, d date, v int, PRIMARY KEY (id, d)",
                {"id": ("integer", "int", "identity"), "d": ("date", "date"), "v": ("integer", "int")}, key=("id", "d"))
    table = engine.table("dated")
    same(rows(session, "INSERT INTO %s (d, v) VALUES ('2024-01-01', 1), ('2024-01-02', 2) RETURNING id, d::text, v" % table),
         [(1, "2024-01-01", 1), (2, "2024-01-02", 2)], "a number beside a date")
    same(rows(session, "INSERT INTO %s VALUES (7, '2024-01-03', 3), (NULL, '2024-01-03', 4), (0, '2024-01-03', 5) RETURNING *" % table),
         [(7, datetime.date(2024, 1, 3), 3), (8, datetime.date(2024, 1, 3), 4), (0, datetime.date(2024, 1, 3), 5)], "some given, some not")
    engine.make("doubled", "a int, k int AS (a * 2) STORED, w int, UNIQUE (k)",
                {"a": ("integer", "int"), "k": ("integer", "int", "generated"), "w": ("integer", "int")}, key=("k",))
    table = engine.table("doubled")
    rows(session, "INSERT INTO %s (a, w) VALUES (4, 1), (5, 1)" % table)
    same(sqlstate(rows, session, "INSERT INTO %s (a, w) VALUES (6, 1) RETURNING k" % table), "0A000", "a computed key is not known here")
    same(rows(session, "UPDATE %s SET w = 2 WHERE a = 5 RETURNING k" % table), [(10,)], "but in an UPDATE")
    same(rows(session, "SELECT * FROM %s ORDER BY k" % table), [(4, 8, 1), (5, 10, 2)], "nothing of it stayed")


@each
def named_twice(engine, session):
    """A row that a join names twice is changed, counted and returned once."""
    word, whole = (("varchar(10)", "int") if engine.name == "mysql" else ("text", "integer"))
    engine.make("twice", "a %s, b %s, v %s, PRIMARY KEY (a, b)" % (word, word, whole),
                {"a": ("text", word), "b": ("text", word), "v": ("integer", whole)}, key=("a", "b"))
    table, other = engine.table("twice"), "%s.%s_names" % (SCHEMA, engine.name)
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE TABLE %s (a text, b text, d integer)" % other)
        rows(admin, "INSERT INTO %s VALUES ('a', 'bc', 1), ('a', 'bc', 10), ('ab', 'c', 1)" % other)
        rows(admin, 'GRANT ALL ON %s TO "%s"' % (other, person_role()))
    rows(session, "INSERT INTO %s VALUES ('a', 'bc', 0), ('ab', 'c', 0), ('x', 'y', 0)" % table)
    joined = "FROM %s AS l WHERE l.a = t.a AND l.b = t.b" % other
    found = rows(session, "UPDATE %s AS t SET v = t.v + l.d %s RETURNING t.a, t.v" % (table, joined))
    ok(sorted(found) in ([("a", 1), ("ab", 1)], [("a", 10), ("ab", 1)]), engine.name + ": returned once", str(found))
    same(sorted(rows(session, "SELECT a, v FROM %s WHERE a <> 'x'" % table)), sorted(found), engine.name + ": changed once")
    with session.cursor() as cursor:
        cursor.execute("UPDATE %s AS t SET v = 5 %s" % (table, joined))
        same(cursor.rowcount, 2, engine.name + ": counted once")
        cursor.execute("UPDATE %s AS t SET b = t.b || 'd', v = l.d %s" % (table, joined))
        same(cursor.rowcount, 2, engine.name + ": with a new key")
        cursor.execute("UPDATE %s AS t SET v = 6 FROM generate_series(1, 3) AS i" % table)
        same(cursor.rowcount, 3, engine.name + ": without a condition")
        cursor.execute("DELETE FROM %s AS t USING generate_series(1, 3) AS i" % table)
        same(cursor.rowcount, 3, engine.name + ": deleted once")


@each
def local_columns(engine, session):
    """Defaults and generated columns of the foreign table itself."""
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("local", "id %s PRIMARY KEY, v %s, w %s" % (whole, whole, whole),
                {"id": ("integer", whole), "v": ("integer", whole, "DEFAULT 42"), "w": ("integer", whole, "GENERATED ALWAYS AS (v + 1) STORED")})
    table = engine.table("local")
    same(rows(session, "INSERT INTO %s (id) VALUES (1) RETURNING *" % table), [(1, 42, 43)], engine.name + ": default, and what follows from it")
    rows(session, "UPDATE %s SET v = 7" % table)
    same(rows(session, "SELECT * FROM %s" % table), [(1, 7, 8)], engine.name + ": follows an UPDATE")
    rows(session, "UPDATE %s SET v = DEFAULT" % table)
    same(rows(session, "SELECT * FROM %s" % table), [(1, 42, 43)], engine.name + ": and a default")


@each
def virtual_columns(engine, session):
    """A virtual column of the foreign table, which the remote one has not, is computed here, and neither sent nor asked for."""
    if session.server_version < 180000:
        return note("virtual generated columns are there since PostgreSQL 18")
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("virtual", "id %s PRIMARY KEY, v %s" % (whole, whole),
                {"id": ("integer", whole), "w": ("integer", None, "GENERATED ALWAYS AS (v + 1) VIRTUAL"), "v": ("integer", whole)})
    table = engine.table("virtual")
    same(rows(session, "INSERT INTO %s (id, v) VALUES (1, 5) RETURNING *" % table), [(1, 6, 5)], engine.name + ": INSERT RETURNING")
    rows(session, "INSERT INTO %s (id, v) VALUES (2, 7), (3, 9)" % table)
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s (id, v) FROM STDIN" % table, io.StringIO("4\t11\n"))
    same(rows(session, "UPDATE %s SET v = 1 WHERE id = 2 RETURNING w" % table), [(2,)], engine.name + ": direct UPDATE")
    same(rows(session, "UPDATE %s SET v = 3 + random()::int * 0 WHERE w = 10 RETURNING *" % table), [(3, 4, 3)], engine.name + ": row by row")
    same(rows(session, "SELECT * FROM %s AS t WHERE w > 2 ORDER BY w" % table), [(3, 4, 3), (1, 6, 5), (4, 12, 11)], engine.name + ": SELECT")
    same(rows(session, "SELECT t::text FROM %s AS t WHERE id = 1" % table), [("(1,6,5)",)], engine.name + ": a whole row")
    same(rows(session, "DELETE FROM %s WHERE w + random()::int * 0 = 2 RETURNING w" % table), [(2,)], engine.name + ": DELETE")
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE FUNCTION {0}.{1}_pass() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
            CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON {2} FOR EACH ROW EXECUTE FUNCTION {0}.{1}_pass();
            CREATE TRIGGER after_row AFTER INSERT OR UPDATE ON {2} FOR EACH ROW EXECUTE FUNCTION {0}.{1}_pass()
            """.format(SCHEMA, engine.name, table))
    rows(session, "INSERT INTO %s (id, v) VALUES (5, 13)" % table)
    rows(session, "UPDATE %s SET v = 14 WHERE id = 5" % table)
    same(rows(session, "SELECT w FROM %s WHERE id = 5" % table), [(15,)], engine.name + ": with triggers")
    with contextlib.closing(connect()) as admin:
        rows(admin, 'ALTER FOREIGN TABLE %s OWNER TO "%s"' % (table, person_role()))
    same(raised(rows, session, "ANALYZE %s" % table), None, engine.name + ": ANALYZE by its owner")


@each
def conflicts(engine, session):
    """ON CONFLICT DO NOTHING skips what is there, and only that."""
    whole = ("integer", "int")[engine.name == "mysql"]
    engine.make("slot", "id %s PRIMARY KEY, v %s UNIQUE, w %s NOT NULL" % (whole, whole, whole), {c: ("integer", whole) for c in ("id", "v", "w")})
    table = engine.table("slot")
    rows(session, "INSERT INTO %s VALUES (1, 1, 1)" % table)
    with session.cursor() as cursor:
        cursor.execute("INSERT INTO %s VALUES (1, 2, 2) ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 0, engine.name + ": a key that is there")
        cursor.execute("INSERT INTO %s VALUES (2, 1, 2) ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 0, engine.name + ": another unique column")
        cursor.execute("INSERT INTO %s SELECT i, i, i FROM generate_series(0, 9) AS i ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 9, engine.name + ": one of ten is there")
    same(rows(session, "INSERT INTO %s VALUES (1, 100, 100), (100, 100, 100) ON CONFLICT DO NOTHING RETURNING *" % table), [(100, 100, 100)],
         engine.name + ": RETURNING what was inserted")
    same(rows(session, "SELECT * FROM %s WHERE id = 1" % table), [(1, 1, 1)], engine.name + ": what was there stays")
    same(sqlstate(rows, session, "INSERT INTO %s VALUES (101, 101, NULL) ON CONFLICT DO NOTHING" % table), "23502",
         engine.name + ": other errors are not hidden")
    same(sqlstate(rows, session, "INSERT INTO %s VALUES (1, 1, 1) ON CONFLICT (id) DO UPDATE SET v = 5" % table), "42P10",
         engine.name + ": DO UPDATE is refused")
    if engine.name == "mysql":
        skipped_by_triggers(engine, session, table)


def skipped_by_triggers(engine, session, table):
    """The server runs UPDATE triggers for a row that is there, and counts it twice when they change it."""
    engine.remote("CREATE TRIGGER slot_%s BEFORE UPDATE ON slot_%s FOR EACH ROW SET NEW.w = OLD.w + 1000" % (UNIQUE, UNIQUE))
    with session.cursor() as cursor:
        cursor.execute("INSERT INTO %s VALUES (1, 200, 2) ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 0, "a row that a trigger has changed is not inserted")
        cursor.execute("INSERT INTO %s SELECT i, i, i FROM generate_series(0, 11) AS i ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 2, "nor are several of them")
    same(rows(session, "INSERT INTO %s VALUES (1, 200, 2), (12, 12, 12) ON CONFLICT DO NOTHING RETURNING *" % table), [(12, 12, 12)],
         "nor do they come back")


@each
def mixed(engine, session):
    """Reading and writing one table in one statement, in loops, in joins and by functions."""
    table = engine.table("thing")
    rows(session, "INSERT INTO %s (id, s, t) SELECT i, i %% 3, 't' || i FROM generate_series(1, 3000) AS i" % table)
    rows(session, "UPDATE %s SET big = (SELECT count(*) FROM %s), t = (SELECT max(id)::text FROM %s WHERE s = 0) WHERE id = 1" % (table, table, table))
    same(rows(session, "SELECT big, t FROM %s WHERE id = 1" % table), [(3000, "3000")], engine.name + ": values from the table itself")
    rows(session, "UPDATE %s AS a SET t = a.t || b.t FROM %s AS b WHERE b.id = a.id + 1 AND a.id < 10" % (table, table))
    same(rows(session, "SELECT count(*), min(t) FROM %s WHERE id BETWEEN 2 AND 9 AND t = 't' || id || 't' || id + 1" % table), [(8, "t2t3")],
         engine.name + ": a join with itself")
    rows(session, "DELETE FROM %s AS a USING %s AS b WHERE b.id = a.id + 2990 AND a.s = 1" % (table, table))
    same(value(session, "SELECT count(*) FROM %s" % table), 2996, engine.name + ": DELETE with a join")
    rows(session, "DELETE FROM %s AS a WHERE NOT EXISTS (SELECT FROM generate_series(1, 2000) AS i WHERE i = a.id)" % table)
    same(value(session, "SELECT max(id) FROM %s" % table), 2000, engine.name + ": DELETE with a local condition")
    rows(session, "DO $$ DECLARE r record; BEGIN FOR r IN SELECT id, t FROM %s ORDER BY id LIMIT 1500 LOOP"
         " IF r.id %% 500 = 0 THEN UPDATE %s SET f = r.id WHERE id = r.id; END IF; END LOOP; END $$" % (table, table))
    same(rows(session, "SELECT id, f FROM %s WHERE f IS NOT NULL ORDER BY id" % table), [(500, 500.0), (1000, 1000.0), (1500, 1500.0)],
         engine.name + ": a loop that writes what it reads")
    rows(session, "INSERT INTO %s (id, t) SELECT id + 10000, t FROM %s WHERE id > 1900" % (table, table))
    same(value(session, "SELECT count(*) FROM %s WHERE id > 10000" % table), 100, engine.name + ": INSERT from the table itself")
    same(rows(session, "WITH gone AS (DELETE FROM %s WHERE id > 10000 RETURNING id, t), new AS (INSERT INTO %s (id, t) SELECT id + 10000, t FROM gone"
              " RETURNING id) SELECT count(*), min(id) FROM new" % (table, table)), [(100, 21901)], engine.name + ": statements in WITH")
    rows(session, "BEGIN")
    rows(session, "DECLARE c CURSOR FOR SELECT id FROM %s ORDER BY id" % table)
    same(rows(session, "FETCH 1 FROM c"), [(2,)], engine.name + ": a cursor")
    rows(session, "UPDATE %s SET s = 9 WHERE id = 3" % table)
    same(rows(session, "FETCH 1 FROM c"), [(3,)], engine.name + ": goes on after a write")
    same(sqlstate(rows, session, "UPDATE %s SET s = 9 WHERE CURRENT OF c" % table), "0A000", engine.name + ": WHERE CURRENT OF is refused")
    rows(session, "ROLLBACK")
    same(sqlstate(rows, session, "MERGE INTO %s AS a USING (VALUES (1)) AS v(x) ON a.id = v.x WHEN MATCHED THEN DO NOTHING" % table), "0A000",
         engine.name + ": MERGE is refused")
    with contextlib.closing(engine.user.connect()) as other:
        rows(session, "BEGIN")
        rows(session, "SELECT tenancy.current_user_id()")
        rows(session, "UPDATE %s SET s = 4 WHERE id = 5" % table)
        rows(session, "SELECT set_config('tenancy.session', '', true)")
        same(sqlstate(rows, session, "UPDATE %s SET s = 4 WHERE id = 6" % table), "28000", engine.name + ": nobody may not write")
        rows(session, "ROLLBACK")
        same(value(other, "SELECT count(*) FROM %s WHERE s = 4" % table), 0, engine.name + ": and what was written is gone")


@each
def upsert(engine, session):
    """With the option upsert an INSERT replaces the row that has its key."""
    columns = {c: (types[0], types[1 + engine.position]) for c, types in THING.items()}
    engine.attach("upsert", engine.thing, columns, ", upsert 'true'")
    table = engine.table("upsert")
    with session.cursor() as cursor:
        cursor.execute("INSERT INTO %s (id, t) VALUES (1, 'a'), (2, 'b')" % table)
        cursor.execute("INSERT INTO %s (id, t, s) VALUES (2, 'c', 2), (3, 'd', 3), (1, 'a', NULL)" % table)
        same(cursor.rowcount, 3, engine.name + ": each row counts once")
        cursor.execute("INSERT INTO %s (id, t) VALUES (3, 'e') RETURNING t, s" % table)
        same(cursor.fetchall(), [("e", None)], engine.name + ": RETURNING the new row")
        cursor.copy_expert("COPY %s (id, t) FROM STDIN" % table, io.StringIO("3\tf\n4\tg\n"))
        cursor.execute("INSERT INTO %s (id, t) VALUES (4, 'h') ON CONFLICT DO NOTHING" % table)
        same(cursor.rowcount, 0, engine.name + ": ON CONFLICT DO NOTHING still means nothing")
    same(rows(session, "SELECT id, t, s FROM %s ORDER BY id" % table), [(1, "a", None), (2, "c", 2), (3, "f", None), (4, "g", None)],
         engine.name + ": the last row counts")
    with session.cursor() as cursor:
        cursor.execute("INSERT INTO %s (id, t) VALUES (7, 'first'), (8, 'x'), (7, 'second'), (7, 'last'), (8, 'y')" % table)
        same(cursor.rowcount, 5, engine.name + ": rows with the same key in one INSERT")
        cursor.execute("INSERT INTO %s (id, t) SELECT 10 + n %% 7, n FROM generate_series(1, 3000) AS n" % table)
        same(cursor.rowcount, 3000, engine.name + ": many of them")
        cursor.copy_expert("COPY %s (id, t) FROM STDIN" % table, io.StringIO("9\ta\n9\tb\n"))
    same(rows(session, "SELECT id, t FROM %s WHERE id > 4 ORDER BY id" % table),
         [(7, "last"), (8, "y"), (9, "b"), *((10 + n % 7, str(n)) for n in sorted(range(2994, 3001), key=lambda n: n % 7))],
         engine.name + ": the last one of them counts")


@each
def triggers(engine, session):
    """Local row triggers and views WITH CHECK OPTION see whole rows."""
    table = engine.table("thing")
    with contextlib.closing(connect()) as admin:
        rows(admin, """CREATE TABLE {0}.{1}_log (op text, old_row text, new_row text);
            GRANT ALL ON {0}.{1}_log TO "{3}";
            CREATE FUNCTION {0}.{1}_note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                INSERT INTO {0}.{1}_log VALUES (TG_OP, CASE WHEN TG_OP <> 'INSERT' THEN OLD.id || ' ' || coalesce(OLD.t, '-') END,
                    CASE WHEN TG_OP <> 'DELETE' THEN NEW.id || ' ' || coalesce(NEW.t, '-') END); RETURN NULL; END$$;
            CREATE FUNCTION {0}.{1}_change() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
                IF TG_OP = 'DELETE' THEN RETURN CASE WHEN OLD.t = 'keep' THEN NULL ELSE OLD END; END IF;
                IF NEW.t = 'skip' THEN RETURN NULL; END IF;
                NEW.s := coalesce(NEW.s, 0) + 1; RETURN NEW; END$$;
            CREATE TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON {2} FOR EACH ROW EXECUTE FUNCTION {0}.{1}_note();
            CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON {2} FOR EACH ROW EXECUTE FUNCTION {0}.{1}_change()
            """.format(SCHEMA, engine.name, table, person_role()))
    rows(session, "INSERT INTO %s (id, t) VALUES (1, 'a'), (2, 'skip'), (3, 'keep')" % table)
    rows(session, "UPDATE %s SET t = t || '2' WHERE id = 1" % table)
    rows(session, "UPDATE %s SET id = 9 WHERE id = 1" % table)
    with session.cursor() as cursor:
        cursor.execute("DELETE FROM %s" % table)
        same(cursor.rowcount, 1, engine.name + ": a BEFORE trigger keeps a row")
    same(rows(session, "SELECT id, s, t FROM %s" % table), [(3, 1, "keep")], engine.name + ": it has what the trigger made of it")
    same(rows(session, "SELECT * FROM %s.%s_log" % (SCHEMA, engine.name)),
         [("INSERT", None, "1 a"), ("INSERT", None, "3 keep"), ("UPDATE", "1 a", "1 a2"), ("UPDATE", "1 a2", "9 a2"), ("DELETE", "9 a2", None)],
         engine.name + ": AFTER triggers saw the rows")
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s (id, t) FROM STDIN" % table, io.StringIO("20\tc\n21\tskip\n"))
    same(rows(session, "SELECT id, s FROM %s WHERE id >= 20" % table), [(20, 1)], engine.name + ": COPY fires them")
    with contextlib.closing(connect()) as admin:
        rows(admin, "DROP TRIGGER after_row ON %s; DROP TRIGGER before_row ON %s" % (table, table))
        rows(admin, "CREATE VIEW %s.%s_small AS SELECT * FROM %s WHERE s < 10 WITH CHECK OPTION" % (SCHEMA, engine.name, table))
        rows(admin, 'GRANT ALL ON %s.%s_small TO "%s"' % (SCHEMA, engine.name, person_role()))
        rows(admin, 'ALTER VIEW %s.%s_small OWNER TO "%s"' % (SCHEMA, engine.name, person_role()))
    view = "%s.%s_small" % (SCHEMA, engine.name)
    rows(session, "TRUNCATE %s" % table)
    rows(session, "INSERT INTO %s (id, s) VALUES (1, 1), (2, 2)" % view)
    same(sqlstate(rows, session, "INSERT INTO %s (id, s) VALUES (3, 10)" % view), "44000", engine.name + ": WITH CHECK OPTION")
    same(sqlstate(rows, session, "UPDATE %s SET s = 11 WHERE id = 1" % view), "44000", engine.name + ": WITH CHECK OPTION in an UPDATE")
    rows(session, "UPDATE %s SET s = 9 WHERE id = 1" % view)
    same(rows(session, "SELECT id, s FROM %s ORDER BY id" % table), [(1, 9), (2, 2)], engine.name + ": only what fits the view")
    rows(session, "TRUNCATE %s" % table)


@each
def truncated_together(engine, session):
    """TRUNCATE of two tables names both in history, in as many runs as the remote server gets statements."""
    names = [engine.table("thing"), "%s.%s_twin" % (SCHEMA, engine.name)]
    twin = "twin_" + UNIQUE
    engine.remote("CREATE TABLE %s (id %s PRIMARY KEY)" % (engine.quoted(twin), "int" if engine.name == "mysql" else "integer"))
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE FOREIGN TABLE %s (id integer OPTIONS (key 'true')) SERVER %s OPTIONS (table_name '%s')" % (names[1], engine.server, twin))
        rows(admin, 'GRANT ALL ON %s TO "%s"' % (names[1], person_role()))
    since = value(session, "SELECT clock_timestamp()")
    rows(session, "TRUNCATE " + ", ".join(names))
    runs = wait_for_history("user_id = %s AND source = 'fdw' AND database_connection_id = %s AND started_at > %s",
                            engine.user.id, engine.connection, since, count=1 if engine.name == "postgres" else 2)
    told = "\n".join(entry["generated_sql_query"] for entry in runs)
    ok(engine.thing in told and twin in told, engine.name + ": both tables", told)


def partitions():
    """Rows find their way into foreign partitions of different engines, also when they move."""
    session = ENGINES[0].user.session
    root = "%s.root" % SCHEMA
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE TABLE %s (id integer, region text, v integer) PARTITION BY LIST (region)" % root)
        rows(admin, 'GRANT ALL ON %s TO "%s"' % (root, person_role()))
        rows(admin, "CREATE TABLE %s_local PARTITION OF %s FOR VALUES IN ('local')" % (root, root))
        for engine in ENGINES:
            whole = ("integer", "int")[engine.name == "mysql"]
            remote = "part_" + UNIQUE
            word = "varchar(20)" if engine.name == "mysql" else "text"
            engine.remote("CREATE TABLE %s (v %s, region %s, id %s PRIMARY KEY)" % (engine.quoted(remote), whole, word, whole))
            rows(admin, "CREATE FOREIGN TABLE {0}.part_{1} (v integer OPTIONS (native_type '{2}'), region text OPTIONS (native_type '{3}'),"
                 " id integer OPTIONS (native_type '{2}', key 'true')) SERVER {4} OPTIONS (table_name '{5}')"
                 .format(SCHEMA, engine.name, whole, word, engine.server, remote))
            rows(admin, "ALTER TABLE %s ATTACH PARTITION %s.part_%s FOR VALUES IN ('%s')" % (root, SCHEMA, engine.name, engine.name))
    names = ["postgres", "mysql", "sqlite", "local"]
    rows(session, "INSERT INTO %s SELECT i, (%%s::text[])[1 + mod(i, 4)], i FROM generate_series(0, 39) AS i" % root, names)
    same(rows(session, "SELECT region, count(*), sum(v) FROM %s GROUP BY region ORDER BY min(id)" % root),
         [(name, 10, sum(range(i, 40, 4))) for i, name in enumerate(names)], "each row in its partition")
    for engine in ENGINES:
        same(engine.remote("SELECT count(*) FROM " + engine.quoted("part_" + UNIQUE)), [(10,)], engine.name + ": and in its database")
    same(rows(session, "INSERT INTO %s VALUES (100, 'mysql', 1), (101, 'sqlite', 2) RETURNING tableoid::regclass::text, *" % root),
         [(SCHEMA + ".part_mysql", 100, "mysql", 1), (SCHEMA + ".part_sqlite", 101, "sqlite", 2)], "RETURNING through the partitioned table")
    with session.cursor() as cursor:
        cursor.copy_expert("COPY %s FROM STDIN" % root, io.StringIO("".join("%d\t%s\t1\n" % (200 + i, names[i % 4]) for i in range(400))))
        cursor.execute("UPDATE %s SET v = 7 WHERE id >= 200" % root)
        same(cursor.rowcount, 400, "UPDATE of all partitions")
        cursor.execute("UPDATE %s SET v = 8 + random()::int * 0 WHERE id >= 200" % root)
        same(cursor.rowcount, 400, "row by row")
        cursor.execute("DELETE FROM %s WHERE id >= 300" % root)
        same(cursor.rowcount, 300, "DELETE of all partitions")
    same(rows(session, "SELECT region, count(*) FROM %s WHERE v = 8 AND id >= 200 GROUP BY region ORDER BY region" % root),
         [(name, 25) for name in sorted(names)], "COPY through the partitioned table")
    rows(session, "UPDATE %s SET region = 'mysql' WHERE region = 'local' AND id = 3" % root)
    same(rows(session, "SELECT tableoid::regclass::text FROM %s WHERE id = 3" % root), [(SCHEMA + ".part_mysql",)], "a local row moves to another engine")
    error = raised(rows, session, "UPDATE %s SET region = 'mysql' WHERE id = 7 OR region = 'mysql'" % root)
    ok(error is not None and error.pgcode == "0A000", "not into a partition that the statement updates", str(error))


run(prepare, keys, padded_keys, computed, some_numbered, own_changes, jobs, filled_by_trigger, completed_keys, named_twice, local_columns, virtual_columns,
    conflicts, mixed, upsert, triggers, truncated_together, partitions)
