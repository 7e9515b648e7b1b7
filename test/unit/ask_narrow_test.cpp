/*
 * The built-in translator where words narrow rows that other words named: several adjectives, rows of rows, owners of
 * which one or many are named, names before a table. Either the one reading, or a refusal.
 */
#include <string>
#include <string_view>

#include "asking.hpp"

namespace {

constexpr const char *shop = R"(
CREATE TABLE departments (id integer PRIMARY KEY, name varchar(40) NOT NULL, budget integer);
CREATE TABLE suppliers (id integer PRIMARY KEY, name varchar(40) NOT NULL, country varchar(40) NOT NULL);
CREATE TABLE categories (id integer PRIMARY KEY, name varchar(40) NOT NULL);
CREATE TABLE customers (id integer PRIMARY KEY, name varchar(40) NOT NULL, created_at timestamp NOT NULL);
CREATE TABLE employees (id integer PRIMARY KEY, name varchar(40) NOT NULL, salary integer NOT NULL,
	department_id integer NOT NULL REFERENCES departments (id));
CREATE TABLE products (id integer PRIMARY KEY, name varchar(40) NOT NULL, active boolean NOT NULL,
	category_id integer NOT NULL REFERENCES categories (id), supplier_id integer NOT NULL REFERENCES suppliers (id));
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id),
	employee_id integer REFERENCES employees (id), order_date date NOT NULL, status varchar(20) NOT NULL,
	total integer NOT NULL);
CREATE TABLE order_items (order_id integer NOT NULL REFERENCES orders (id), product_id integer NOT NULL REFERENCES products (id),
	quantity integer NOT NULL, PRIMARY KEY (order_id, product_id));
CREATE TABLE refunds (id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders (id), refunded_on date NOT NULL,
	amount integer NOT NULL);
CREATE TABLE expenses (id integer PRIMARY KEY, employee_id integer NOT NULL REFERENCES employees (id),
	spent_on date NOT NULL, category varchar(20) NOT NULL, approved boolean NOT NULL);
CREATE TABLE tickets (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id),
	opened_on date NOT NULL, resolved_on date, resolved boolean NOT NULL, status varchar(10) NOT NULL,
	subject varchar(40));
INSERT INTO departments VALUES (1, 'Sales', 10), (2, 'Marketing', 5);
INSERT INTO suppliers VALUES (1, 'Acme', 'Germany');
INSERT INTO categories VALUES (1, 'Furniture'), (2, 'Electronics');
INSERT INTO customers VALUES (1, 'Rosa Fischer', '2024-01-01');
INSERT INTO employees VALUES (1, 'Bob King', 10, 1);
INSERT INTO products VALUES (1, 'Keyboard', TRUE, 2, 1), (2, 'Oak Desk', FALSE, 1, 1);
INSERT INTO orders VALUES (1, 1, 1, '2024-05-01', 'new', 5), (2, 1, 1, '2024-05-01', 'cancelled', 5);
INSERT INTO expenses VALUES (1, 1, '2024-05-01', 'travel', TRUE), (2, 1, '2024-05-01', 'meals', FALSE);
INSERT INTO tickets VALUES (1, 1, '2024-05-01', NULL, FALSE, 'open', 'Late'), (2, 1, '2024-05-01', '2024-05-02', TRUE, 'resolved', NULL);
)";

class AskNarrow : public ask_test::Asking {
protected:
	AskNarrow() : Asking(shop) {}
};

TEST_F(AskNarrow, UnDeniesTheWordThatItBegins)
{
	std::string const travel = "EXISTS (SELECT 1 FROM expenses WHERE expenses.employee_id = employees.id AND "
							   "expenses.approved = FALSE AND expenses.category = 'travel')";
	for (const char *const question :
	     {"employees who have unapproved travel expenses", "employees with unapproved travel expenses",
	      "employees with not approved travel expenses"})
		EXPECT_EQ(condition_of(question), travel) << question;
}

/* An adjective before the orders changes nothing of what "with refunds" is said of. */
TEST_F(AskNarrow, WhatFollowsDescribedRowsIsSaidOfThem)
{
	std::string const cancelled =
		"EXISTS (SELECT 1 FROM orders JOIN refunds ON refunds.order_id = orders.id JOIN orders AS orders_2 ON "
		"orders_2.id = refunds.order_id WHERE orders.customer_id = customers.id AND orders_2.status = 'cancelled')";
	EXPECT_EQ(condition_of("customers with cancelled orders with refunds"), cancelled);
	EXPECT_EQ(condition_of("customers whose cancelled orders have refunds"), cancelled);
	expect_refused({"suppliers with active products without orders", "customers with cancelled orders without refunds",
	                "suppliers with active products never ordered"});
	std::string const both = condition_of("customers with cancelled orders and with refunds");
	EXPECT_NE(both.find(") AND EXISTS ("), both.npos) << both;
	std::string const date = condition_of("customers with electronics orders in 2023");
	EXPECT_NE(date.find("order_date >= '2023-01-01'"), date.npos) << date;
	expect_refused({"customers with electronics products in 2023", "customers with electronics products with refunds"});
}

