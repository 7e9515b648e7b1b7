#!/usr/bin/python3
"""Never a wrong row: generated queries over hostile values, answered by local tables, by foreign tables, and by foreign tables
with nothing pushed to the client database. All three answers are the same, or the same error.

By hand: FDW_QUERIES=20000 FDW_SEED=7 FDW_ENGINE=sqlite python3 test/t/110_fdw_differential.py

Values compare by their text. The exceptions:
- sums, averages and deviations of floats, whose last digits depend on the order of the rows: to nine digits;
- where several equal values become one (DISTINCT, GROUP BY, UNION, min, max) any of them may be shown: 1.0 is 1.00, -0 is
  0, 24 hours are a day, and spaces at the end of a character(n) do not count.

PostgreSQL leaves open in which order conditions are evaluated and for which rows, so an error of a condition can appear or not. That
matters to queries that were generated with expressions that can fail (division, casts, overflow):
- with several conditions, several tables, a LIMIT or parameters (an expression of parameters alone is evaluated once, before the
  first row), and when one of the three answers rows and another one an error of a value, the query is skipped and counted;
- when all of them have an error of a value, any two are alike: which row comes first decides.
Errors of a value are class 22, 54000, with which chr() refuses 0, and 0A000, with which numeric refuses to make an integer of NaN.
All other queries must agree about errors to the letter.
"""

import contextlib
import decimal
import math
import os
import random
import re
import time
from collections import Counter

import psycopg2
import psycopg2.extensions

from fdw_generator import Field, Limit, pools_of, reduce
from fdw_queries import Composer, side_table
from fdw_tables import ENGINES, make_off_type
from tenancy import UNIQUE, User, connect, note, ok, person_role, rows, run, wait_until

SEED = int(os.environ.get("FDW_SEED", "20240229"))
QUERIES = int(os.environ.get("FDW_QUERIES", "2100"))
ONLY = os.environ.get("FDW_ENGINE")
MOST_PRINTED = 20

FLOATS, NUMERIC, INTERVAL, CHARACTER = (700, 701), 1700, 1186, 1042

# Every value as the server prints it, whatever its type.
AS_TEXT = psycopg2.extensions.new_type(
    (16, 17, 20, 21, 23, 25, 700, 701, 1700, 1042, 1043, 1082, 1083, 1114, 1184, 1186, 114, 3802, 2950, 1560, 1000, 1001, 1005, 1007, 1009, 1015,
     1016, 1021, 1022, 1115, 1182, 1183, 1185, 1187, 1231, 2951, 199, 3807, 1014, 1561), "AS_TEXT", lambda text, cursor: text)


class Answer:
    """Rows, or an error."""

    def __init__(self, found=None, types=(), error=None):
        self.rows, self.types = found, types
        self.code = error.pgcode or "lost" if error is not None else None
        self.text = str(error).strip().splitlines()[0] if error is not None and str(error) else None

    def __str__(self):
        return "%s: %s" % (self.code, self.text) if self.code else "%d rows" % len(self.rows)

    def is_of_value(self):
        return self.code[:2] == "22" or self.code in ("54000", "0A000")

    def shown(self, other=None):
        """The rows, or those that the other answer does not have."""
        if self.code:
            return str(self)
        rest = self.rows
        if other is not None and not other.code:
            more = Counter(self.rows) - Counter(other.rows)
            rest = list(more.elements())
        listed = ["    " + "|".join("NULL" if text is None else text for text in row)[:200] for row in rest[:8]]
        return "\n".join([str(self) + (", others than the first:" if other is not None else ""), *listed])


