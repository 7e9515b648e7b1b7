/*
 * The built-in translator where a word may be said of this table or of that one: what is told of rows that a word
 * named before, adjectives, what is owned. Either the one reading, or a refusal.
 */
#include <string>
#include <string_view>

#include "asking.hpp"

namespace {

constexpr const char *tables = R"(
CREATE TABLE departments (id integer PRIMARY KEY, name varchar(40) NOT NULL, budget integer);
CREATE TABLE suppliers (id integer PRIMARY KEY, name varchar(40) NOT NULL, country varchar(40) NOT NULL);
CREATE TABLE customers (id integer PRIMARY KEY, name varchar(40) NOT NULL, email varchar(80), phone varchar(20),
	country varchar(40) NOT NULL);
CREATE TABLE employees (id integer PRIMARY KEY, name varchar(40) NOT NULL, hired_on date NOT NULL,
	department_id integer NOT NULL REFERENCES departments (id));
CREATE TABLE products (id integer PRIMARY KEY, name varchar(40) NOT NULL, price integer NOT NULL, cost integer, active boolean NOT NULL,
	supplier_id integer REFERENCES suppliers (id));
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id), order_date date NOT NULL,
	shipped_date date, status varchar(20) NOT NULL, channel varchar(20) NOT NULL, total integer NOT NULL);
CREATE TABLE order_items (order_id integer NOT NULL REFERENCES orders (id), product_id integer NOT NULL REFERENCES products (id),
	quantity integer NOT NULL, PRIMARY KEY (order_id, product_id));
CREATE TABLE refunds (id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders (id), refunded_on date NOT NULL,
	amount integer NOT NULL);
CREATE TABLE tickets (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id), status varchar(10) NOT NULL);
CREATE TABLE expenses (id integer PRIMARY KEY, employee_id integer NOT NULL REFERENCES employees (id), amount integer NOT NULL,
	approved boolean NOT NULL);
INSERT INTO departments VALUES (1, 'Sales', 10), (2, 'Marketing', 5);
INSERT INTO suppliers VALUES (1, 'Acme', 'China'), (2, 'Rosa', 'Germany');
INSERT INTO customers VALUES (1, 'Rosa', NULL, NULL, 'Germany');
INSERT INTO orders VALUES (1, 1, '2024-05-01', NULL, 'new', 'phone', 5), (2, 1, '2024-05-01', NULL, 'shipped', 'email', 5),
	(3, 1, '2024-05-01', NULL, 'cancelled', 'web', 5);
INSERT INTO tickets VALUES (1, 1, 'open');
)";

class AskAttribute : public ask_test::Asking {
protected:
	AskAttribute() : Asking(tables) {}
};

/* No approved expenses are not some that are unapproved. */
TEST_F(AskAttribute, AnUnapprovedRowIsThere)
{
	std::string const unapproved =
		"EXISTS (SELECT 1 FROM expenses WHERE expenses.employee_id = employees.id AND expenses.approved = FALSE)";
	for (const char *const question :
	     {"which employees have unapproved expenses", "how many employees have unapproved expenses",
	      "employees with unapproved expenses", "who of the employees has unapproved expenses"})
		EXPECT_EQ(condition_of(question), unapproved) << question;
	std::string const ordered = condition_of("customers who ordered inactive products");
	EXPECT_EQ(ordered.find("NOT"), ordered.npos) << ordered;
	EXPECT_NE(ordered.find("products.active = FALSE)"), ordered.npos) << ordered;
	EXPECT_EQ(condition_of("orders for inactive products"),
	          "EXISTS (SELECT 1 FROM order_items JOIN products ON products.id = order_items.product_id WHERE "
	          "order_items.order_id = orders.id AND products.active = FALSE)");
	EXPECT_EQ(condition_of("total quantity of inactive products"), "products.active = FALSE");
	EXPECT_EQ(condition_of("employees who do not have approved expenses").substr(0, 10), "NOT EXISTS");
}

