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


run(answers_agree)