TEST_F(AskNarrow, WhatIsToldOfAnOwnerOfOtherRowsIsRefused)
{
	expect_refused({"employees with orders from customers with refunds",
	                "products with orders of customers with refunds",
	                "employees with orders from a customer with refunds"});
}

/* Orders without refunds that are for Keyboard, or without refunds for Keyboard? */
TEST_F(AskNarrow, WhatIsTiedToMissingRowsIsNoConditionOfItsOwn)
{
	expect_refused({"orders without refunds for Keyboard", "orders with no refunds for Keyboard"});
	EXPECT_EQ(
		condition_of("orders without refunds but for Keyboard"),
		"NOT EXISTS (SELECT 1 FROM refunds WHERE refunds.order_id = orders.id) AND EXISTS (SELECT 1 FROM "
		"order_items JOIN products ON products.id = order_items.product_id WHERE order_items.order_id = orders.id "
		"AND products.name = 'Keyboard')");
}

/* There are no Sales departments with orders and others without. */
TEST_F(AskNarrow, OneNamedOwnerIsNotToldApart)
{
	std::string const none = "NOT EXISTS (SELECT 1 FROM orders WHERE orders.employee_id = employees.id)";
	EXPECT_EQ(condition_of("employees in the Sales department without orders"),
	          "departments.name = 'Sales' AND " + none);
	EXPECT_EQ(condition_of("employees of department Sales without orders"), "departments.name = 'Sales' AND " + none);
	EXPECT_EQ(
		condition_of("which employees of the Sales department have expenses"),
		"departments.name = 'Sales' AND EXISTS (SELECT 1 FROM expenses WHERE expenses.employee_id = employees.id)");
	EXPECT_EQ(condition_of("how many products in the Furniture category have orders"),
	          "categories.name = 'Furniture' AND EXISTS (SELECT 1 FROM order_items JOIN orders ON orders.id = "
	          "order_items.order_id WHERE order_items.product_id = products.id)");
	for (const char *const question :
	     {"products from supplier Acme without orders", "products supplied by Acme with refunds"})
		EXPECT_EQ(condition_of(question).find("suppliers.name = 'Acme' AND "), 0U) << condition_of(question);
	EXPECT_EQ(condition_of("orders of customer Rosa Fischer with refunds"),
	          "customers.name = 'Rosa Fischer' AND EXISTS (SELECT 1 FROM refunds WHERE refunds.order_id = orders.id)");
	expect_refused({"orders from customers with refunds", "orders from a customer with refunds",
	                "products from a German supplier with refunds", "employees in departments without orders"});
}

/* A product is no state of orders. */
TEST_F(AskNarrow, ANameBeforeATableIsThatOfRelatedRows)
{
	std::string const keyboard =
		"EXISTS (SELECT 1 FROM order_items JOIN products ON products.id = order_items.product_id "
		"WHERE order_items.order_id = orders.id AND products.name = 'Keyboard')";
	EXPECT_EQ(condition_of("Keyboard orders"), keyboard);
	EXPECT_EQ(condition_of("number of Keyboard orders per customer"), keyboard);
	EXPECT_EQ(
		condition_of("Keyboard supplier"),
		"EXISTS (SELECT 1 FROM products WHERE products.supplier_id = suppliers.id AND products.name = 'Keyboard')");
	for (const char *const question : {"electronics orders by month", "electronics suppliers", "Acme refunds",
	                                   "customers with electronics orders", "cancelled Keyboard orders"})
		EXPECT_FALSE(sql_of(question).starts_with("refused")) << question << "\n" << sql_of(question);
	expect_refused({"new customers", "late customers", "sales products"});
}

