/*
 * Expressions of PostgreSQL in the SQL of a client database: what is common to the dialects. PG regime.
 *
 * An expression is printed only when the remote server's value of it is PostgreSQL's own for every row, NULL and
 * errors included; else the function answers false and the caller rewinds. There is no second walker that must agree.
 */
#pragma once

#include "fdw/option.hpp"
#include "remote/driver.hpp"

#include "bridge/pg.hpp"
extern "C" {
#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"
#include "nodes/pathnodes.h"
#include "nodes/primnodes.h"
}

namespace tenancy::fdw {

/* Which rows a remote condition lets through, compared with PostgreSQL's own answer. */
enum class Ship : uint8 {
	none,     /* not printable */
	superset, /* all of them, perhaps more: to be checked again here, and nothing above it may be pushed */
	exact
};

/* What a dialect can say. */
struct Abilities {
	bool full_join;
	bool for_update; /* SELECT … FOR UPDATE, FOR SHARE */
	bool insert_returning, update_returning, delete_returning;
	bool window;
	int most_parameters; /* of one statement */
	/*
	 * The most that its parser takes: parentheses within each other in an expression, conditions beside each other,
	 * tables.
	 */
	int most_nested, most_beside, most_tables;
};

/* A call of a function, also by way of an operator: the dialects know functions, not operators. */
struct Call {
	Oid function;  /* F_… of utils/fmgroids.h, when it is built in */
	Oid op;        /* the operator that it was called by, or InvalidOid */
	List *args;    /* Expr * */
	Oid collation; /* that the function is to use */
	Oid type;      /* of the result */
	int32 typmod;
};

/* One key of an ORDER BY. */
struct SortKey {
	Expr *expr;
	Oid type;
	Oid collation;
	bool descending;
	bool nulls_first;
};

/* Where the columns of a range table entry come from. */
struct Source {
	Index varno;
	const Table *table;
};

class Renderer {
public:
	/* Set by the planner before the first use. */
	StringInfo out = nullptr;
	PlannerInfo *root = nullptr;
	Relids relids = nullptr; /* whose columns may appear; Vars of others are parameters */
	Source *sources = nullptr;
	int source_count = 0;
	bool qualified = false;  /* columns as r<varno>."name", else as "name" */
	bool aggregates = false; /* Aggref may appear: HAVING and the list of a grouped query */
	bool windows = false;    /* WindowFunc may appear */
	bool trust_remote_collation = false;
	bool same_encoding = false; /* the characters of all sources have the bytes that they have here */
	/* The rows that a condition rejects are seen all the same, as in ON of an outer join or NOT EXISTS. */
	bool must_look = false;
	List *params = nullptr; /* Expr *, evaluated here and sent, in the order of their placeholders in the text */
	Bitmapset *values = nullptr; /* numbers of params that are values of a column, whose type the server gives them */

	/* Where the output stood; rewind() takes back what was printed since. */
	struct Mark {
		int length;
		int params;
	};
	Mark mark() const { return {out->len, list_length(params)}; }
	void rewind(const Mark &mark);

	/* The value of node. False: what was printed is garbage, rewind. */
	bool expression(Node *node);
	/* node as a condition of WHERE, ON or HAVING; superset only below AND and OR at the top. */
	Ship condition(Node *node);
	/* node as an output column: its value in a form that the driver reads as a value of its type. */
	virtual bool output(Node *node);
	/* node as an output column that is also a key of GROUP BY <ordinal> or DISTINCT: equal here means equal there. */
	virtual bool group_key(Node *node) = 0;
	/* The same key in GROUP BY itself: its position among the columns, unless the dialect groups by something else. */
	virtual bool group_clause(Node *node, int position);
	virtual bool sort_key(const SortKey &key) = 0;
	/* LIMIT and OFFSET, each NULL when absent; both are bigint expressions without columns. */
	virtual bool limit(Node *count, Node *offset);

	virtual remote::DatabaseType type() const = 0;
	virtual const Abilities &abilities() const = 0;
	/* Prints a name, quoted whatever it is. */
	virtual void identifier(const char *name) = 0;
	/* schema.table of a table, or its query in parentheses. */
	virtual void relation(const Table &table);
	/* TRUE, FALSE as conditions. */
	virtual void truth(bool value) = 0;

	/* Printed behind everything else: locks the rows, for writers or for readers. */
	virtual void lock(bool exclusive) { print(exclusive ? " FOR UPDATE" : " FOR SHARE"); }

	/* A parameter that is not part of an expression: a value of a column in INSERT, UPDATE or WHERE key = …. */
	virtual void value_placeholder(const Column &column, int number) = 0;
	/* The remote column takes an expression of the local column's type. */
	virtual bool can_assign(const Column &) const { return true; }

protected:
	~Renderer() = default;

