/*
 * The dialect of MySQL 8 and MariaDB: what means the same in both of them and here. PG regime.
 *
 * How a value stands in the text, by its local type:
 *   boolean            0, 1 or NULL
 *   smallint … bigint  any exact number without a fraction; signed, but for a bare column in a comparison
 *   numeric            any exact number; digits() tells how long
 *   real, double       DOUBLE, never infinite; bare FLOAT columns, whose values a DOUBLE holds
 *   text, varchar      characters in utf8mb4, in whatever collation: nothing may rely on that
 *   character(n)       the same without trailing spaces
 *   date, timestamp    DATE, DATETIME; never a zero date, which the driver reads as NULL
 *   timestamptz        TIMESTAMP; the sessions' time zone is UTC
 */
#pragma once

#include "fdw/mysql_native.hpp"
#include "fdw/render.hpp"

namespace tenancy::fdw {

class MysqlRenderer final : public Renderer {
public:
	bool output(Node *node) override;
	bool group_key(Node *node) override;
	bool group_clause(Node *node, int position) override;
	bool sort_key(const SortKey &key) override;
	bool limit(Node *count, Node *offset) override;
	remote::DatabaseType type() const override { return remote::DatabaseType::mysql; }
	const Abilities &abilities() const override;
	void identifier(const char *name) override;
	void truth(bool value) override { print(value ? "TRUE" : "FALSE"); }
	void lock(bool exclusive) override { print(exclusive ? " FOR UPDATE" : " LOCK IN SHARE MODE"); }
	void value_placeholder(const Column &column, int number) override;

protected:
	bool column(const Column &column, Index varno) override;
	bool constant(Const *value) override;
	bool parameter(Expr *expr) override;
	bool function(const Call &call) override;
	bool distinct_from(const Call &equality) override;
	bool array_list(const Call &call, bool any, Expr *item, List *elements) override;
	bool min_max(MinMaxExpr *node) override;
	bool relabel(Expr *arg, Oid type, int32 typmod) override;
	bool cast_by_text(Expr *arg, Oid type) override;
	bool aggregate(Aggref *node) override;
	bool window(WindowFunc *node) override;
	Ship leaf_condition(Node *node) override;
	bool superset(Node *node) override;

private:
	/* Types that compare with each other. */
	enum class Family : uint8 { none, integer, number, real, text, moment, instant, boolean, bytes, uuid };
	static Family family_of(Oid type);

	/* Values between which a number of type integer lies. */
	struct Range {
		__int128 low, high;
	};
	/* A number of type numeric: digits before the point, and after it; display: always exactly so many. */
	struct Digits {
		int whole, scale;
		bool display;
	};

	/* Columns and values: mysql_renderer.cpp, mysql_values.cpp, mysql_parameters.cpp. */
	const Column *plain_column(Node *node, Index *varno) const; /* node is that column, perhaps relabelled */
	const Column *plain_column(Node *node) const;
	bool is_remote(Node *node) const; /* has columns or aggregates in it */
	void bare(const Column &column, Index varno);
	bool enclosed(const char *before, Node *node, const char *after);
	bool number_constant(Datum value);
	bool moment_constant(Oid type, Datum value);
	bool operand(Node *node, Node *other);
	bool operands(List *nodes, Node *partner);
	bool number_beside(Const *value, Node *counterpart);
	bool is_clamped(Node *other) const;
	bool number_parameter(Expr *expr);
	struct Limits;
	static Limits limits_of(Oid type);
	bool moment_parameter(Expr *expr, Oid type);
	void beyond_parameter(Expr *expr, Oid type); /* is expr greater than all that can be stored? */

	/* mysql_compare.cpp */
	bool comparison(const char *op, const Call &call);
	bool plain_comparison(const char *op, Node *left, Node *right);
	bool moment_comparison(const char *op, const Call &call);
	bool moment_value(const char *op, Node *column, Node *value, bool at_top);
	bool moment_half(Node *column, const char *op, Node *value);
	void zero_date(Node *column, bool passes, bool at_top);
	bool moment_list(bool any, Node *item, List *elements, bool at_top);
	bool elements_list(bool any, Node *item, List *elements);
	bool is_unindexed(bool any, Node *item, List *elements) const;
	bool is_position(Node *key) const;

	/* mysql_text.cpp */
	bool text_comparison(const char *op, const Call &call);
	bool text_list(bool any, Node *item, List *elements);
	bool can_use_index(Node *left, Node *right) const;
	bool bytes(Node *node);
	bool text_operand(Node *node);
	bool like(const Call &call, bool negated);
	bool like_binary(Node *subject, bool negated, const char *pattern, bool is_binary);
	bool like_parameter(Node *subject, Expr *pattern);
	bool folded(const char *function, Node *subject, const char *op, const char *pattern);

	/* mysql_range.cpp: what can be known of a value before it is computed. */
	Range range(Node *node) const;
	Range range_of(const char *op, List *args) const;
	bool digits(Node *node, Digits *result) const;
	bool digits_of(const Call &call, Digits *result) const;
	static bool digits_of_constant(const Const *value, Digits *result);
	bool digits_of_aggregate(Oid function, Node *argument, Digits *result) const;
	bool widest(List *nodes, Digits *result) const;
	int most_characters(Node *node) const; /* -1: nobody knows */
	int most_characters_of(Oid function, List *args) const;
	bool has_display(Node *node) const;

	/* mysql_functions.cpp */
	bool arithmetic(const char *op, const Call &call);
	bool checked(const Range &range, Oid type, int start);
	bool number_function(const Call &call);
	bool text_function(const Call &call);
	bool starts_with(const Call &call);
	bool replacement(const Call &call);
	bool is_representable(const Call &call) const;
	bool decimals(const Call &call, const char *before, const char *between, const char *after);
	bool loses_overflow(List *args, int first) const;
	void insert(int at, const char *text);

	/* mysql_dates.cpp */
	bool date_function(const Call &call);
	bool extract(const char *field, Node *moment, bool as_double);

	/* mysql_aggregate.cpp */
	bool aggregate_argument(Node *node, Expr *filter);
	bool aggregate_call(Oid function, Node *argument, Expr *filter, bool distinct);
	static bool distinct_argument(Node *node);
	bool greatest_moment(Node *node);
	bool window_call(WindowFunc *node);

	/* The operand that is being printed, and what it is compared with: see operand(). */
	Node *operand_ = nullptr, *counterpart_ = nullptr;
	/* Arguments of the condition at the top of WHERE, where false is as good as NULL. */
	List *top_arguments_ = nullptr;
	bool mixes_text_ = false; /* columns of text become parts of one */
	bool partitions_ = false; /* group keys are printed for PARTITION BY */
};

} // namespace tenancy::fdw
