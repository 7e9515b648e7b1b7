"""Queries of the differential test: trees of SQL that are generated at random, printed for one set of tables or another,
and reduced while a property holds.
"""

import re

import fdw_tables as tables

# Trees

class Node:
    """SQL of a family (the letter of its type, C for a condition, None for the rest): texts, nodes, tables, constants."""

    def __init__(self, family, parts, floats=False, merged=False):
        self.family, self.parts = family, parts
        self.floats = floats  # an aggregate of floats, whose last digits depend on the order of its rows
        self.merged = merged  # one of several equal values that may be printed differently, as 1.0 and 1.00

    def children(self):
        return [part for part in self.parts if isinstance(part, Node)]


class Items(Node):
    """A list with a separator; items may be taken away, down to so many."""

    def __init__(self, nodes, separator=", ", least=1):
        super().__init__(None, nodes)
        self.separator, self.least = separator, least


class Clause(Node):
    """What may be left out of its query."""

    def __init__(self, *parts):
        super().__init__(None, list(parts))


class Limit(Clause):
    """LIMIT, OFFSET: rows behind it may never be read."""


class Constant(Node):
    """A literal, or a parameter of a prepared statement."""

    def __init__(self, family, kind, text, plain=False):
        super().__init__(family, [])
        self.kind, self.text, self.plain = kind, text, plain

    def literal(self):
        if self.text is None:
            return "NULL::" + self.kind
        if self.plain and self.family in (None, "I", "N") and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", self.text):
            return "(%s)" % self.text if self.text.startswith("-") else self.text
        quoted = "'%s'" % self.text.replace("'", "''")
        return quoted if self.plain else quoted + "::" + self.kind


class Table:
    def __init__(self, name):
        self.name = name


class Printer:
    """Prints a tree for the tables of one schema; remembers the parameters."""

    def __init__(self, schema, prepared):
        self.schema, self.prepared = schema, prepared
        self.parameters = []

    def sql(self, part):
        if isinstance(part, str):
            return part
        if isinstance(part, Table):
            return '%s."%s"' % (self.schema, part.name)
        if isinstance(part, Constant):
            if not self.prepared:
                return part.literal()
            numbers = [number for number, each in enumerate(self.parameters, 1) if each is part]
            if not numbers:
                self.parameters.append(part)
            return "$%d" % (numbers[0] if numbers else len(self.parameters))
        if isinstance(part, Items):
            return part.separator.join(map(self.sql, part.parts))
        return "".join(map(self.sql, part.parts))


class Query:
    def __init__(self, root, order=None, loose=None):
        self.root, self.order = root, order  # the ORDER BY, when it leaves nothing open
        self.order_text = order and Printer("", False).sql(order)
        self.loose = loose  # the LIMIT, when any rows will do
        self.prepared, self.settings, self.risky = False, (), False

    def ordered(self):
        """Is the order of the rows still the one that was generated?"""
        return self.order is not None and Printer("", False).sql(self.order) == self.order_text

    def statements(self, schema, explain=False):
        """What to run, in order; the last but DEALLOCATE answers."""
        printer = Printer(schema, self.prepared)
        text = printer.sql(self.root)
        start = "EXPLAIN (VERBOSE, COSTS OFF) " if explain else ""
        if not self.prepared or not printer.parameters:
            return [start + text]
        return ["PREPARE generated(%s) AS %s" % (", ".join(each.kind for each in printer.parameters), text),
                start + "EXECUTE generated(%s)" % ", ".join(each.literal() for each in printer.parameters)]

    def tables(self):
        return sum(isinstance(part, Table) for node in self.nodes() for part in node.parts)

    def nodes(self):
        found, queue = [], [self.root]
        while queue:
            node = queue.pop(0)
            if not any(node is other for other in found):
                found.append(node)
                queue.extend(node.children())
        return found


def reduce(query, fails, tries=250):
    """Take away from the query what it does not need to fail."""
    changed = True
    while changed and tries > 0:
        changed = False
        for node in query.nodes():
            for parts in smaller(node):
                old = node.parts
                node.parts = parts
                tries -= 1
                if fails(query):
                    changed = True
                    break
                node.parts = old
                if tries <= 0:
                    return
            if changed:
                break