TEST_F(AskAttribute, WhatIsToldOfRowsThatAreNotThereIsPartOfThem)
{
	std::string const none =
		"NOT EXISTS (SELECT 1 FROM orders JOIN order_items ON order_items.order_id = orders.id JOIN "
		"products ON products.id = order_items.product_id WHERE orders.customer_id = customers.id AND "
		"products.";
	EXPECT_EQ(condition_of("customers who never ordered products cheaper than 50"), none + "price < 50)");
	EXPECT_EQ(condition_of("customers who never ordered inactive products"), none + "active = FALSE)");
	EXPECT_EQ(condition_of("customers with no orders for inactive products"), none + "active = FALSE)");
	std::string const china = condition_of("customers who never ordered products from China");
	EXPECT_EQ(china.find("NOT EXISTS"), 0U) << china;
	EXPECT_EQ(china.find("EXISTS", 10), china.npos) << china;
	EXPECT_EQ(condition_of("customers with no orders for products from China"), china);
	EXPECT_EQ(
		condition_of("customers without orders with refunds"),
		"NOT EXISTS (SELECT 1 FROM orders JOIN refunds ON refunds.order_id = orders.id WHERE orders.customer_id = "
		"customers.id)");
	expect_refused(
		{"customers without orders with more than one refund", "customers who never ordered products in 2024"});
	/* "and" begins anew. */
	std::string const both = condition_of("customers without orders and with refunds");
	EXPECT_NE(both.find(") AND EXISTS ("), both.npos) << both;
	EXPECT_EQ(
		condition_of("customers without orders but with open tickets"),
		"NOT EXISTS (SELECT 1 FROM orders WHERE orders.customer_id = customers.id) AND EXISTS (SELECT 1 FROM tickets "
		"WHERE tickets.customer_id = customers.id AND tickets.status = 'open')");
}

/* A supplier of whose products some were never ordered is not one of whose products none was. */
TEST_F(AskAttribute, WhatIsDeniedOfSomeRowsIsNotDeniedOfAll)
{
	expect_refused({"suppliers with products that were never ordered", "customers with orders not refunded",
	                "departments with employees without expenses", "customers with orders over 100 without refunds",
	                "customers with more than 2 orders with refunds",
	                "customers with orders in May for products from China",
	                "customers with orders with more than 2 products"});
	for (const char *const question :
	     {"customers with orders but no refunds", "customers who ordered but never got a refund",
	      "customers with tickets without orders", "customers who ordered more than 2 products"})
		EXPECT_FALSE(sql_of(question).starts_with("refused")) << question << "\n" << sql_of(question);
}

TEST_F(AskAttribute, WhatIsToldOfSomeRowsIsOfTheSameOnes)
{
	EXPECT_EQ(condition_of("customers with orders with refunds over 100"),
	          "EXISTS (SELECT 1 FROM orders JOIN refunds ON refunds.order_id = orders.id WHERE orders.customer_id = "
	          "customers.id AND refunds.amount > 100)");
	EXPECT_EQ(condition_of("customers with orders over 100 with refunds"),
	          "EXISTS (SELECT 1 FROM orders JOIN refunds ON refunds.order_id = orders.id JOIN orders AS orders_2 ON "
	          "orders_2.id = refunds.order_id WHERE orders.customer_id = customers.id AND orders_2.total > 100)");
	EXPECT_NE(condition_of("customers with orders with refunds in May").find("refunds.refunded_on >= '2024-05-01'"),
	          std::string::npos);
	expect_refused(
		{"suppliers with orders for inactive products", "suppliers without orders for products cheaper than 50"});
}

/* The orders of a customer who once had a refund are all of the customer's orders. */
TEST_F(AskAttribute, WhatIsToldOfAnOwnerIsNotToldOfWhatIsOwned)
{
	expect_refused({"orders from customers with refunds", "orders from customers with no refunds",
	                "orders of customers who had refunds", "orders from customers with more than one refund",
	                "products from suppliers with no orders"});
	EXPECT_EQ(condition_of("orders from customers with tickets"),
	          "EXISTS (SELECT 1 FROM customers JOIN tickets ON tickets.customer_id = customers.id WHERE customers.id = "
	          "orders.customer_id)");
	EXPECT_EQ(condition_of("orders with refunds"), "EXISTS (SELECT 1 FROM refunds WHERE refunds.order_id = orders.id)");
	EXPECT_NE(condition_of("products from suppliers in China never ordered").find("AND NOT EXISTS"), std::string::npos);
}

/* Orders that were delivered have been shipped, whatever their status is now. */
TEST_F(AskAttribute, WhatHasADateIsDeniedByIt)
{
	for (const char *const question :
	     {"how many orders have not been shipped", "orders not shipped", "how many orders are not shipped yet"})
		EXPECT_EQ(condition_of(question), "orders.shipped_date IS NULL") << question;
	EXPECT_EQ(condition_of("customers with orders not shipped"),
	          "EXISTS (SELECT 1 FROM orders WHERE orders.customer_id = customers.id AND orders.shipped_date IS NULL)");
	EXPECT_EQ(condition_of("orders that are not cancelled"), "orders.status <> 'cancelled'");
	EXPECT_EQ(condition_of("orders that are not cancelled or shipped"),
	          "orders.status NOT IN ('cancelled', 'shipped')");
	EXPECT_EQ(condition_of("orders with status not shipped"), "orders.status <> 'shipped'");
	expect_refused({"orders not shipped or cancelled", "orders not shipped in May"});
}

