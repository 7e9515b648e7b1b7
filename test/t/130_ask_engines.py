#!/usr/bin/python3
"""The same question to the same rows has the same answer on PostgreSQL, MariaDB and SQLite, by the built-in translator."""

import contextlib
import glob
import math
import os
import re

from tenancy import PostgresServer, User, execute, mysql, ok, rows, run, value

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ask", "tuned")
ENGINES = ("pg", "my", "lite")
asker = User("asker")


class Domain:
    """A schema of test/ask with its questions, on three engines."""

    def __init__(self, path):
        self.name = os.path.basename(path)[:-len(".sql")]
        with open(path, encoding="utf-8") as file:
            text = re.sub("^--.*$", "", file.read(), flags=re.MULTILINE)
        self.statements = [statement.strip() for statement in text.split(";\n") if statement.strip()]
        self.tables = re.findall(r'^CREATE TABLE ("?\w+"?)', text, flags=re.MULTILINE)
        with open(path[:-len(".sql")] + ".txt", encoding="utf-8") as file:
            self.questions = [line.strip() for line in file if line.strip() and line[0] not in "#\t"]

    def fill(self, server, session):
        with contextlib.closing(server.connect()) as admin:
            rows(admin, "CREATE DATABASE %s OWNER tenant" % self.name)
        with contextlib.closing(server.connect(dbname=self.name)) as admin:
            rows(admin, "SET ROLE tenant")
            for statement in self.statements:
                rows(admin, statement)
        mysql("USE questions; SET sql_mode = 'ANSI_QUOTES'; " + ";\n".join(self.statements))
        asker.create(self.name + "_pg", database_type="postgresql", host="127.0.0.1", port=server.port, database_name=self.name,
                     username="tenant", password="a password", options={"sslmode": "disable"})
        asker.mysql(self.name + "_my", database_name="questions")
        asker.sqlite(self.name + "_lite", database_name=self.name + ".db")
        for statement in self.statements:
            execute(session, self.name + "_lite", statement)

    def clear(self):
        """The next domain may have tables of the same names in the one database on MariaDB, where no other test's are."""
        mysql("USE questions; SET foreign_key_checks = 0, sql_mode = 'ANSI_QUOTES'; " + "; ".join("DROP TABLE IF EXISTS " + table for table in self.tables))

    def ask(self, session, question):
        return [value(session, "SELECT tenancy.ask(%s, %s)", self.name + "_" + engine, question) for engine in ENGINES]


def plain(field):
    """A value without what is the engine's: how it says true, how a number or a time is spelled."""
    if isinstance(field, str):
        try:
            return float(field)
        except ValueError:
            return re.sub(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)[+]00$", r"\1", field)  # MariaDB's timestamp is an instant
    return None if field is None else float(field)


def told(answer):
    """What is compared: rows in any order, as ties may come in any."""
    found = [[plain(field) for field in row] for row in answer["rows"] or []]
    found.sort(key=lambda row: ["%.3g" % field if isinstance(field, float) else str(field) for field in row])
    return answer["status"], answer["understood"], found


def alike(one, other):
    """Are two such the same, but for the digits of averages? MariaDB's have four more than what is averaged."""
    def alike_fields(left, right):
        if isinstance(left, float) and isinstance(right, float):
            return math.isclose(left, right, rel_tol=1e-3)
        return left == right
    return one[:2] == other[:2] and len(one[2]) == len(other[2]) and all(
        len(left) == len(right) and all(map(alike_fields, left, right)) for left, right in zip(one[2], other[2]))


def ask_all(domain, session):
    answered = differing = 0
    for question in domain.questions:
        answers = domain.ask(session, question)
        kinds = [told(answer) for answer in answers]
        answered += kinds[0][0] == "success"
        if not all(alike(kinds[0], kind) for kind in kinds[1:]):
            differing += 1
            ok(False, "%s: %s" % (domain.name, question), lambda found=answers: "\n".join(
                "%s: %s %s\n%s\n%r %r" % (name, answer["status"], answer["understood"], answer["sql"], answer["rows"], answer["error"])
                for name, answer in zip(ENGINES, found)))
    ok(answered > len(domain.questions) // 2, "%s: most of %d questions are answered" % (domain.name, len(domain.questions)), answered)
    ok(differing == 0, "%s: each answer is the same on three engines" % domain.name)


def answers_agree():
    """Four schemas, each question to three engines"""
    server = PostgresServer()
    with contextlib.closing(server.connect()) as admin:
        rows(admin, "CREATE ROLE tenant LOGIN PASSWORD 'a password'")
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.sql"))):
        domain = Domain(path)
        with contextlib.closing(asker.connect(history_durability="async")) as session:
            domain.clear()
            try:
                domain.fill(server, session)
                ask_all(domain, session)
            finally:
                domain.clear()


def stored_otherwise():
    """What a column is declared as is not always what it holds: numbers in a date, 2 in a truth"""
    asker.sqlite("otherwise", database_name="otherwise.db")
    asker.mysql("truths", database_name="questions")
    mysql("USE questions; DROP TABLE IF EXISTS members; CREATE TABLE members (id int PRIMARY KEY, active boolean); INSERT INTO members VALUES (1, 0), (2, 1), (3, 2)")
    with contextlib.closing(asker.connect(history_durability="async")) as session:
        for statement in ("CREATE TABLE visits (id integer PRIMARY KEY, seen datetime)", "INSERT INTO visits VALUES (1, NULL), (2, 1709251200), (3, '2024-03-05')",
                          "CREATE TABLE guests (id integer PRIMARY KEY, seen datetime)", "INSERT INTO guests VALUES (1, NULL), (2, '2024-03-05'), (3, 1709251200)"):
            execute(session, "otherwise", statement)
        told = {column["name"]: column.get("stores_numbers") for table in value(session, "SELECT tenancy.schema('otherwise')")["tables"]
                if table["name"] == "visits" for column in table["columns"]}
        ok(told == {"id": None, "seen": True}, "the schema tells which date holds numbers", told)
        visits, guests, active, others = [value(session, "SELECT tenancy.ask(%s, %s)", *asked) for asked in (
            ("otherwise", "how many visits since March 2024"), ("otherwise", "how many guests since March 2024"),
            ("truths", "how many active members"), ("truths", "how many not active members"))]
    ok(visits["status"] == "refused", "a date that holds numbers is compared with none", visits)
    ok(guests["rows"] is not None and guests["rows"][0][0] == 1, "one that begins with a date is", guests)
    ok(active["rows"] == [[2]] and others["rows"] in (None, [[1]]), "all but 0 is true", (active, others))
    mysql("USE questions; DROP TABLE members")


run(answers_agree, stored_otherwise)