def smaller(node):
    """Ways to write a node with less."""
    if isinstance(node, Items):
        if len(node.parts) > node.least:
            for index in range(len(node.parts)):
                yield node.parts[:index] + node.parts[index + 1:]
    elif isinstance(node, Clause) and node.parts:
        yield []
    elif node.family and len(node.parts) > 1:
        if node.family in "CB" and node.parts != ["true"]:
            yield ["true"]
        queue = node.children()
        while queue:
            child = queue.pop(0)
            if child.family == node.family or {child.family, node.family} == {"C", "B"}:
                yield [child]
            queue.extend(child.children())


# Expressions: a capital letter is a value of that family, C a condition; small ones are in fill() below.

EXPRESSIONS = {
    "S": """upper({S}) | lower({S}) | initcap({S}) | substr({S}, {p}) | substr({S}, {w}, {p}) | substring({S} from {p} for {p}) |
        left({S}, {w}) | right({S}, {w}) | ({S} || {S}) | ({S} || {i}) | concat({S}, {i}, {S}) | concat_ws(',', {S}, {S}) | lpad({S}, {p}, {S}) |
        rpad({S}, {p}) | lpad({S}, {w}) | reverse({S}) | repeat({S}, {w}) | replace({S}, {S}, {S}) | trim({S}) | ltrim({S}) |
        rtrim({S}) | trim(both 'a ' from {S}) | trim(leading 'a' from {S}) | btrim({S}, {S}) | rtrim({S}, 'b') | translate({S}, 'ab', 'x') |
        split_part({S}, ',', 1) | md5({S}) | quote_literal({S}) | ({i})::text | ({n})::text | ({D})::text | ({T})::text | ({P})::text |
        ({S})::varchar(3) | ({S})::char(4)::text | ({S})::text | to_char({D}, 'YYYY-MM-DD') | chr({p} + 64) | overlay({S} placing 'x' from 2) |
        ({I})::text | ({N})::text | ({F})::text | ({I})::varchar | regexp_replace({S}, '[a-c]', 'x')""",
    "I": """length({S}) | char_length({S}) | octet_length({S}) | bit_length({S}) | position({S} in {S}) | strpos({S}, {S}) | ascii({S}) | abs({i}) |
        ({i} + {i}) | ({i} - {i}) | ({i} * {i}) | ({i} / {x}) | ({i} % {x}) | mod({i}, {x}) | (- {i}) | (@ {i}) | sign({i})::int |
        ({i} & {i}) | ({i}|{i}) | ({i} # {i}) | (~ {i}) | ({i} << 2) | ({i} >> 1) | ({P})::int | length({Y}) | ({I})::bigint | ({i})::smallint |
        ({q})::int | ({f})::int | ({q})::bigint | ({f})::smallint | round({q})::int | floor({f})::int | div({q}, {x})::int | ({i} + {i}::bigint)""",
    "N": """({N} + {n}) | ({N} - {n}) | ({n} * {n}) | ({n} / {x}) | ({N} / 3) | ({n} % {x}) | mod({n}, {x}) | abs({N}) | (- {N}) | round({N}) | round({N}, {p}) |
        round({n}, 1) | trunc({N}) | trunc({N}, {w}) | ceil({N}) | floor({N}) | sign({N}) | ({I})::numeric | ({q})::numeric(10,1) | ({i})::numeric(12,3) |
        sqrt(abs({n})) | power({n}, 2) | extract(year from {t}) | extract({u} from {t}) | extract(epoch from {t}) | extract({v} from {d}) |
        ({f})::numeric | ({n} + {I}) | ({I} * {n}) | div({n}, {x}) | (+ {N}) | round({n} / {x}, 3)""",
    "F": """({f} + {f}) | ({f} - {f}) | ({f} * {f}) | ({f} / 3) | ({f} * 0.1) | abs({F}) | (- {F}) | round({f}) | trunc({f}) | ceil({F}) | floor({F}) | sign({F}) |
        sqrt(abs({f})) | power({f}, 2) | ({i})::float8 | ({f})::float4 | ({I})::float8 | ({q})::float8 | ({i} + {f}) | ({i} / 2.0::float8) | cbrt({f}) |
        ({I})::float4""",
    "P": """({C}) | (({P}) = ({P})) | ({i} <> 0) | (not ({P})) | (({P}) and ({P})) | coalesce({P}, false) | (({C}) is true)""",
    "D": """({D} + {w}) | ({D} - {p}) | ({D} + {i}) | ({T})::date | date_trunc('month', {T})::date | ({t} + interval '1 month')::date | ({t})::date""",
    "T": """({t} + interval '1 day') | ({t} - interval '1 hour') | ({t} + interval '1 month') | ({t} - interval '1 day 01:02:03.5') | date_trunc('{u}', {T}) |
        date_trunc('day', {T}) | ({d})::timestamp | ({d} + interval '2 days') | ({t} + {i} * interval '1 day') | ({Z} at time zone 'UTC') |
        ({d} + time '12:00') | ({T})::timestamp(0)""",
    "Z": """({Z} + interval '1 day') | ({Z} - interval '90 minutes') | ({t} at time zone 'UTC') | date_trunc('day', {Z}) | ({t})::timestamptz""",
    "V": """({t} - {t}) | ({i} * interval '1 day') | ({V} + interval '1 hour') | interval '1 day'""",
    "M": """({T})::time | time '12:00'""",
    "Y": """({Y} || {Y}) | substring({Y} from 1 for 2)""",
    "U": "", "O": "", "X": "",
}
CONDITIONALS = """case when {C} then {@} else {@} end | case when {C} then {@} end | case when {C} then {@} when {C} then {@} else {@} end |
    case {i} when 1 then {@} when {i} then {@} else {@} end | coalesce({@}, {@}) | coalesce({@}, {@}, {@}) | nullif({@}, {@}) |
    greatest({@}, {@}) | least({@}, {@}) | least({@}, {@}, {@})"""