/* Orders are new, customers who once placed such an order are not. */
TEST_F(AskAttribute, AnAdjectiveIsOfItsTableOrOfOneAboveIt)
{
	expect_refused({"how many new customers this month", "new employees this year", "cancelled products",
	                "open customers", "open German customers", "new or cancelled customers"});
	EXPECT_EQ(condition_of("new orders"), "orders.status = 'new'");
	EXPECT_EQ(condition_of("how many cancelled customer orders"), "orders.status = 'cancelled'");
	EXPECT_EQ(condition_of("German orders"), "customers.country = 'Germany'");
	EXPECT_EQ(condition_of("customers with open tickets"),
	          "EXISTS (SELECT 1 FROM tickets WHERE tickets.customer_id = customers.id AND tickets.status = 'open')");
}

/* Without a state of that name, those that are paid are not all of them. */
TEST_F(AskAttribute, ADeedBeforeATableIsNotLeftOut)
{
	expect_refused({"customers with paid orders", "customers without paid orders", "customers with no paid orders",
	                "number of paid orders", "how many sold products"});
	EXPECT_FALSE(sql_of("orders placed by customers").starts_with("refused"));
}

/* What was sold is not who works in Sales. */
TEST_F(AskAttribute, AMeasureIsNoValueThatNothingLeadsTo)
{
	expect_refused({"sales by month", "how many sales", "sales last month", "sales by employee", "sales over 4000",
	                "total sales", "sales by customer"});
	for (const char *const question : {"employees in Sales", "Sales employees", "employees of department Sales",
	                                   "employees of the Sales department"})
		EXPECT_EQ(condition_of(question), "departments.name = 'Sales'") << question;
	EXPECT_EQ(condition_of("Sales budget"), "departments.name = 'Sales'");
	for (const char *const question : {"employees in Sales and Marketing", "Sales and Marketing employees"})
		EXPECT_EQ(condition_of(question), "departments.name IN ('Sales', 'Marketing')") << question;
}

TEST_F(AskAttribute, ByAfterADeedMayTellHow)
{
	expect_refused({"customers who ordered by phone", "customers who ordered by email", "orders placed by phone",
	                "orders placed by email in May", "customers who ordered by name"});
	EXPECT_TRUE(sql_of("customers sorted by phone").ends_with("ORDER BY customers.phone"));
	EXPECT_TRUE(sql_of("customers ordered by name").ends_with("ORDER BY customers.name"));
	EXPECT_EQ(condition_of("orders placed by web"), "orders.channel = 'web'");
}

/* Of what has amounts, the total may be theirs. */
TEST_F(AskAttribute, TotalIsNoCountOfAmounts)
{
	expect_refused({"total refunds", "total refunds in May 2024", "total expenses per employee",
	                "customers with total orders over 500"});
	EXPECT_TRUE(sql_of("total number of refunds").starts_with("SELECT COUNT(*)"));
	EXPECT_TRUE(sql_of("total orders this year").starts_with("SELECT COUNT(*)"));
	EXPECT_TRUE(sql_of("total orders by channel").starts_with("SELECT orders.channel, COUNT(*)"));
	EXPECT_TRUE(sql_of("total customers per country").starts_with("SELECT customers.country, COUNT(*)"));
	EXPECT_TRUE(sql_of("total amount of refunds").starts_with("SELECT SUM(refunds.amount)"));
}

/* "with an email" tells which customers, "with their emails" what is shown of all. */
TEST_F(AskAttribute, WhatIsTheirsIsShown)
{
	EXPECT_TRUE(sql_of("customers with their emails").ends_with("customers.email\nFROM customers"));
	EXPECT_EQ(condition_of("products with a cost"), "products.cost IS NOT NULL");
	EXPECT_EQ(sql_of("products with their cost"), sql_of("products and their cost"));
	EXPECT_NE(sql_of("customers with their number of orders").find("COUNT(*)"), std::string::npos);
	expect_refused(
		{"products with their supplier", "orders with their refunds", "orders from customers with their emails"});
}

TEST_F(AskAttribute, TheLastMonthEndsToday)
{
	auto const since = [](const std::string &day) {
		return "orders.order_date >= '" + day + "' AND orders.order_date < '2024-06-16'";
	};
	EXPECT_EQ(condition_of("how many orders in the last week"), since("2024-06-09"));
	EXPECT_EQ(condition_of("orders in the last month"), since("2024-05-16"));
	EXPECT_EQ(condition_of("orders within the last year"), since("2023-06-16"));
	EXPECT_EQ(condition_of("orders in the last month"), condition_of("orders in the past month"));
	EXPECT_EQ(condition_of("orders last month"),
	          "orders.order_date >= '2024-05-01' AND orders.order_date < '2024-06-01'");
	/* One of several, and the beginning or the end of a time, are months of the calendar. */
	EXPECT_EQ(condition_of("orders this month and the last month"),
	          "orders.order_date >= '2024-05-01' AND orders.order_date < '2024-07-01'");
	EXPECT_EQ(condition_of("orders after the last month"), "orders.order_date >= '2024-06-01'");
	EXPECT_EQ(condition_of("orders since the last month"), "orders.order_date >= '2024-05-01'");
	EXPECT_EQ(condition_of("orders before the last month"), "orders.order_date < '2024-05-01'");
}