class Side:
    """A session that answers queries from the tables of one schema."""

    def __init__(self, open_session, schema, pushdown=None):
        self.open_session, self.schema, self.pushdown = open_session, schema, pushdown
        self.session = None

    def open(self):
        self.session = self.open_session()
        psycopg2.extensions.register_type(AS_TEXT, self.session)
        for statement in ("SET plan_cache_mode = force_generic_plan", "SET statement_timeout = '30s'"):
            rows(self.session, statement)
        if self.pushdown is not None:
            rows(self.session, "SET tenancy.enable_pushdown = " + self.pushdown)

    def answer(self, query, explain=False):
        if self.session is None or self.session.closed:
            wait_until(self.try_open, 60, "a session")
        statements = query.statements(self.schema, explain)
        with self.session.cursor() as cursor:
            try:
                for name, setting in query.settings:
                    cursor.execute("SET %s TO '%s'" % (name, setting))
                for statement in statements:
                    cursor.execute(statement)
                return Answer(cursor.fetchall(), [column.type_code for column in cursor.description])
            except psycopg2.Error as error:
                return Answer(error=error)
            finally:
                if not self.session.closed:
                    self.restore(query, len(statements) > 1)

    def restore(self, query, prepared):
        with contextlib.suppress(psycopg2.Error), self.session.cursor() as cursor:
            for name, _ in query.settings:
                cursor.execute("RESET " + name)
            if prepared:
                cursor.execute("DEALLOCATE ALL")

    def try_open(self):
        try:
            self.open()
        except psycopg2.Error:
            return False
        return True


# Comparing

def traits(query):
    nodes = query.nodes()
    return any(node.floats for node in nodes), any(node.merged for node in nodes)


def plain(text, kind, floats, merged):
    """A value in the form in which it is compared."""
    if text is None:
        return None
    if floats and kind in FLOATS:
        return float(text) + 0.0 if merged else float(text)
    if merged and kind == NUMERIC:
        number = decimal.Decimal(text)
        return "0" if number.is_finite() and number == 0 else str(number.normalize(EXACT))
    if merged and kind == CHARACTER:
        return text.rstrip(" ")
    if merged and kind == INTERVAL:
        return "interval"
    return "0" if merged and kind in FLOATS and text == "-0" else text


EXACT = decimal.Context(prec=2000)


def order_key(row):
    """Floats last, and not to their last digit."""
    return ([(cell is None, cell or "") for cell in row if not isinstance(cell, float)],
            ["%.6g" % cell for cell in row if isinstance(cell, float)])