RISKY = {
    "I": """({I} + {I}) | ({I} - {I}) | ({I} * {i}) | ({i} / {i}) | ({I} % {i}) | mod({I}, {i}) | (- {I}) | abs({I}) | ({S})::int | ({N})::int |
        ({F})::bigint | ({I})::smallint | ({I})::int | ({I} / {x}) | ({D} - {D}) | ascii({S}) | ({I} << {p})""",
    "N": """({n} / {i}) | ({N} % {n}) | ({N} * {N}) | sqrt({n}) | power({n}, {i}) | ({N})::numeric(10,2) | ({S})::numeric | ({F})::numeric | ({N} + {N}) | round({N}, {z}) |
        ln({n}) | exp({q}) | extract({u} from {T}) | extract(epoch from {T})""",
    "F": """({F} + {F}) | ({F} * {F}) | ({F} / {f}) | sqrt({F}) | power({F}, {f}) | ({F})::float4 | ({N})::float8 | exp({f}) | ln({f}) | ({S})::float8""",
    "S": """substr({S}, {z}, {z}) | chr({i}) | left({S}, {z}) | split_part({S}, {S}, {z}) | repeat({S}, {z})""",
    "D": """({S})::date | ({D} + {I}::int) | make_date({i} + 2000, {p}, {p}) | ({T})::date""",
    "T": """({T} + interval '1 day') | ({T} - interval '1000 years') | ({S})::timestamp""",
    "V": """({T} - {T}) | age({T}, {T})""",
    "P": """({S})::boolean""",
}
CONDITIONS = """{~} | {~} | {~} | {~} | {~} | {~} | {in} | {in} | {in} | {like} | {like} | ({A}) is null | ({A}) is not null | {distinct} | {distinct} |
    {between} | {between} | {P} | ({P}) is true | ({P}) is not true | ({P}) is false | ({P}) is unknown | ({P}) is not unknown | not ({P}) | ({C}) is not false |
    ({C}) is true | ({C}) is unknown | ({C}) is null | not ({C}) | not ({C}) | ({C} and {C}) | ({C} and {C}) | ({C} and {C}) | ({C} or {C}) | ({C} or {C}) |
    ({C} or {C} or {C}) | case when {C} then {C} else {C} end | case {i} when 1 then {C} else {C} end | coalesce({C}, true) |
    starts_with({S}, {S}) | {S} ^@ {S} | ({i}, {S}) = ({i}, {S}) | ({i}, {I}) < ({i}, {I}) | ({C}) = ({C}) | ({C}) is distinct from ({C}) |
    {Z} > now() - interval '7 days' | {Z} < now() - {p} * interval '1 year' | {Z} between now() - interval '3 years' and now() | {D} <= current_date |
    {T} < localtimestamp | {D} > now() - interval '20 years' | {T} >= date '2024-01-01' |
    {D} between '2023-01-01' and '2024-12-31' | extract(year from {t}) = 2024 | {t} >= {d} | {I} = {n} | {I} < {f} | {n} > {f} | {i} in (1, 2, 3)"""
