#!/usr/bin/python3
"""A tenant's transaction stays open, and another session of the tenant's asks for what it must not have: nobody waits behind it."""

import contextlib

from tenancy import UNIQUE, Background, User, connect, execute, person_role, rows, run, same, sqlstate, value, wait_until

SCHEMA = "queues_" + UNIQUE
TABLES = ("users", "database_connections", "query_history", "running_queries", "history_chain")

mallory, victim = User("mallory"), User("victim")
for user in (mallory, victim):
    user.sqlite()


def own_schema():
    """A schema of the tenant's role, where it may make what it likes."""
    with contextlib.closing(connect()) as admin:
        rows(admin, 'CREATE SCHEMA "%s" AUTHORIZATION "%s"' % (SCHEMA, person_role()))
    with contextlib.closing(mallory.connect()) as session:
        rows(session, 'SET search_path = "%s"' % SCHEMA)
        rows(session, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
        rows(session, "CREATE TABLE parent (id uuid) PARTITION BY LIST (id)")
        rows(session, "CREATE INDEX parent_id ON parent (id)")
        rows(session, "CREATE TABLE own (id uuid PRIMARY KEY)")


@contextlib.contextmanager
def left_open(*statements):
    """A transaction of mallory's that has run the statements"""
    with contextlib.closing(mallory.connect()) as session:
        rows(session, 'SET search_path = "%s"' % SCHEMA)
        rows(session, "BEGIN")
        for statement in statements:
            rows(session, statement)
        yield


def works(name):
    """The victim's query is answered, which it is when its history is written"""
    with contextlib.closing(victim.connect(history_durability="finished")) as session:
        same(execute(session, "lite", "SELECT 1")["status"], "success", name)


def extension():
    """The extension's entry in the catalog can be locked by everybody"""
    with left_open("ALTER FUNCTION f() DEPENDS ON EXTENSION pg_tenancy"):
        works("a query beside a function that depends on the extension")
    with contextlib.closing(mallory.connect()) as session:
        rows(session, 'ALTER FUNCTION "%s".f() NO DEPENDS ON EXTENSION pg_tenancy' % SCHEMA)


def one_statement(statement):
    with contextlib.closing(connect()) as session:
        rows(session, "SET lock_timeout = '100ms'")
        rows(session, "BEGIN")
        rows(session, statement)


def refused(statement, state="42501", session=None):
    """At once: to wait for the lock would take longer than it may"""
    with contextlib.closing(session or mallory.connect()) as session:
        rows(session, 'SET search_path = "%s"' % SCHEMA)
        rows(session, "SET statement_timeout = '20s'")
        if not same(sqlstate(rows, session, statement), state, statement):
            raise TimeoutError("the others would wait as long")


def tables():
    """Statements that lock a table before PostgreSQL looks whether they may"""
    with left_open("SELECT tenancy.update_profile('Mallory')", "SELECT tenancy.create_connection('two', 'sqlite', database_name => 'two.db')",
                   *("SELECT count(*) FROM tenancy." + table for table in TABLES), "SELECT count(*) FROM pg_catalog.pg_class"):
        for table in ("tenancy." + name for name in TABLES):
            refused("CREATE RULE r AS ON INSERT TO %s DO INSTEAD NOTHING" % table)
            refused("CREATE TRIGGER t BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION f()" % table)
            refused("CREATE TABLE child (id uuid REFERENCES %s)" % table)
            refused("CREATE TABLE child (id uuid, FOREIGN KEY (id) REFERENCES %s)" % table)
            refused("CREATE TEMP TABLE child (id uuid REFERENCES %s)" % table)
            refused("ALTER TABLE own ADD COLUMN other uuid REFERENCES %s" % table)
            refused("ALTER TABLE own ADD FOREIGN KEY (id) REFERENCES %s" % table)
            refused("ALTER TABLE parent ATTACH PARTITION %s DEFAULT" % table)
            refused("ALTER TABLE parent DETACH PARTITION %s" % table)
            refused("ALTER TABLE parent DETACH PARTITION %s FINALIZE" % table)
            refused("CREATE TABLE child PARTITION OF %s DEFAULT" % table)
            refused("CREATE TEMP TABLE child PARTITION OF %s FOR VALUES IN (NULL)" % table)
            refused("CREATE FOREIGN TABLE child PARTITION OF %s DEFAULT SERVER nowhere" % table)
            refused("ALTER MATERIALIZED VIEW %s DEPENDS ON EXTENSION plpgsql" % table)
            refused("ALTER INDEX %s_pkey DEPENDS ON EXTENSION plpgsql" % table)
        refused("ALTER INDEX parent_id ATTACH PARTITION tenancy.users_pkey")
        refused("CREATE RULE r AS ON INSERT TO pg_catalog.pg_class DO INSTEAD NOTHING")
        works("a query after them")
    shared = SCHEMA + "_shared"
    with contextlib.closing(connect()) as admin:
        rows(admin, 'CREATE SCHEMA "%s"' % shared)
        rows(admin, 'GRANT USAGE, CREATE ON SCHEMA "%s" TO "%s"' % (shared, person_role()))
        with left_open('CREATE TABLE "%s".held ()' % shared):
            refused('DROP SCHEMA "%s"' % shared)
        rows(admin, 'DROP SCHEMA "%s"' % shared)


def granted():
    """Rights that are not one's own to give: PostgreSQL warns, and its row in the catalog holds up every VACUUM"""
    everything = ("REVOKE ALL ON %s FROM PUBLIC", "GRANT SELECT ON %s TO PUBLIC")
    with contextlib.closing(connect()) as admin:
        platform = value(admin, "SELECT current_database()")
    for statement in everything:
        for table in ["tenancy." + name for name in TABLES] + ["pg_catalog.pg_class"]:
            refused(statement % ("TABLE " + table))
    refused("GRANT SELECT ON own, tenancy.users TO PUBLIC")
    refused("GRANT SELECT (id) ON tenancy.users TO PUBLIC")
    refused("GRANT SELECT ON ALL TABLES IN SCHEMA tenancy TO PUBLIC")
    refused('GRANT CONNECT ON DATABASE "%s" TO PUBLIC' % platform)
    refused("DROP OWNED BY tenancy_user")
    refused("DROP OWNED BY tenancy_admin")
    with contextlib.closing(mallory.connect()) as session:
        same(sqlstate(rows, session, 'GRANT SELECT ON "%s".own TO PUBLIC' % SCHEMA), None, "what is one's own may be granted")
    lent = SCHEMA + "_lent"
    with contextlib.closing(connect()) as admin, contextlib.closing(mallory.connect()) as session:
        def works_on(statement):
            same(sqlstate(rows, session, statement % lent), None, statement % "…")

        def made_by_admin(*statements):
            for statement in statements:
                rows(admin, statement % lent)
        made_by_admin('CREATE SCHEMA "%s"', 'CREATE SEQUENCE "%s".numbers')
        rows(admin, 'GRANT USAGE, CREATE ON SCHEMA "%s" TO "%s"' % (lent, person_role()))
        rows(admin, 'GRANT USAGE ON SEQUENCE "%s".numbers TO "%s" WITH GRANT OPTION' % (lent, person_role()))
        rows(session, 'CREATE TABLE "%s".own ()' % lent)
        works_on('GRANT USAGE ON SEQUENCE "%s".numbers TO PUBLIC')
        works_on('GRANT USAGE ON ALL SEQUENCES IN SCHEMA "%s" TO PUBLIC')
        made_by_admin('CREATE SEQUENCE "%s".others')
        works_on('GRANT SELECT ON ALL TABLES IN SCHEMA "%s" TO PUBLIC')
        refused('GRANT USAGE ON ALL SEQUENCES IN SCHEMA "%s" TO PUBLIC' % lent)
        made_by_admin('DROP SEQUENCE "%s".others', 'CREATE TABLE "%s".others ()')
        works_on('GRANT USAGE ON ALL SEQUENCES IN SCHEMA "%s" TO PUBLIC')
        refused('GRANT SELECT ON ALL TABLES IN SCHEMA "%s" TO PUBLIC' % lent)
        made_by_admin('DROP SCHEMA "%s" CASCADE')


def vacuumed():
    """Statements that wait for the lock that VACUUM has: whoever waits long enough for an autovacuum ends it"""
    with contextlib.closing(connect()) as admin:
        rows(admin, 'GRANT CREATE ON DATABASE "%s" TO "%s"' % (value(admin, "SELECT current_database()"), person_role()))
        rows(admin, "BEGIN")
        rows(admin, "LOCK TABLE %s IN SHARE UPDATE EXCLUSIVE MODE" % ", ".join("tenancy." + name for name in TABLES))
        same(sqlstate(one_statement, "LOCK TABLE tenancy.users IN SHARE UPDATE EXCLUSIVE MODE"), "55P03", "the lock is held")
        with contextlib.closing(mallory.connect()) as session:
            rows(session, 'SET search_path = "%s"' % SCHEMA)
            rows(session, 'CREATE EXTENSION pg_trgm SCHEMA "%s"' % SCHEMA)
            rows(session, "CREATE PUBLICATION empty")
        for table in ("tenancy." + name for name in TABLES):
            refused("COMMENT ON TABLE %s IS 'mine'" % table)
            refused("COMMENT ON COLUMN %s.user_id IS 'mine'" % table)
            refused("COMMENT ON COLUMN %s.%s.user_id IS 'mine'" % (value(admin, "SELECT current_database()"), table))
            refused("CREATE STATISTICS s ON user_id, id FROM %s" % table)
            refused("CREATE TEMP TABLE child () INHERITS (%s)" % table)
            refused("CREATE TABLE child () INHERITS (own, %s)" % table)
            refused("CREATE FOREIGN TABLE child () INHERITS (%s) SERVER nowhere" % table)
            refused("ALTER TABLE own INHERIT %s" % table)
            refused("CREATE PUBLICATION p FOR TABLE own, %s" % table)
            refused("ALTER PUBLICATION empty ADD TABLE %s" % table)
            refused("ALTER PUBLICATION empty DROP TABLE %s" % table)
            refused("ALTER EXTENSION pg_trgm ADD TABLE %s" % table)
        rows(admin, "ROLLBACK")


def shared():
    """What all databases share: the databases themselves, and the catalogs of all"""
    with contextlib.closing(connect()) as admin:
        platform = value(admin, "SELECT current_database()")
    with left_open('ALTER ROLE CURRENT_USER IN DATABASE "%s" SET application_name = \'held\'' % platform,
                   *("SELECT count(oid) FROM pg_catalog." + catalog for catalog in ("pg_database", "pg_subscription"))):
        refused('DROP DATABASE "%s"' % platform)
        refused('DROP DATABASE "%s" WITH (FORCE)' % platform)
        refused('ALTER DATABASE "%s" RENAME TO mine' % platform)
        refused('ALTER DATABASE "%s" SET TABLESPACE pg_default' % platform)
        refused("DROP SUBSCRIPTION nothing", "42704")
        with left_open("DROP SUBSCRIPTION IF EXISTS nothing"), contextlib.closing(connect()) as admin:
            rows(admin, "SET lock_timeout = '10s'")
            same(sqlstate(rows, admin, "SELECT count(*) FROM pg_catalog.pg_subscription"), None, "what is not there is skipped without a lock")
        refused('DROP DATABASE "%s"' % platform, session=connect(user=person_role(), dbname="postgres"))
        refused("CREATE RULE r AS ON INSERT TO pg_catalog.pg_database DO INSTEAD NOTHING", session=connect(user=person_role(), dbname="postgres"))
        works("a new session after them")
    with contextlib.closing(connect()) as admin:
        rows(admin, "CREATE DATABASE own_%s OWNER \"%s\"" % (UNIQUE, person_role()))
    with contextlib.closing(mallory.connect()) as session:
        same(sqlstate(rows, session, "DROP DATABASE own_" + UNIQUE), None, "the own database may be dropped")
        same(sqlstate(rows, session, "DROP DATABASE IF EXISTS own_" + UNIQUE), None, "or be gone already")


def own_tables():
    """What is the tenant's own is not refused"""
    with contextlib.closing(mallory.connect()) as session:
        rows(session, 'SET search_path = "%s"' % SCHEMA)
        for statement in ("CREATE TABLE part (id uuid)", "ALTER TABLE parent ATTACH PARTITION part DEFAULT", "ALTER TABLE parent DETACH PARTITION part",
                          "CREATE TABLE direct PARTITION OF parent DEFAULT", "ALTER INDEX parent_id DEPENDS ON EXTENSION plpgsql",
                          "CREATE TABLE child (id uuid REFERENCES own)", "CREATE TABLE heir (more int) INHERITS (own)", "CREATE TABLE ward (id uuid NOT NULL)",
                          "ALTER TABLE ward INHERIT own", "ALTER TABLE ward NO INHERIT own", "COMMENT ON TABLE own IS 'mine'", "COMMENT ON COLUMN own.id IS 'mine'",
                          "COMMENT ON INDEX parent_id IS 'mine'", "CREATE VIEW sight AS SELECT id FROM own", "COMMENT ON VIEW sight IS 'mine'",
                          "CREATE STATISTICS s ON id, more FROM heir", "CREATE PUBLICATION p FOR TABLE own", "ALTER PUBLICATION p ADD TABLE ward",
                          "CREATE TABLE like_heir (LIKE heir INCLUDING ALL)",
                          "CREATE EXTENSION IF NOT EXISTS pg_trgm", "ALTER EXTENSION pg_trgm ADD TABLE ward", "ALTER EXTENSION pg_trgm DROP TABLE ward",
                          "ALTER TABLE own ADD COLUMN other uuid REFERENCES own", "CREATE TABLE self (id uuid PRIMARY KEY, up uuid REFERENCES self)",
                          "CREATE TRIGGER t BEFORE INSERT ON own FOR EACH ROW EXECUTE FUNCTION f()",
                          "CREATE RULE r AS ON DELETE TO own DO INSTEAD NOTHING"):
            same(sqlstate(rows, session, statement), None, statement)
        with contextlib.closing(connect()) as admin:
            rows(admin, 'ALTER TABLE "%s".ward OWNER TO CURRENT_USER' % SCHEMA)
            same(sqlstate(rows, session, "ALTER PUBLICATION p DROP TABLE ward"), None, "a table leaves the own publication, whoever has come to own it")
            rows(admin, 'DROP TABLE "%s".ward' % SCHEMA)
        for statement, state in (("CREATE TABLE orphan (id uuid REFERENCES nowhere)", "42P01"), ("CREATE TABLE orphan () INHERITS (nowhere)", "42P01"),
                                 ("COMMENT ON TABLE nowhere IS 'mine'", "42P01"), ("COMMENT ON COLUMN alone IS 'mine'", "42601"),
                                 ("COMMENT ON COLUMN a.b.c.d.e IS 'mine'", "42601"), ("COMMENT ON FUNCTION nothing() IS 'mine'", "42883")):
            same(sqlstate(rows, session, statement), state, "PostgreSQL says itself what is wrong: " + statement)


def own_row():
    """Nor can tenants lock their own rows for as long as they like"""
    for strength in ("UPDATE", "NO KEY UPDATE", "SHARE", "KEY SHARE"):
        with contextlib.closing(mallory.connect()) as session:
            same(sqlstate(rows, session, "SELECT id FROM tenancy.users FOR " + strength), "42501", "FOR " + strength)
    with contextlib.closing(connect()) as admin:
        bounds = rows(admin, "SELECT proname, proconfig FROM pg_proc WHERE pronamespace = 'tenancy'::regnamespace"
                      " AND proname IN ('register', 'login', 'logout', 'logout_everywhere', 'change_password', 'reset_password', 'set_active',"
                      " 'create_connection', 'update_connection', 'delete_connection') ORDER BY 1")
        same(bounds, [(name, ["lock_timeout=10s"]) for name in ("change_password", "create_connection") + ("delete_connection",) * 2 +
                      ("login", "logout", "logout_everywhere", "register", "reset_password", "set_active") + ("update_connection",) * 2],
             "who has to wait, waits for ten seconds at most")
    address = "held.%s@test.example" % UNIQUE
    with left_open("SELECT tenancy.register('%s', 'a long password')" % address), contextlib.closing(connect()) as admin:
        same(sqlstate(rows, admin, "SELECT tenancy.register(%s, 'a long password')", address), "55P03", "an address that somebody holds")
    with left_open("SELECT tenancy.update_profile('held')"), contextlib.closing(mallory.connect()) as session:
        rows(session, "SET statement_timeout = '60s'")
        same(sqlstate(rows, session, "SELECT tenancy.update_profile('waits')"), "55P03", "a profile that somebody holds")
    with left_open("SELECT tenancy.update_connection('lite', is_active => true)"), contextlib.closing(connect()) as admin:
        rows(admin, "SET statement_timeout = '60s'")
        held = value(admin, "SELECT id FROM tenancy.database_connections WHERE user_id = %s AND name = 'lite'", mallory.id)
        for change in ("update_connection(%s::uuid, is_active => false)", "delete_connection(%s::uuid)"):
            same(sqlstate(rows, admin, "SELECT tenancy." + change, held), "55P03", "a connection that somebody holds: " + change)
    with contextlib.closing(connect()) as admin:
        same(value(admin, "SELECT tenancy.register(%s, 'a long password') IS NOT NULL", address), True, "is free again afterwards")


def prepared():
    """PREPARE locks tables for statements that its user may not execute: pruning and rotation do not wait for it"""
    with left_open("PREPARE p AS DELETE FROM tenancy.history_pruned", "PREPARE c AS UPDATE tenancy.database_connections SET name = ''",
                   "PREPARE r AS DELETE FROM tenancy.query_rollups"), contextlib.closing(connect()) as admin:
        rows(admin, "SET statement_timeout = '20s'")
        same(sqlstate(rows, admin, "SELECT tenancy.prune_history(1)"), None, "prune_history")
        same(sqlstate(rows, admin, "SELECT tenancy.rotate_encryption_key()"), None, "rotate_encryption_key")
        same(sqlstate(rows, admin, "SELECT tenancy.rebuild_rollups()"), None, "rebuild_rollups")


def rotation():
    """A rotation that waits for a change of a connection is in nobody's way, and waits for ten seconds at most"""
    with left_open("SELECT tenancy.create_connection('three', 'sqlite', database_name => 'three.db')"), contextlib.closing(connect()) as admin:
        pid = value(admin, "SELECT pg_backend_pid()")
        job = Background(sqlstate, rows, admin, "SELECT tenancy.rotate_encryption_key()")
        with contextlib.closing(connect()) as watcher:
            wait_until(lambda: value(watcher, "SELECT count(*) FROM pg_locks WHERE pid = %s AND NOT granted", pid) == 1, 30, "the rotation waits")
        works("a query beside it")
        same(job.value(), "55P03", "the rotation")
    bystander = User("bystander")
    with contextlib.closing(connect()) as admin, contextlib.closing(connect()) as other:
        rows(admin, "BEGIN")
        rows(admin, "SELECT tenancy.rotate_encryption_key()")
        same(sqlstate(rows, other, "SELECT tenancy.set_active(%s, false)", bystander.id), "55P03", "a change of a user waits for it before any row")
        rows(admin, "ROLLBACK")


run(own_schema, extension, tables, granted, vacuumed, shared, own_tables, own_row, prepared, rotation)
