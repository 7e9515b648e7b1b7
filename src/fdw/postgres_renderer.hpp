/*
 * The PostgreSQL dialect: the same language, so what decides is whether the remote server has the same function and
 * the same collation. PG regime.
 */
#pragma once

#include "fdw/render.hpp"

namespace tenancy::fdw {

class PostgresRenderer final : public Renderer {
public:
	bool output(Node *node) override;
	bool group_key(Node *node) override;
	bool sort_key(const SortKey &key) override;
	bool limit(Node *count, Node *offset) override;
	remote::DatabaseType type() const override { return remote::DatabaseType::postgresql; }
	const Abilities &abilities() const override;
	void identifier(const char *name) override;
	void truth(bool value) override { print(value ? "TRUE" : "FALSE"); }
	void value_placeholder(const Column &column, int number) override;
	bool can_assign(const Column &column) const override { return !is_recast(column); }

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

private:
	enum class Text : uint8 {
		plain,
		byte_order,
		trusted, /* the remote server's default collation is ours */
		refuse
	};

	/* How arguments under that collation must be printed so that the function answers as it does here. */
	Text text_of(Oid function, Oid collation) const;
	bool operand(Node *node, Text text);
	bool operands(List *nodes, Text text);
	bool array_comparison(const Call &call, Expr *item, bool any);
	bool operation(const Call &call, Text text);
	bool text_equality(const Call &call);
	bool is_recast(const Column &column) const;
	bool needs_collation(List *args) const;
	bool is_default_text(Node *node) const;
	void type_name(Oid type, int32 typmod);

	bool bare_text_ = false; /* columns of an unknown collation as they are, so that an index serves */
};

} // namespace tenancy::fdw