TEST_F(AskNarrow, AMeasureBesideWhatItChoosesIsAValue)
{
	for (const char *const question :
	     {"average Sales salary", "highest Sales salary", "total Sales salaries", "salaries Sales", "budget Sales"})
		EXPECT_EQ(condition_of(question), "departments.name = 'Sales'") << question;
	EXPECT_EQ(condition_of("Sales salary over 4000"), "departments.name = 'Sales' AND employees.salary > 4000");
	EXPECT_EQ(condition_of("employees by Sales"), "departments.name = 'Sales'");
	expect_refused({"products by sales", "employees by sales", "total sales"});
}

TEST_F(AskNarrow, AStateThatHasADateAndAFlagIsTheState)
{
	EXPECT_EQ(condition_of("tickets not resolved"), "tickets.status <> 'resolved'");
	expect_refused({"orders per month created", "tickets per month created",
	                "number of orders per month created in 2024", "how many tickets per month opened and resolved"});
}

/* It is the orders that are over 100, as without Keyboard, and not what led to it. */
TEST_F(AskNarrow, ANumberBehindATableIsItsOwn)
{
	std::string const keyboard =
		"orders.total > 100 AND EXISTS (SELECT 1 FROM order_items JOIN products ON products.id = "
		"order_items.product_id WHERE order_items.order_id = orders.id AND products.name = 'Keyboard')";
	for (const char *const question : {"Keyboard orders over 100", "number of Keyboard orders over 100"})
		EXPECT_EQ(condition_of(question), keyboard) << question;
	EXPECT_EQ(condition_of("cancelled Keyboard orders over 100"), "orders.status = 'cancelled' AND " + keyboard);
	for (const char *const question :
	     {"customers with Keyboard orders over 100", "customers with electronics orders over 100",
	      "customers with Keyboard orders between 100 and 200"}) {
		std::string const condition = condition_of(question);
		EXPECT_NE(condition.find(" AND orders_2.total >"), condition.npos) << condition;
		EXPECT_EQ(condition.find("quantity"), condition.npos) << condition;
	}
	expect_refused({"orders for Keyboard over 100", "customers who ordered Keyboard over 100"});
	EXPECT_NE(condition_of("orders with refunds over 100").find("refunds.amount > 100"), std::string::npos);
}

/* One of several months is that of the calendar, whatever word stands before the next. */
TEST_F(AskNarrow, TheLastOfSeveralMonthsIsWhole)
{
	std::string const both = condition_of("orders in January or in the last month");
	EXPECT_NE(both.find("order_date >= '2024-05-01' AND orders.order_date < '2024-06-01'"), both.npos) << both;
	EXPECT_EQ(condition_of("orders in the last month or in January"), both);
	EXPECT_EQ(condition_of("orders in the last month and in January"), both);
	EXPECT_NE(condition_of("orders in the last week or in May").find("order_date < '2024-06-10'"), std::string::npos);
	for (const char *const question : {"orders in the last month", "orders in the last month and with refunds"})
		EXPECT_NE(condition_of(question).find("order_date < '2024-06-16'"), std::string::npos) << question;
}

TEST_F(AskNarrow, WhatButBeginsIsNotSaidOfMissingRows)
{
	for (const char *const question :
	     {"customers without refunds but with Keyboard", "customers without refunds, with Keyboard",
	      "customers without refunds but with Keyboard orders", "customers who have no refunds but bought Keyboard"})
		EXPECT_EQ(condition_of(question),
		          "NOT EXISTS (SELECT 1 FROM orders JOIN refunds ON refunds.order_id = orders.id WHERE "
		          "orders.customer_id = customers.id) AND EXISTS (SELECT 1 FROM orders AS orders_2 JOIN order_items ON "
		          "order_items.order_id = orders_2.id JOIN products ON products.id = order_items.product_id WHERE "
		          "orders_2.customer_id = customers.id AND products.name = 'Keyboard')")
			<< question;
	expect_refused({"suppliers without products but in Electronics", "customers without orders, with Keyboard",
	                "customers without orders but cancelled", "orders without refunds with Keyboard"});
	EXPECT_EQ(condition_of("customers without orders for Keyboard").find("EXISTS", 11), std::string::npos);
}

TEST_F(AskNarrow, NamedOwnersAreNotToldApart)
{
	std::string const none = " AND NOT EXISTS (SELECT 1 FROM orders WHERE orders.employee_id = employees.id)";
	for (const char *const question : {"employees of the Sales and Marketing departments without orders",
	                                   "employees in Sales or Marketing departments without orders",
	                                   "employees in departments Sales or Marketing without orders"})
		EXPECT_EQ(condition_of(question), "departments.name IN ('Sales', 'Marketing')" + none) << question;
	expect_refused({"employees in departments without orders", "employees of Sales departments without orders"});
}

} // namespace