TEST_F(AskAttribute, WhatCostsHasAPrice)
{
	for (const char *const question :
	     {"products that cost more than 50", "products costing more than 50", "how many products cost more than 50"})
		EXPECT_EQ(condition_of(question), "products.price > 50") << question;
	for (const char *const question : {"products with a cost over 50", "products whose cost is over 50"})
		EXPECT_EQ(condition_of(question).substr(0, 18), "products.cost > 50") << question;
}

TEST_F(AskAttribute, AVerbBehindAMonthTellsItsDate)
{
	std::string const shipped = sql_of("orders by month shipped");
	EXPECT_NE(shipped.find("GROUP BY strftime('%Y-%m', orders.shipped_date)"), shipped.npos) << shipped;
	EXPECT_EQ(shipped.find("status"), shipped.npos) << shipped;
	std::string const year = sql_of("orders per month shipped in 2024");
	EXPECT_NE(year.find("GROUP BY strftime('%Y-%m', orders.shipped_date)"), year.npos) << year;
	EXPECT_EQ(year.find("order_date"), year.npos) << year;
	EXPECT_NE(sql_of("orders by month cancelled").find("orders.status = 'cancelled'"), shipped.npos);
	std::string const both = sql_of("orders by month shipped and by channel");
	EXPECT_NE(both.find("GROUP BY strftime('%Y-%m', orders.shipped_date), orders.channel"), both.npos) << both;
	/* Orders lend their date to what was ordered, an employee lends none to expenses. */
	std::string const quantity = sql_of("quantity by month shipped");
	EXPECT_NE(quantity.find("GROUP BY strftime('%Y-%m', orders.shipped_date)"), quantity.npos) << quantity;
	expect_refused({"expenses per month hired", "total expenses amount per month hired",
	                "orders per month shipped and cancelled", "orders per month shipped, cancelled",
	                "orders per month shipped in 2024 and cancelled",
	                "how many orders per month shipped or cancelled"});
}

TEST_F(AskAttribute, WithoutIsOfBothOrRefused)
{
	expect_refused({"customers without email and phone", "customers with no email and phone"});
	EXPECT_EQ(condition_of("customers without email and without phone"),
	          "customers.email IS NULL AND customers.phone IS NULL");
}

TEST_F(AskAttribute, APlaceBehindAndIsNoSecondDate)
{
	for (const char *const question :
	     {"orders per month shipped and from Germany", "orders per month shipped in 2024 and from Germany"})
		EXPECT_NE(condition_of(question).find("customers.country = 'Germany'"), std::string::npos) << question;
	expect_refused({"orders per month shipped and cancelled", "orders per month shipped and Germany"});
}

/* Where the products are from, or the customers who ordered them? */
TEST_F(AskAttribute, APlaceBehindRelatedRowsMayBeTheirs)
{
	expect_refused({"products with orders from customers in Germany", "products without orders from Germany",
	                "products never ordered from Germany", "suppliers with orders from Germany",
	                "products with cancelled orders from Germany", "products with orders with Rosa",
	                "products without orders with Rosa"});
	EXPECT_EQ(condition_of("customers without orders from Germany").find("customers.country = 'Germany' AND NOT"), 0U);
	EXPECT_EQ(condition_of("products from Germany without orders").find("suppliers.country = 'Germany' AND NOT"), 0U);
	EXPECT_EQ(condition_of("orders with refunds from Germany").find("customers.country = 'Germany' AND EXISTS"), 0U);
}

TEST_F(AskAttribute, ADeedBeforeATableIsNotLeftOutBehindOtherWords)
{
	expect_refused({"customers with at least 2 paid orders", "customers with 3 paid orders",
	                "customers with 3 or more paid orders", "customers with the most paid orders",
	                "average total of paid orders", "refunds of paid orders", "which paid orders",
	                "customers whose paid orders have refunds"});
	for (const char *const question :
	     {"customers who paid orders", "customers who have orders", "customers who have placed orders",
	      "customers who have bought products", "customers who have paid orders"})
		EXPECT_FALSE(sql_of(question).starts_with("refused")) << question << "\n" << sql_of(question);
}

} // namespace
