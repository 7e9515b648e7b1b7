/*
 * The SQLite dialect. A column of SQLite may hold anything, so that its values go through guards (remote/sqlite/typed)
 * which raise for what this side could not read; only where a condition merely chooses rows does the column stay bare,
 * for the sake of its index, and the guard looks at the rows that are chosen. PG regime.
 */
#pragma once

#include "fdw/render.hpp"
#include "fdw/sqlite_functions.hpp"

namespace tenancy::fdw {

class SqliteRenderer final : public Renderer {
public:
	bool output(Node *node) override;
	bool group_key(Node *node) override;
	bool sort_key(const SortKey &key) override;
	bool limit(Node *count, Node *offset) override;
	remote::DatabaseType type() const override { return remote::DatabaseType::sqlite; }
	const Abilities &abilities() const override;
	void identifier(const char *name) override;
	void truth(bool value) override { print(value ? "1" : "0"); }
	void value_placeholder(const Column &column, int number) override;

protected:
	bool column(const Column &column, Index varno) override;
	bool constant(Const *value) override;
	bool parameter(Expr *expr) override;
	bool function(const Call &call) override;
	bool distinct_from(const Call &equality) override;
	bool array_list(const Call &call, bool any, Expr *item, List *elements) override;
	bool array_parameter(const Call &call, bool any, Expr *item, Expr *array) override;
	bool min_max(MinMaxExpr *node) override;
	bool relabel(Expr *arg, Oid type, int32 typmod) override;
	bool cast_by_text(Expr *arg, Oid type) override;
	bool aggregate(Aggref *node) override;
	bool window(WindowFunc *node) override;
	Ship leaf_condition(Node *node) override;
	bool superset(Node *node) override;

private:
	/* How the sum of int8, which may be beyond SQLite's integers, is printed: to be read, compared, sorted by. */
	enum class Sums : uint8 { digits, number, order, refuse };

	/* sqlite_renderer.cpp */
	void name(const Column &column, Index varno);
	void bare(const Column &column, Index varno);
	bool call_template(const Call &call, const Template &with);

	/* sqlite_compare.cpp */
	const Column *bare_column(Node *node, Family family) const;
	bool operand(Node *node, Family family, bool as_is, Sums sums = Sums::refuse);
	bool decimal(Node *node, Sums sums);
	bool comparison(const Call &call, const Comparison &with, const char *op, bool as_is);
	bool coarse_equality(const Call &call);
	bool wide_equality(const Call &call);
	bool bare_test(Node *node);
	bool compares_reals(List *args) const;
	bool bare_null_test(Node *node);

	/* sqlite_values.cpp */
	void unprint(const Mark &mark); /* but keep the parameters */
	bool send(Expr *expr);
	bool send_real(Expr *expr);

	/* sqlite_text.cpp */
	bool pattern(const Call &call, bool as_is);
	bool loose_pattern(const Call &call);

	/* sqlite_superset.cpp */
	bool decimal_parameter(const Call &call, const Comparison &with);
	bool dated(const Call &call);
	bool dated_bounds(const Column &column, Index varno, const char *op, Node *value);
	bool zoned_bounds(const Column &column, Index varno, const char *op, Node *value);
	bool any_parameter(Node *value);

	/* sqlite_upper.cpp */
	bool key(Node *node);
	bool aggregate_call(const char *name, Aggref *node, Family family);

	bool as_is_ = false;    /* the item of a list stays bare */
	bool any_type_ = false; /* parameters of dates too */
	List *guarded_ = NIL;   /* Var *: bare ones, whose guards are still to be printed */
	int sent_ = 0;          /* number of the last parameter that was printed */
	Sums sums_ = Sums::digits;
};

/* A decimal that a double keeps digit by digit; as a value, also with the digits that it is written with. */
bool is_short_decimal(const Const *value, bool as_value);

/* node, when it is a constant and not NULL. */
const Const *constant_below(Node *node);
/* The value of args' element at index, when it is a constant of an integer type. */
bool integer_constant(List *args, int index, int64 *value);
/* A collation in which only ASCII letters have another case, as in SQLite. */
bool has_ascii_case(Oid collation);

} // namespace tenancy::fdw
