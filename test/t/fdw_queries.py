"""Whole queries of the differential test, over the tables a, b and c of a schema and a table of the platform's own."""

from fdw_generator import TYPES, Clause, Items, Limit, Node, Query, Table, Writer

# The same table for all three answers, so that a foreign join cannot be pushed through it.
SIDE = "beside.side"

SETTINGS = [
    ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("enable_nestloop", "off"), ("enable_hashagg", "off"), ("enable_sort", "off"),
    ("enable_material", "off"), ("enable_memoize", "off"), ("enable_incremental_sort", "off"), ("TimeZone", "Asia/Kolkata"),
    ("TimeZone", "America/New_York"), ("DateStyle", "German"), ("DateStyle", "SQL, DMY"), ("IntervalStyle", "iso_8601"),
    ("extra_float_digits", "0"), ("bytea_output", "escape"), ("from_collapse_limit", "1"), ("join_collapse_limit", "1"),
    ("random_page_cost", "1000"), ("transform_null_equals", "on"),
]


class Composer:
    """Makes queries over some tables, given their columns; pools are the constants."""

    def __init__(self, rng, fields, pools, tables="aaabbbc"):
        self.rng, self.fields, self.pools, self.tables = rng, fields, pools, tables
        self.risky = False

    def next(self):
        self.risky = self.rng.random() < 0.12
        forms = [self.plain] * 6 + [self.joined] * 5 + [self.existing] * 3 + [self.grouped] * 5 + [self.distinct] * 2 + [self.windowed] * 2 + \
            [self.ranked] * 2 + [self.lacking] * 2 + [self.united] + [self.nested] * 3 + [self.lateral] + [self.beside] * 2
        query = self.rng.choice(forms)()
        query.risky = self.risky
        query.prepared = self.rng.random() < 0.2
        if self.rng.random() < 0.25:
            query.settings = self.rng.sample(SETTINGS, self.rng.choice([1, 1, 2]))
        return query

    # Parts

    def writer(self, *aliases, outer=()):
        scope = [(alias, self.fields[table]) for alias, table in (*aliases, *outer)]
        return Writer(self.rng, self.pools, scope, self.risky)

    def table(self):
        return self.rng.choice(self.tables)

    def where(self, writer, share=0.85):
        if self.rng.random() > share:
            return Clause()
        depth = self.rng.choice([0, 0, 1, 1, 2, 3])
        count = self.rng.choice([1, 1, 1, 2])
        return Clause(" WHERE ", Items([Node("C", ["(", writer.condition(depth), ")"]) for _ in range(count)], " AND "))

    def columns(self, writer):
        """What is selected: columns of all families, and expressions of some."""
        chosen = []
        for _ in range(self.rng.choice([1, 2, 3, 4])):
            if self.rng.random() < 0.5:
                alias, fields = self.rng.choice(writer.scope)
                chosen.append(Node(None, ["%s.%s" % (alias, self.rng.choice(fields).name)]))
            elif self.rng.random() < 0.2:
                chosen.append(Node("C", ["(", writer.condition(1), ")"]))
            else:
                chosen.append(writer.value(writer.family(), self.rng.choice([1, 2])))
        return chosen

    def keys(self, writer, count):
        """Keys of an ORDER BY that may tie."""
        keys = []
        for _ in range(count):
            family = writer.family()
            node = writer.column(family) if self.rng.random() < 0.7 else writer.value(family, 1)
            collate = ' COLLATE "C"' if family == "S" and self.rng.random() < 0.5 else ""
            # A bare constant would be the number of a column, or an error.
            keys.append(Node(None, ["(", node, ")", collate, self.direction()]))
        return keys

    def direction(self):
        return self.rng.choice(["", "", " DESC", " NULLS FIRST", " DESC NULLS LAST", " ASC NULLS LAST"])

    def order(self, writer, aliases):
        keys = self.keys(writer, self.rng.choice([0, 1, 1, 2, 3]))
        return Clause(" ORDER BY ", Items([*keys, *(Node(None, [alias, ".id", self.direction()]) for alias in aliases)]))

    def limit(self):
        text = self.rng.choice([" LIMIT %d" % self.rng.choice([0, 1, 3, 10, 1000]), " LIMIT 5 OFFSET 3", " OFFSET 7", " LIMIT ALL OFFSET 2",
                                " FETCH FIRST 4 ROWS ONLY", " LIMIT NULL"])
        return Limit(text)

    def finish(self, parts, writer, aliases):
        """Add ORDER BY and LIMIT, or neither."""
        choice = self.rng.random()
        if choice < 0.45:
            return Query(Node(None, parts))
        if choice < 0.5:
            limit = Limit(" LIMIT %d" % self.rng.choice([1, 2, 5, 20]))
            return Query(Node(None, [*parts, limit]), loose=limit)
        order = self.order(writer, aliases)
        return Query(Node(None, [*parts, order, *([self.limit()] if self.rng.random() < 0.6 else [])]), order)

    # Forms

    def plain(self):
        table = self.table()
        writer = self.writer(("t", table))
        if self.rng.random() < 0.1:
            select = Items([Node(None, ["t.*"])])
        else:
            select = Items([Node(None, ["t.id"]), *self.columns(writer)])
        return self.finish(["SELECT ", select, " FROM ", Table(table), " AS t", self.where(writer, 0.95)], writer, ["t"])

    def equal_keys(self, left, right, full=False):
        """The condition of a join, with something that most join methods can use."""
        shared = [field for field in self.fields[left[1]] if field.family not in "OX" and
                  any(other.name == field.name for other in self.fields[right[1]])]
        choice = self.rng.random()
        field = next(field for field in shared if field.name == "k") if choice < 0.45 else self.rng.choice(shared)
        equal = Node("C", ["%s.%s = %s.%s" % (left[0], field.name, right[0], field.name)])
        if full or self.rng.random() < 0.6:
            return equal
        writer = self.writer(left, right)
        return Node("C", [equal, " AND (", writer.condition(1), ")"]) if self.rng.random() < 0.7 else \
            Node("C", ["%s.id = %s.k" % (left[0], right[0]), " AND ", equal])

    def from_joined(self, count):
        tables = [("t%d" % number, self.table() if count < 3 or number else self.tables[-1]) for number in range(count)]
        parts = ["FROM ", Table(tables[0][1]), " AS t0"]
        for number in range(1, count):
            word = self.rng.choice(["JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
            on = self.equal_keys(tables[self.rng.randrange(number)], tables[number], word == "FULL JOIN")
            parts += [" ", word, " ", Table(tables[number][1]), " AS t%d ON " % number, on]
        return tables, parts

    def joined(self):
        tables, source = self.from_joined(self.rng.choice([2, 2, 2, 3]))
        writer = self.writer(*tables)
        select = Items([*(Node(None, [alias, ".id"]) for alias, _ in tables), *self.columns(writer)])
        return self.finish(["SELECT ", select, " ", *source, self.where(writer, 0.6)], writer, [alias for alias, _ in tables])

    def existing(self):
        """Semi and anti joins."""
        outer, inner = ("t", self.table()), ("u", self.table())
        writer = self.writer(outer)
        if self.rng.random() < 0.5:
            test = [self.rng.choice(["EXISTS", "EXISTS", "NOT EXISTS"]), " (SELECT 1 FROM ", Table(inner[1]), " AS u WHERE ",
                    self.equal_keys(outer, inner), self.also(self.writer(inner, outer=[outer])), ")"]
        else:
            field = self.rng.choice([field for field in self.fields[outer[1]] if field.family not in "OX" and
                                     any(other.name == field.name for other in self.fields[inner[1]])])
            name = "k" if self.rng.random() < 0.4 else field.name
            test = ["t.%s " % name, self.rng.choice(["IN", "IN", "NOT IN", "= ANY", "<> ALL"]), " (SELECT u.%s FROM " % name, Table(inner[1]), " AS u",
                    self.where(self.writer(inner), 0.8), ")"]
        select = Items([Node(None, ["t.id"]), *self.columns(writer)])
        return self.finish(["SELECT ", select, " FROM ", Table(outer[1]), " AS t WHERE ", Node("C", test), self.also(writer)], writer, ["t"])

    def also(self, writer):
        return Clause(" AND (", writer.condition(self.rng.choice([0, 1, 2])), ")") if self.rng.random() < 0.5 else Clause()

    def aggregate(self, writer):
        """One aggregate; those whose result depends on the order of the rows say which."""
        alias = writer.scope[0][0]
        mild = lambda family: writer.mild(family) if self.rng.random() < 0.8 else writer.fill(
            {"I": "({i} + {i})", "N": "({n} * 2)", "F": "({f} * {f})"}[family], family, 0)
        total = ", ".join("%s.id" % each for each, _ in writer.scope)
        form = self.rng.choice(["count(*)", "count", "count distinct", "sum", "sum", "avg", "avg", "min", "max", "min", "max", "deviation", "bool",
                                "string", "array", "distinct", "bits"])
        floats = merged = False
        if form == "count(*)":
            parts = ["count(*)"]
        elif form in ("count", "count distinct"):
            family = writer.family()
            parts = ["count(", "DISTINCT " if form != "count" else "", writer.value(family, 1), ")"]
        elif form in ("sum", "avg"):
            family = self.rng.choice("IINFI")
            node = mild(family)
            floats = family == "F"
            if family == "I" and self.rng.random() < 0.25:
                node = writer.column("I") or node
            parts = [form, "(", node, ")"]
        elif form in ("min", "max"):
            family = self.rng.choice([family for family in "SSIINFDTZVM" if writer.column(family)])
            merged = family in "NFVS"
            collate = ' COLLATE "C"' if family == "S" and self.rng.random() < 0.5 else ""
            parts = [form, "(", writer.column(family) if self.rng.random() < 0.7 else writer.value(family, 1), collate, ")"]
        elif form == "deviation":
            family = self.rng.choice("INF")
            floats = family == "F"
            parts = [self.rng.choice(["stddev", "variance", "stddev_pop", "var_samp", "stddev_samp", "var_pop"]), "(", mild(family), ")"]
        elif form == "bool":
            parts = [self.rng.choice(["bool_and", "bool_or", "every"]), "(", writer.value("P", 1) if self.rng.random() < 0.5 else
                     Node("P", ["(", writer.condition(1), ")"]), ")"]
        elif form == "string":
            parts = ["string_agg(", writer.value("S", 1), self.rng.choice([", ','", ", ''", ", '; '"]), " ORDER BY ", *self.order_within(writer), total, ")"]
        elif form == "array":
            parts = ["array_agg(", writer.value(writer.family(), 1), " ORDER BY ", *self.order_within(writer), total, ")"]
        elif form == "distinct":
            parts = [self.rng.choice(["sum", "avg"]), "(DISTINCT ", mild("I"), ")"]
        else:
            parts = [self.rng.choice(["bit_and", "bit_or"]), "(%s.m)" % alias]
        if self.rng.random() < 0.25:
            parts += [Clause(" FILTER (WHERE ", writer.condition(self.rng.choice([0, 1])), ")")]
        return Node(None, parts, floats, merged)

    def order_within(self, writer):
        return [self.keys(writer, 1)[0], ", "] if self.rng.random() < 0.5 else []

    def grouped(self):
        if self.rng.random() < 0.65:
            tables = [("t0", self.table())]
            source = ["FROM ", Table(tables[0][1]), " AS t0"]
        else:
            tables, source = self.from_joined(2)
        writer = self.writer(*tables)
        keys = []
        for _ in range(self.rng.choice([0, 1, 1, 1, 2, 2, 3])):
            family = self.rng.choice([writer.family(), "I", "S"])
            node = writer.column(family, *([True] if family == "I" and self.rng.random() < 0.5 else [])) if self.rng.random() < 0.6 else None
            node = node or writer.value(family, 1)
            keys.append(Node(None, ["(", node, ")"], merged=family in "NFVS"))
        aggregates = [self.aggregate(writer) for _ in range(self.rng.choice([1, 1, 2, 3]))]
        parts = ["SELECT ", Items([*keys, *aggregates]), " ", *source, self.where(writer, 0.5)]
        if keys:
            parts.append(Node(None, [" GROUP BY ", Items(keys)]))
        if self.rng.random() < 0.3:
            parts.append(Clause(" HAVING ", self.having(writer)))
        if not keys or self.rng.random() < 0.5:
            return Query(Node(None, parts))
        order = Clause(" ORDER BY ", Items([Node(None, [key, ' COLLATE "C"' if self.is_text(key) and self.rng.random() < 0.4 else "", self.direction()])
                                            for key in keys]))
        return Query(Node(None, [*parts, order, *([self.limit()] if self.rng.random() < 0.5 else [])]), order)

    @staticmethod
    def is_text(key):
        return any(child.family == "S" for child in key.children())

    def having(self, writer):
        one = self.rng.choice(["count(*) > 1", "count(*) < 5", "count(*) between 2 and 9", "min({i}) < 3", "sum({i}) > 10", "max({i}) is not null",
                               "avg({i}) > 5", "count({S}) > 2", "sum({n}) > 10", "count(distinct {S}) > 1", "max({S}) > 'a'", "not bool_and({P})",
                               "min({D}) < '2000-01-01'", "sum({i}) is null"])
        node = writer.fill(one, "C", 0)
        return Node("C", [node, " AND ", self.having(writer)]) if self.rng.random() < 0.2 else node

    def distinct(self):
        table = self.table()
        writer = self.writer(("t", table))
        families = [writer.family() for _ in range(self.rng.choice([1, 1, 2, 3]))]
        columns = [Node(None, ["(", writer.column(family) if self.rng.random() < 0.7 else writer.value(family, 1), ")"], merged=family in "NFVS")
                   for family in families]
        tail = [" FROM ", Table(table), " AS t", self.where(writer, 0.5)]
        if self.rng.random() < 0.4:
            keys = [Node(None, [column, self.direction()]) for column in columns]
            others = [Node(None, ["t.id"]), *self.columns(writer)]
            order = Clause(" ORDER BY ", Items([*keys, Node(None, ["t.id", self.direction()])]))
            return Query(Node(None, ["SELECT DISTINCT ON (", Items(columns), ") ", Items(others), *tail, order]), order)
        parts = ["SELECT DISTINCT ", Items(columns), *tail]
        if self.rng.random() < 0.5:
            return Query(Node(None, parts))
        order = Clause(" ORDER BY ", Items([Node(None, [column, self.direction()]) for column in columns]))
        return Query(Node(None, [*parts, order, *([self.limit()] if self.rng.random() < 0.5 else [])]), order)

    def windowed(self):
        table = self.table()
        writer = self.writer(("t", table))
        partition = [Clause("PARTITION BY ", Items([writer.column("I", True) if self.rng.random() < 0.6 else writer.column(writer.family())]))] \
            if self.rng.random() < 0.7 else []
        functions = []
        for _ in range(self.rng.choice([1, 1, 2])):
            family = writer.family()
            total = self.rng.choice(["row_number()", Node(None, ["lag(", writer.column(family), ")"]), Node(None, ["lead(", writer.column(family), ", 2)"]),
                                     Node(None, ["first_value(", writer.column(family), ")"]), Node(None, ["last_value(", writer.column(family), ")"]),
                                     "ntile(3)", Node(None, ["nth_value(", writer.column(family), ", 2)"]),
                                     Node(None, ["sum(", writer.mild("I"), ")"]), Node(None, ["avg(", writer.mild("N"), ")"]), "count(*)",
                                     Node(None, ["max(", writer.column("S"), ")"])])
            ties = self.rng.choice(["rank()", "dense_rank()", "cume_dist()", "percent_rank()", Node(None, ["sum(", writer.mild("I"), ")"])])
            frame = self.rng.choice(["", "", " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING", " ROWS UNBOUNDED PRECEDING",
                                     " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", " GROUPS 1 PRECEDING", " RANGE UNBOUNDED PRECEDING"])
            if self.rng.random() < 0.65:
                order = Items([*self.keys(writer, self.rng.choice([0, 1])), Node(None, ["t.id", self.direction()])])
                functions.append(Node(None, [total, " OVER (", *partition, " ORDER BY ", order, frame if total != "ntile(3)" else "", ")"]))
            else:
                functions.append(Node(None, [ties, " OVER (", *partition, " ORDER BY ", Items(self.keys(writer, 1)), ")"]))
        parts = ["SELECT ", Items([Node(None, ["t.id"]), *functions]), " FROM ", Table(table), " AS t", self.where(writer, 0.5)]
        return self.finish(parts, writer, ["t"])

    def ranked(self):
        """A condition on a window function that only grows or shrinks: the planner may make of it where the window ends."""
        table = self.table()
        writer = self.writer(("t", table))
        partition = ["PARTITION BY ", writer.column("I", True)] if self.rng.random() < 0.5 else []
        total = Items([*self.keys(writer, self.rng.choice([0, 1])), Node(None, ["t.id", self.direction()])])
        function, order, frame = self.rng.choice([("row_number()", total, ""), ("rank()", Items(self.keys(writer, 1)), ""),
                                                  ("dense_rank()", Items(self.keys(writer, 1)), ""), ("count(*)", Items(self.keys(writer, 1)), ""),
                                                  ("count(*)", total, " ROWS UNBOUNDED PRECEDING"), ("ntile(4)", total, ""),
                                                  ("count(t.id)", total, " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING")])
        others = Node(None, [", sum(t.m) OVER (ORDER BY t.id)"]) if self.rng.random() < 0.2 else ""
        condition = self.rng.choice(["s.place <= 3", "s.place < 10", "s.place = 1", "5 >= s.place", "s.place BETWEEN 2 AND 4", "s.place > 2", "s.place >= 20",
                                     "s.place <= 3 OR s.place IS NULL"])
        return Query(Node(None, ["SELECT s.* FROM (SELECT t.id, ", function, " OVER (", *partition, " ORDER BY ", order, frame, ") AS place", others, " FROM ",
                                 Table(table), " AS t", self.where(writer, 0.4), ") AS s WHERE ", condition]))

    def lacking(self):
        """Rows without a partner by an outer join, with conditions above it that look at either side."""
        outer, inner = ("t", self.table()), ("u", self.table())
        field = self.rng.choice([field for field in self.fields[outer[1]] if field.family not in "OX" and
                                 any(other.name == field.name for other in self.fields[inner[1]])])
        name = "k" if self.rng.random() < 0.6 else field.name
        select = Items([Node(None, ["t.id"]), *self.columns(self.writer(outer))])
        above = self.rng.choice(["", " AND coalesce(u.m, 0) = 0", " AND coalesce(u.m, t.m) > 2", " AND (u.id IS NULL OR t.id > u.id)", " AND t.m > 3"])
        return self.finish(["SELECT ", select, " FROM ", Table(outer[1]), " AS t LEFT JOIN ", Table(inner[1]), " AS u ON u.%s = t.%s" % (name, name),
                            self.also(self.writer(outer, inner)), " WHERE u.%s IS NULL" % name, above, self.also(self.writer(outer, inner))],
                           self.writer(outer), ["t"])

    def united(self):
        left, right = self.table(), self.table()
        one, other = self.writer(("t", left)), self.writer(("u", right))
        families = [self.rng.choice([family for family in "SSIINDTPF" if one.column(family) and other.column(family)])
                    for _ in range(self.rng.choice([1, 2]))]
        word = self.rng.choice([" UNION ", " UNION ALL ", " EXCEPT ", " INTERSECT ", " EXCEPT ALL ", " INTERSECT ALL "])

        def half(writer, alias, table):
            columns = [Node(None, ["(", writer.column(family), ")::", TYPES[family]], merged=family in "NFS") for family in families]
            return Node(None, ["SELECT ", Items(columns, least=len(columns)), " FROM ", Table(table), " AS ", alias, self.where(writer, 0.6)])
        parts = [half(one, "t", left), word, half(other, "u", right)]
        if self.rng.random() < 0.4:
            return Query(Node(None, parts))
        order = Clause(" ORDER BY ", ", ".join("%d%s" % (number + 1, self.direction()) for number in range(len(families))))
        return Query(Node(None, [*parts, order, *([self.limit()] if word != " UNION ALL " and self.rng.random() < 0.5 else [])]), order)

    def nested(self):
        """Subqueries: scalar, correlated, in FROM with a limit or an aggregate, common table expressions."""
        outer, inner = ("t", self.table()), ("u", self.table())
        writer = self.writer(outer)
        inside = self.writer(inner)
        form = self.rng.randrange(5)
        select = [Node(None, ["t.id"]), *self.columns(writer)]
        if form == 0:
            scalar = Node(None, ["(SELECT ", self.rng.choice(["max(u.id)", "count(*)", "min(u.k)", "sum(u.m)"]), " FROM ", Table(inner[1]), " AS u",
                                 self.where(inside, 0.8), ")"])
            parts = ["SELECT ", Items([*select, scalar]), " FROM ", Table(outer[1]), " AS t", self.where(writer, 0.5)]
        elif form == 1:
            scalar = Node(None, ["(SELECT ", self.aggregate(inside), " FROM ", Table(inner[1]), " AS u WHERE ", self.equal_keys(outer, inner),
                                 self.also(self.writer(inner, outer=[outer])), ")"])
            parts = ["SELECT ", Items([*select, scalar]), " FROM ", Table(outer[1]), " AS t", self.where(writer, 0.5)]
        elif form == 2:
            limited = Node(None, ["(SELECT u.* FROM ", Table(inner[1]), " AS u", self.where(inside, 0.6), self.order(inside, ["u"]), self.limit(), ")"])
            renamed = self.writer(("t", inner[1]))
            parts = ["SELECT ", Items([Node(None, ["t.id"]), *self.columns(renamed)]), " FROM ", limited, " AS t", self.where(renamed, 0.8)]
            return self.finish(parts, renamed, ["t"])
        elif form == 3:
            counted = Node(None, ["(SELECT u.k, count(*) AS n, max(u.m) AS m FROM ", Table(inner[1]), " AS u", self.where(inside, 0.5), " GROUP BY u.k)"])
            parts = ["SELECT ", Items([*select, Node(None, ["x.n"]), Node(None, ["x.m"])]), " FROM ", Table(outer[1]), " AS t ",
                     self.rng.choice(["JOIN ", "LEFT JOIN "]), counted, " AS x ON x.k = t.k", self.where(writer, 0.5)]
            return Query(Node(None, parts))
        else:
            parts = ["WITH x AS ", self.rng.choice(["", "MATERIALIZED ", "NOT MATERIALIZED "]), "(SELECT * FROM ", Table(inner[1]), " AS u", self.where(inside, 0.7),
                     ") SELECT ", Items([*select, Node(None, ["x.id"])]), " FROM ", Table(outer[1]), " AS t JOIN x ON ", self.equal_keys(outer, ("x", inner[1])),
                     self.where(writer, 0.4)]
            return Query(Node(None, parts))
        return self.finish(parts, writer, ["t"])

    def lateral(self):
        outer, inner = ("t", self.table()), ("u", self.table())
        writer = self.writer(outer)
        parts = ["SELECT ", Items([Node(None, ["t.id"]), Node(None, ["x.id"]), *self.columns(writer)]), " FROM ", Table(outer[1]), " AS t ",
                 self.rng.choice(["CROSS JOIN LATERAL ", "LEFT JOIN LATERAL "]), "(SELECT u.* FROM ", Table(inner[1]), " AS u WHERE ",
                 self.equal_keys(outer, inner), self.also(self.writer(inner, outer=[outer])), self.order(self.writer(inner), ["u"]),
                 Limit(" LIMIT %d" % self.rng.choice([1, 2, 5])), ") AS x"]
        if parts[-9].startswith("LEFT"):
            parts.append(" ON true")
        return self.finish([*parts, self.where(writer, 0.5)], writer, ["t", "x"])

    def beside(self):
        """A table of the platform's between or beside foreign ones: its values become parameters."""
        table = self.table()
        writer = self.writer(("t", table))
        field = self.rng.choice([field for field in self.fields[table] if field.family in "SIDTNF" and field.kind[:3] not in ("bpc",)])
        column = {"S": "word", "I": "number", "D": "day", "T": "moment", "N": "amount", "F": "ratio"}[field.family]
        if self.rng.random() < 0.4:
            field, column = next(each for each in self.fields[table] if each.name == "k"), "number"
        on = Node("C", ["x.%s = t.%s" % (column, field.name)])
        if self.rng.random() < 0.25:
            on = Node("C", ["x.%s %s t.%s" % (column, self.rng.choice(["<", ">=", "<>"]), field.name)])
        if self.rng.random() < 0.5:
            parts = ["SELECT ", Items([Node(None, ["x.id"]), Node(None, ["t.id"]), *self.columns(writer)]), " FROM ", SIDE, " AS x ",
                     self.rng.choice(["JOIN ", "LEFT JOIN "]), Table(table), " AS t ON ", on, self.also(writer)]
            return self.finish(parts, writer, ["x", "t"])
        other = self.table()
        parts = ["SELECT ", Items([Node(None, ["x.id"]), Node(None, ["t.id"]), Node(None, ["u.id"])]), " FROM ", Table(table), " AS t JOIN ", SIDE, " AS x ON ", on,
                 " ", self.rng.choice(["JOIN ", "LEFT JOIN "]), Table(other), " AS u ON u.k = x.number", self.also(self.writer(("t", table), ("u", other)))]
        return Query(Node(None, parts))


def side_table():
    """The statements that make the table of the platform's own."""
    return ["CREATE SCHEMA IF NOT EXISTS beside",
            "DROP TABLE IF EXISTS beside.side",
            "CREATE TABLE beside.side (id integer PRIMARY KEY, number integer, word text, day date, moment timestamp, amount numeric, ratio float8)",
            """INSERT INTO beside.side VALUES (1, 1, 'a', '2024-02-29', '2024-02-29 12:34:56', 1.0, 1.5), (2, 2, 'A', '9999-12-31', '2024-01-01', 2.5, 'NaN'),
               (3, 3, 'a ', '0001-01-01', '2024-02-29 23:59:59.999999', 0.1, 0.1), (4, NULL, NULL, NULL, NULL, NULL, NULL),
               (5, 5, 'é', 'infinity', 'infinity', 'NaN', 'Infinity'), (6, 32767, '\\', '1970-01-01', '1970-01-01', 123456789012345678901234567890, '-0'),
               (7, 1, 'caf' || chr(233), '2024-01-01', '0001-01-01', 1.50, 1e308), (8, -1, '', '2023-03-01', '9999-12-31 23:59:59.999999', 0, 0.30000000000000004)""",
            "ANALYZE beside.side"]