TYPES = {"S": "text", "I": "bigint", "N": "numeric", "F": "double precision", "P": "boolean", "D": "date", "T": "timestamp",
         "Z": "timestamptz", "V": "interval", "M": "time", "Y": "bytea", "U": "uuid"}
COMPARABLE = "SSSSIIIINNFFDDTTZVMYUP"
OPERATORS = ["=", "=", "=", "<>", "<", "<=", ">", ">="]
UNITS = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"]
FIELDS = ["year", "month", "day", "dow", "doy", "quarter", "week", "isodow", "isoyear", "decade", "century"]
PATTERNS = ["%", "", "_", "__", "a%", "A%", "%a", "%a%", "%é%", "caf_", "CAF_", "_b_", "\\%%", "%\\%", "%\\_%", "\\\\", "%\\\\%", "a\\%b", "1__\\%",
            "%%", "_%", "%_", "%'%", '%"%', "a,b", "%ß%", "%i%", "%ı%", "%İ%", "%😀%", "_😀_", "[a]%", "a*", "a?", "x%x", " %", "% ", "a ", "\\a"]


def split(text):
    return [each.strip() for each in re.split(r"\s\|\s", text) if each.strip()]


EXPRESSIONS = {family: split(text) for family, text in EXPRESSIONS.items()}
RISKY = {family: split(text) for family, text in RISKY.items()}
CONDITIONALS, CONDITIONS = split(CONDITIONALS), split(CONDITIONS)


def family_of(kind):
    """The family of a type as format_type() prints it."""
    for pattern, family in ((r"(smallint|integer|bigint)$", "I"), (r"numeric", "N"), (r"real|double", "F"), (r"(text|character)[^\[]*$", "S"),
                            (r"boolean$", "P"), (r"date$", "D"), (r"timestamp.* with time zone", "Z"), (r"timestamp", "T"), (r"time", "M"),
                            (r"interval", "V"), (r"bytea", "Y"), (r"uuid", "U"), (r"bit", "X")):
        if re.match(pattern, kind):
            return family
    return "O"


class Field:
    """A column of a table in scope."""

    def __init__(self, name, kind, mild):
        self.name, self.kind, self.family, self.mild = name, kind, family_of(kind), mild