	/* What each dialect answers; false is "not the same there". */
	virtual bool column(const Column &column, Index varno) = 0;
	virtual bool constant(Const *value) = 0;
	/* Print the placeholder of a value of that type and call add_param(expr); false for types it cannot send. */
	virtual bool parameter(Expr *expr) = 0;
	virtual bool function(const Call &call) = 0;
	virtual bool distinct_from(const Call &equality) = 0;
	/* item op ANY of elements or, when any is false, op ALL of them (Expr *, none of which is a column). */
	virtual bool array_list(const Call &call, bool any, Expr *item, List *elements) = 0;
	/* The same with an array that is known only when the statement runs. */
	virtual bool array_parameter(const Call &call, bool any, Expr *item, Expr *array);
	virtual bool min_max(MinMaxExpr *node) = 0;
	/* A relabelling or a cast by way of text. */
	virtual bool relabel(Expr *arg, Oid type, int32 typmod) = 0;
	virtual bool cast_by_text(Expr *arg, Oid type) = 0;
	virtual bool aggregate(Aggref *node) = 0;
	virtual bool window(WindowFunc *node);
	/* A node that the common code does not know. */
	virtual bool other(Node *node);
	/* One of the conditions that AND joins at the top; by default its exact value, else superset(). */
	virtual Ship leaf_condition(Node *node);
	/* A condition that is no more than a superset; asked after expression() has failed. */
	virtual bool superset(Node *node);

	/* Can this side compute it before the remote server is asked? */
	bool is_local(Node *node) const;
	/* Tools for the dialects. */
	void print(const char *text) { appendStringInfoString(out, text); }
	static const char *list_word(bool any) { return any ? " IN (" : " NOT IN ("; }
	void add_param(Expr *expr);
	/* The number (from 1) of the parameter that has that value already; 0: none. */
	int param_number(Expr *expr) const;
	/* Print from a template: %1 … %9 are the arguments, %% a per cent sign. */
	bool print_template(const char *text, List *args);
	bool list(List *nodes, const char *separator);
	/* text between two of quote, which is doubled in it; a backslash is itself in the sessions of each driver. */
	void quoted(const char *text, char quote);
	/* " OVER (…)" with the window's keys, and its frame. */
	bool over(Index window_reference, bool with_frame = true);
	const WindowClause *window_clause(Index window_reference) const;
	const Column *column_of(const Var *var) const; /* NULL: a system column, a whole row, or not ours */
	bool is_ours(const Var *var) const;
	bool inside_conditional() const { return conditional_depth_ > 0; }

private:
	bool boolean(BoolExpr *node);
	bool null_test(NullTest *node);
	bool boolean_test(BooleanTest *node);
	bool case_expression(CaseExpr *node);
	bool coalesce(CoalesceExpr *node);
	bool null_if(NullIfExpr *node);
	bool scalar_array(ScalarArrayOpExpr *node);
	bool value(Node *node);
	bool call(Oid op, Oid function, List *args, Oid collation, Oid type);
	bool frame(const WindowClause *clause);
	bool is_too_long() const;
	bool fits_parser(const Mark &begin) const;

	int conditional_depth_ = 0;
	int depth_ = 0; /* of the node that is being printed */
	/*
	 * For the expression that is being printed: how many nodes were printed, repetitions included, and where it begins.
	 */
	int nodes_ = 0, started_ = 0;
	List *case_arguments_ = nullptr;
};

/* A renderer of that dialect, palloc'd in CurrentMemoryContext. */
Renderer *make_renderer(remote::DatabaseType type);
Renderer *make_postgres_renderer();
Renderer *make_mysql_renderer();
Renderer *make_sqlite_renderer();

/* Is UTF8 the encoding of this database and of all sources, as far as is recorded? */
bool has_same_encoding(const Source *sources, int count);

/* Facts about local collations and expressions that all dialects ask for. */
bool is_byte_order(Oid collation);    /* compares and sorts as memcmp does */
bool is_deterministic(Oid collation); /* equal means equal bytes; also true for "no collation" */
/* A constant integer that is not null. */
bool whole_constant(Node *node, int *value);
/* A NOT NULL column that no outer join can make null. */
bool is_never_null(const Renderer &renderer, const Column *column);
/* Does a pattern of LIKE end within an escape? That is an error here, but only for text that matches up to there. */
bool ends_in_escape(const char *pattern);
/* The key that ORDER BY expr USING sortop means; false unless that is the default order of its type. */
bool make_sort_key(Expr *expr, Oid sortop, bool nulls_first, SortKey *key);

} // namespace tenancy::fdw