def same_cell(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isnan(one) and math.isnan(other) or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return one == other


def same_rows(query, one, other, ordered):
    floats, merged = traits(query)
    lists = [[[plain(text, kind, floats, merged) for text, kind in zip(row, answer.types)] for row in answer.rows] for answer in (one, other)]
    if not ordered:
        lists = [sorted(each, key=order_key) for each in lists]
    return one.types == other.types and len(lists[0]) == len(lists[1]) and all(
        all(map(same_cell, *pair)) for pair in zip(*lists))


def among(query, answer, everything):
    """As many rows as wanted, each of them one that might come."""
    rest = Counter(everything.rows)
    rest.subtract(Counter(answer.rows))
    return min(rest.values(), default=0) >= 0


def is_limited(query):
    return any(isinstance(node, Limit) and node.parts for node in query.nodes())


def leaves_open(query):
    """May an error of an expression appear or not, by PostgreSQL's own rules?"""
    return query.risky and (is_limited(query) or query.prepared or query.tables() > 1 or re.search(r"(?i)\b(and|or)\b", query.statements("x")[0]) is not None)


# One engine

PUSHED = {"where": r"\bWHERE\b", "group by": r"\bGROUP BY\b", "join": r"\bJOIN\b", "order by": r"\bORDER BY\b", "limit": r"\b(LIMIT|OFFSET|FETCH)\b",
          "distinct": r"\bDISTINCT\b", "window": r"\bOVER\b", "exists": r"\bEXISTS\b", "aggregate": r"(?i)\b(count|sum|min|max|avg)\("}


class Trial:
    """Queries of one engine with their three answers."""

    def __init__(self, engine, local, pushed, unpushed):
        self.engine, self.local, self.pushed, self.unpushed = engine, local, pushed, unpushed
        self.counts = Counter()
        self.failures = 0

    def verdict(self, query):
        """(what, answers): same, skipped or failed."""
        answers = [side.answer(query) for side in (self.local, self.pushed, self.unpushed)]
        local, pushed, unpushed = answers
        if "lost" in (local.code, pushed.code, unpushed.code):
            return "failed", answers
        of_values = query.risky and all(answer.code is None or answer.is_of_value() for answer in answers)
        if all(answer.code for answer in answers):
            self.counts["errors"] += 1
            return "same" if of_values or len({answer.code for answer in answers}) == 1 else "failed", answers
        if of_values and leaves_open(query) and any(answer.code for answer in answers):
            return "skipped", answers
        if any(answer.code for answer in answers):
            return "failed", answers
        if query.loose is not None and query.loose.parts:
            return self.loose_verdict(query, answers), answers
        alike = all(same_rows(query, local, answer, query.ordered()) for answer in (pushed, unpushed))
        return "same" if alike else "failed", answers

    def loose_verdict(self, query, answers):
        limit, query.loose.parts = query.loose.parts, []
        everything = self.local.answer(query)
        query.loose.parts = limit
        if everything.code:
            return "skipped"
        alike = all(len(answer.rows) == len(answers[0].rows) and among(query, answer, everything) for answer in answers)
        return "same" if alike else "failed"

    def remote_sql(self, query):
        answer = self.pushed.answer(query, explain=True)
        if answer.code:
            return "(%s)" % answer
        return "\n".join(re.findall(r"Remote SQL: (.*)", "\n".join(row[0] for row in answer.rows)))

    def count_pushed(self, query):
        remote = self.remote_sql(query)
        classes = [name for name, pattern in PUSHED.items() if re.search(pattern, remote)]
        self.counts["pushed"] += bool(classes)
        self.counts.update("pushed " + name for name in classes)

    def attempt(self, query, number):
        what, answers = self.verdict(query)
        if "lost" in [answer.code for answer in answers]:
            # The server has crashed, which ends every session.
            for side in (self.local, self.pushed, self.unpushed):
                side.session = None
        self.counts[what] += 1
        self.count_pushed(query)
        if what == "failed":
            self.failures += 1
            if self.failures <= MOST_PRINTED:
                self.print_failure(query, number, answers)

    def print_failure(self, query, number, answers):
        original = query.statements("", False)
        if all(answer.code != "lost" for answer in answers):
            # An error stays that error: another one would be another problem.
            codes = [answer.code for answer in answers]

            def fails(smaller):
                what, again = self.verdict(smaller)
                return what == "failed" and [answer.code for answer in again] == codes
            reduce(query, fails)
            answers = self.verdict(query)[1]
        note("%s, seed %d, query %d%s\n  was: %s" % (self.engine, SEED, number, " " + str(query.settings) if query.settings else "", "; ".join(original)))
        note("  sql: %s" % "; ".join(query.statements("x")))
        note("  remote: " + self.remote_sql(query))
        for name, answer in zip(("local", "pushed", "unpushed")[-len(answers):], answers):
            note("  %s: %s" % (name, answer.shown(None if answer is answers[0] else answers[0])))

    def report(self, seconds):
        total = sum(self.counts[what] for what in ("same", "skipped", "failed"))
        note("%s: %d queries with seed %d in %.0f s; %d pushed in part (%s); %d errors in all three, %d skipped, %d failed" % (
            self.engine, total, SEED, seconds, self.counts["pushed"],
            ", ".join("%s %d" % (name, self.counts["pushed " + name]) for name in PUSHED), self.counts["errors"], self.counts["skipped"], self.failures))
        ok(self.failures == 0, "%s: %d generated queries have one answer" % (self.engine, total))
        ok(self.counts["skipped"] < total * 0.05, "%s: fewer than one of twenty queries is skipped" % self.engine)
        ok(self.counts["pushed"] > total * 0.5, "%s: most queries are pushed in part" % self.engine)


class OffTypeTrial(Trial):
    """
    A table of SQLite where values are not of their columns' types, which is an error as soon as they are read. There is no
    local table like it, and which values are read depends on the plan: with pushdown there may be rows where there is an
    error without, but not other rows, nor, of one table that is read to its end, an error where there are rows.
    """

    def verdict(self, query):
        answers = [side.answer(query) for side in (self.pushed, self.unpushed)]
        pushed, unpushed = answers
        if "lost" in (pushed.code, unpushed.code):
            return "failed", answers
        if unpushed.code:
            self.counts["errors"] += 1
            return "same" if pushed.code is None or pushed.is_of_value() or pushed.code == unpushed.code else "failed", answers
        if pushed.code:
            early = leaves_open(query) or query.tables() > 1 or is_limited(query)
            return "skipped" if pushed.is_of_value() and early else "failed", answers
        if query.loose is not None and query.loose.parts:
            return "same" if len(pushed.rows) == len(unpushed.rows) else "failed", answers
        return "same" if same_rows(query, pushed, unpushed, query.ordered()) else "failed", answers


def fields_of(session, schema, columns):
    """The columns of the tables as the writer of queries wants them."""
    mild = {column.name for column in columns if column.mild}
    found = {}
    for table, name, kind in rows(session, "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                                  " WHERE c.relnamespace = %s::regnamespace AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum", schema):
        found.setdefault(table, []).append(Field(name, kind, name in mild))
    return found


def copy_tables(admin, session, here, there, names):
    """Local tables with the types and the values of the foreign ones, read without pushdown."""
    rows(admin, "CREATE SCHEMA %s" % here)
    rows(admin, 'GRANT USAGE ON SCHEMA %s TO "%s"' % (here, person_role()))
    rows(session, "SET tenancy.enable_pushdown = off")
    for name in names:
        rows(admin, "CREATE TABLE %s.%s (LIKE %s.%s)" % (here, name, there, name))
        rows(admin, 'GRANT SELECT, INSERT ON %s.%s TO "%s"' % (here, name, person_role()))
        rows(session, "INSERT INTO %s.%s SELECT * FROM %s.%s ORDER BY id" % (here, name, there, name))
        rows(admin, "ALTER TABLE %s.%s ADD PRIMARY KEY (id)" % (here, name))
        rows(admin, "ANALYZE %s.%s" % (here, name))
    rows(session, "RESET tenancy.enable_pushdown")


def check_values(engine, session, here, filled):
    """What was read is what was stored."""
    wrong = []
    for table, columns in engine.tables.items():
        kinds = dict(rows(session, "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0",
                          "%s.%s" % (here, table)))
        for number, column in enumerate(columns):
            text = "" if column.name in engine.without_scale else "::text"
            stored = [row[number] for row in filled[table]]
            wrong += ["%s.%s (%s) row %s: stored %r, read %r" % (table, column.name, kinds[column.name], *each) for each in rows(
                session, "SELECT t.id, x.stored, t.{0}::text FROM {1}.{2} AS t JOIN unnest(%s::text[]) WITH ORDINALITY AS x(stored, id) ON x.id = t.id"
                " WHERE (x.stored::{3}){4} IS DISTINCT FROM t.{0}{4}".format(column.name, here, table, kinds[column.name], text), stored)]
    ok(not wrong, "%s: values arrive as they were stored" % engine.name, "\n".join(wrong[:20]))


def prepare(engine_class):
    """Tables, user, sessions; then each trial with the composer and the number of its queries."""
    rng = random.Random(SEED)
    engine = engine_class()
    user = User("differential")
    connection = engine.connection(user)
    here, there = ("%s_%s_%s" % (word, engine.name, UNIQUE) for word in ("here", "there"))
    sessions = lambda: user.connect(history_durability="async")
    with contextlib.closing(connect()) as admin, contextlib.closing(sessions()) as session:
        filled = engine.make(user, connection, session, rng)
        if engine.name == "sqlite":
            make_off_type(engine, rng)
        rows(session, "SELECT tenancy.attach('differential', %s, %s)", there, engine.schema)
        for statement in side_table():
            rows(admin, statement)
        rows(admin, "GRANT USAGE ON SCHEMA beside TO PUBLIC")
        rows(admin, "GRANT SELECT ON beside.side TO PUBLIC")
        copy_tables(admin, session, here, there, engine.tables)
        check_values(engine, session, here, filled)
        sides = Side(sessions, here), Side(sessions, there, "on"), Side(sessions, there, "off")
        pools = pools_of(engine.name)
        yield Trial(engine.name, *sides), Composer(rng, fields_of(session, here, engine.tables["a"]), pools), QUERIES
        if engine.name == "sqlite":
            fields = {"odd": fields_of(session, there, engine.tables["a"])["odd"]}
            yield OffTypeTrial("sqlite, values of other types", *sides), Composer(rng, fields, pools, ["odd"]), QUERIES // 4


def differential(name):
    def part():
        for trial, composer, count in prepare(ENGINES[name]):
            start = time.monotonic()
            for number in range(count):
                trial.attempt(composer.next(), number)
            trial.report(time.monotonic() - start)
    part.__doc__ = "Generated queries on " + name
    return part


if __name__ == "__main__":
    note("seed %d, %d queries for each engine" % (SEED, QUERIES))
    run(*(differential(name) for name in ENGINES if ONLY in (None, name)))