class Writer:
    """Writes expressions over the columns in scope."""

    def __init__(self, rng, pools, scope, risky):
        self.rng, self.pools, self.scope, self.risky = rng, pools, scope, risky

    # Leaves

    def column(self, family, mild=None):
        found = [(alias, field) for alias, fields in self.scope for field in fields
                 if field.family == family and (mild is None or field.mild == mild)]
        if not found:
            return None
        alias, field = self.rng.choice(found)
        return Node(family, ["%s.%s" % (alias, field.name)])

    def constant(self, family, plain=False, kind=None):
        pool = self.pools.get(family)
        if not pool:
            return None
        text = None if self.rng.random() < 0.04 else self.rng.choice(pool)
        kind = kind or ("integer" if family == "I" and text and abs(int(text)) < 2**31 and self.rng.random() < 0.7 else TYPES[family])
        return Constant(family, kind, text, plain and text is not None)

    def leaf(self, family):
        return (self.rng.random() < 0.75 and self.column(family)) or self.constant(family) or self.column(family) or \
            Constant(family, TYPES.get(family, "text"), None)

    def mild(self, family):
        node = self.rng.random() < 0.8 and self.column(family, True)
        return node or Constant(family, TYPES[family] if family != "I" else "integer", self.rng.choice(["1", "2", "3", "5", "7", "0"]))

    # Trees

    def value(self, family, depth):
        if depth <= 0 or self.rng.random() < 0.3 or family in "OUX":
            return self.leaf(family)
        choice = self.rng.random()
        if self.risky and family in RISKY and choice < 0.5:
            return self.fill(self.rng.choice(RISKY[family]), family, depth - 1)
        if choice < 0.75 and EXPRESSIONS[family]:
            return self.fill(self.rng.choice(EXPRESSIONS[family]), family, depth - 1)
        return self.fill(self.rng.choice(CONDITIONALS).replace("@", family), family, depth - 1)

    def fill(self, template, family, depth):
        parts = []
        for index, part in enumerate(re.split(r"\{([^}]*)\}", template)):
            parts.append(self.slot(part, depth) if index % 2 else part)
        return Node(family, [part for part in parts if part != ""])

    def slot(self, word, depth):
        small = {"p": ["1", "2", "3", "5", "8"], "w": ["0", "1", "2", "3"], "x": ["2", "3", "7", "-3", "10"], "z": ["-1", "-2", "0", "1", "-100", "3"]}
        if word in small:
            return Constant(None, "integer", self.rng.choice(small[word]), True)
        if word in TYPES:
            return self.value(word, depth)
        if word == "C":
            return self.condition(depth)
        if word == "u":
            return Node(None, [self.rng.choice(UNITS)])
        if word == "v":
            return Node(None, [self.rng.choice(FIELDS)])
        if word in ("i", "n", "q", "f"):
            family = {"i": "I", "n": "N", "q": "N", "f": "F"}[word]
            return self.mild(family)
        if word == "d":
            return self.finite("D")
        if word == "t":
            return self.finite("T")
        return {"~": self.comparison, "in": self.membership, "like": self.like, "A": self.anything, "distinct": self.distinct,
                "between": self.between}[word](depth)

    def finite(self, family):
        """A date or timestamp whose arithmetic and fields raise nothing."""
        node = self.column(family)
        constant = Constant(family, TYPES[family], self.rng.choice(["2024-02-29", "2023-12-31", "2000-01-01"]))
        if node is None or self.rng.random() < 0.15:
            return constant
        if self.risky or not self.pools["guard"]:
            return node
        return Node(family, ["(case when isfinite(", node, ") then ", node, " end)"])

    def condition(self, depth):
        if depth <= 0:
            return self.rng.choice([self.comparison, self.comparison, self.membership, self.like, self.null_test, self.distinct])(0)
        template = self.rng.choice(CONDITIONS)
        return self.fill(template, "C", depth - 1)

    def family(self):
        have = {field.family for _, fields in self.scope for field in fields}
        return self.rng.choice([family for family in COMPARABLE if family in have])

    def anything(self, depth):
        family = self.rng.choice([field.family for _, fields in self.scope for field in fields])
        return self.value(family, depth)

    def null_test(self, depth):
        return Node("C", ["(", self.anything(depth), ")", self.rng.choice([" is null", " is not null"])])

    def pair(self, depth):
        """Two values that can be compared: mostly of a column with a constant or with another column."""
        family = self.family()
        left = self.column(family) if self.rng.random() < 0.6 else self.value(family, depth)
        if self.rng.random() < 0.55:
            right = self.constant(family, self.rng.random() < 0.3)
        else:
            right = self.value(family, depth)
        return (left, right) if self.rng.random() < 0.85 else (right, left)

    def comparison(self, depth):
        left, right = self.pair(depth)
        collate = ' COLLATE "C"' if left.family == "S" and self.rng.random() < 0.25 else ""
        return Node("C", [left, " " + self.rng.choice(OPERATORS) + " ", right, collate])

    def distinct(self, depth):
        left, right = self.pair(depth)
        return Node("C", [left, self.rng.choice([" is distinct from ", " is not distinct from "]), right])

    def between(self, depth):
        family = self.family()
        word = self.rng.choice([" between ", " between ", " not between ", " between symmetric "])
        return Node("C", [self.leaf(family), word, self.value(family, depth), " and ", self.leaf(family)])

    def like(self, depth):
        word = self.rng.choice([" like ", " like ", " like ", " not like ", " ilike ", " not ilike "])
        subject = self.column("S") if self.rng.random() < 0.7 else self.value("S", depth)
        if self.rng.random() < 0.15:
            return Node("C", [subject, word, Constant("S", "text", self.rng.choice(["a!%b", "!_%", "%!!%", "!!", "a!_b", "100!%"])), " escape '!'"])
        if self.rng.random() < 0.05:
            return Node("C", [subject, word, Constant("S", "text", self.rng.choice(PATTERNS)), " escape ''"])
        if self.rng.random() < 0.05:
            return Node("C", [subject, self.rng.choice([" ~ ", " !~ ", " ~* "]), Constant("S", "text", self.rng.choice(["^a", "b$", "[a-c]", "^$", "."]))])
        if self.risky and self.rng.random() < 0.3:
            return Node("C", [subject, word, self.rng.choice([self.value("S", depth), Constant("S", "text", "a\\")])])
        return Node("C", [subject, word, Constant("S", "text", self.rng.choice(PATTERNS), self.rng.random() < 0.5)])

    def membership(self, depth):
        family = self.family()
        subject = self.column(family) if self.rng.random() < 0.7 else self.value(family, depth)
        count = self.rng.choice([1, 2, 3, 5])
        if self.rng.random() < 0.4:
            elements = [self.leaf(family) if self.rng.random() < 0.2 else self.constant(family) for _ in range(count)]
            return Node("C", [subject, self.rng.choice([" in (", " in (", " not in ("]), Items(elements), ")"])
        word = self.rng.choice([" = any (", " = any (", " <> all (", " < any (", " >= all (", " <> any (", " = all ("])
        if self.rng.random() < 0.15:
            return Node("C", [subject, word, "ARRAY[", Items([self.leaf(family) for _ in range(count)]), "]::%s[])" % TYPES[family]])
        kind = self.rng.choice(["integer", "bigint", "smallint"]) if family == "I" else TYPES[family]
        limit = {"integer": 2**31, "smallint": 2**15}.get(kind, 2**63)
        elements = [None if self.rng.random() < 0.1 else self.rng.choice(self.pools[family]) for _ in range(self.rng.choice([0, 1, 2, 4, 9]))]
        if family == "I":
            elements = [text for text in elements if text is None or -limit <= int(text) < limit]
        quoted = ["NULL" if text is None else '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"') for text in elements]
        array = Constant("A", kind + "[]", None if self.rng.random() < 0.04 else "{%s}" % ",".join(quoted))
        return Node("C", [subject, word, array, ")"])


def pools_of(engine):
    """Constants by family, for one engine: what its tables hold, and what only PostgreSQL has."""
    postgres = engine == "postgresql"
    return {
        "S": tables.TEXT, "I": tables.INT8 + tables.KEYS * 2, "N": tables.NUMERIC + tables.NUMERIC_SPECIAL[:3] + tables.MILD_NUMERIC,
        "F": tables.FLOAT8 + tables.FLOAT8_SPECIAL + tables.MILD_FLOAT, "P": tables.BOOL, "D": tables.DATE * 2 + tables.DATE_SPECIAL,
        "T": tables.TIMESTAMP * 2 + tables.TIMESTAMP_SPECIAL, "Z": tables.MODERN * 2 + tables.TIMESTAMP_SPECIAL, "V": tables.INTERVAL,
        "M": tables.TIME, "Y": tables.BYTES, "U": tables.UUID, "guard": postgres,
    }
