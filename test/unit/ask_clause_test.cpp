/*
 * The built-in translator where a question has several clauses: what a count, a date, a value or a "but" belongs to,
 * which rows a pronoun stands for. Either the one reading, or a refusal.
 */
#include <string>

#include "asking.hpp"

namespace {

using ask_test::Asking;

/* One of the schemas that the grammar was tuned to. */
std::string
tuned(const char *name)
{
	return ask_test::read_file(ask_test::fs::path(TENANCY_TEST_DIRECTORY "/ask/tuned") / name);
}

constexpr const char *trade = R"(
CREATE TABLE suppliers (id integer PRIMARY KEY, name varchar(40) NOT NULL, country varchar(40) NOT NULL);
CREATE TABLE customers (id integer PRIMARY KEY, name varchar(40) NOT NULL, country varchar(40) NOT NULL);
CREATE TABLE products (id integer PRIMARY KEY, name varchar(40) NOT NULL,
	supplier_id integer NOT NULL REFERENCES suppliers (id));
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id),
	total_amount numeric(10,2) NOT NULL, status varchar(20) NOT NULL, order_date date NOT NULL, delivered_at timestamp);
CREATE TABLE order_items (order_id integer NOT NULL REFERENCES orders (id),
	product_id integer NOT NULL REFERENCES products (id), PRIMARY KEY (order_id, product_id));
CREATE TABLE invoices (id integer PRIMARY KEY, order_id integer NOT NULL REFERENCES orders (id),
	status varchar(20) NOT NULL, paid_on date);
INSERT INTO suppliers VALUES (1, 'Acme', 'Germany');
INSERT INTO customers VALUES (1, 'Rosa', 'Germany');
INSERT INTO orders VALUES (1, 1, 10, 'paid', '2024-05-01', NULL), (2, 1, 10, 'shipped', '2024-05-01', NULL),
	(3, 1, 10, 'delivered', '2024-05-01', NULL);
INSERT INTO invoices VALUES (1, 1, 'paid', NULL), (2, 1, 'open', NULL);
)";

constexpr const char *practice = R"(
CREATE TABLE patients (id integer PRIMARY KEY, name varchar(40) NOT NULL, insured boolean NOT NULL, insurer varchar(20),
	born_on date NOT NULL);
CREATE TABLE visits (id integer PRIMARY KEY, patient_id integer NOT NULL REFERENCES patients (id), urgent boolean NOT NULL);
INSERT INTO patients VALUES (1, 'Ann', TRUE, 'CSS', '1990-01-01');
)";

constexpr const char *harbour = R"(
CREATE TABLE customers (id integer PRIMARY KEY, name varchar(40) NOT NULL, country varchar(40) NOT NULL,
	email varchar(40), status varchar(20) NOT NULL);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id),
	ship_country varchar(40) NOT NULL, status varchar(20) NOT NULL);
CREATE TABLE warehouses (id integer PRIMARY KEY, city varchar(40) NOT NULL);
CREATE TABLE shipments (id integer PRIMARY KEY, warehouse_id integer NOT NULL REFERENCES warehouses (id),
	destination_city varchar(40) NOT NULL);
INSERT INTO customers VALUES (1, 'Rosa', 'Germany', NULL, 'active'), (2, 'Ann', 'Germany', NULL, 'blocked');
INSERT INTO orders VALUES (1, 1, 'Germany', 'active'), (2, 1, 'France', 'shipped');
INSERT INTO warehouses VALUES (1, 'Berlin'), (2, 'Hamburg');
INSERT INTO shipments VALUES (1, 1, 'Berlin');
)";

class AskClause : public testing::Test {
protected:
	struct Of : Asking {
		explicit Of(const std::string &tables) : Asking(tables.c_str()) {}
		using Asking::condition_of;
		using Asking::expect_refused;
		using Asking::sql_of;
		void TestBody() override {}
	};
	Of const shop{tuned("shop.sql")}, school{tuned("school.sql")}, logistics{tuned("logistics.sql")},
		clinic{tuned("clinic.sql")}, orders{trade}, patients{practice}, port{harbour};
};

TEST_F(AskClause, ACountOfDescribedRowsIsNoNumberOfTheSubject)
{
	EXPECT_EQ(school.condition_of("students with more than 2 unexcused absences"),
	          "(SELECT COUNT(*) FROM absence WHERE absence.student_id = student.student_id AND absence.reason = "
	          "'unexcused') > 2");
	EXPECT_EQ(logistics.condition_of("warehouses with at least 2 delayed shipments"),
	          "(SELECT COUNT(*) FROM shipments WHERE shipments.warehouse_code = warehouses.code AND shipments.status = "
	          "'delayed') >= 2");
	EXPECT_EQ(patients.condition_of("patients with more than 2 urgent visits"),
	          "(SELECT COUNT(*) FROM visits WHERE visits.patient_id = patients.id AND visits.urgent = TRUE) > 2");
	EXPECT_EQ(
		orders.condition_of("customers with more than 2 delivered orders"),
		"(SELECT COUNT(*) FROM orders WHERE orders.customer_id = customers.id AND orders.status = 'delivered') > 2");
	EXPECT_EQ(
		clinic.condition_of("how many patients have at least 2 cancelled appointments"),
		"(SELECT COUNT(*) FROM Appointment WHERE Appointment.PatientID = Patient.PatientID AND Appointment.Status = "
		"'cancelled') >= 2");
	logistics.expect_refused({"warehouses with more than 100 Hammer"});
	clinic.expect_refused({"departments with more than 2 surgeons"});
	patients.expect_refused({"patients with more than 2 not urgent visits"});
	EXPECT_EQ(shop.condition_of("orders over 100 cancelled"), "orders.total > 100 AND orders.status = 'cancelled'");
}

TEST_F(AskClause, AStateBehindANumberOfTheSubjectIsNotCounted)
{
	std::string const dated = "orders.ordered_on >= '2023-01-01' AND orders.ordered_on < '2024-01-01' AND ";
	EXPECT_EQ(shop.condition_of("orders from Germany over 100 cancelled"),
	          "customers.country = 'Germany' AND orders.total > 100 AND orders.status = 'cancelled'");
	EXPECT_EQ(shop.condition_of("orders in 2023 over 100 paid"),
	          dated + "orders.total > 100 AND orders.status = 'paid'");
	EXPECT_EQ(shop.condition_of("orders in 2023 over 100 not paid"),
	          dated + "orders.total > 100 AND orders.status <> 'paid'");
	for (const char *const question : {"customers from Germany had more than 2 cancelled orders",
	                                   "customers who placed in 2023 more than 2 cancelled orders"}) {
		std::string const condition = shop.condition_of(question);
		EXPECT_NE(condition.find("orders.status = 'cancelled') > 2"), condition.npos) << question << "\n" << condition;
	}
}

TEST_F(AskClause, WhatIsCountedOfSeveralRowsOfAValueIsRefused)
{
	shop.expect_refused({"countries with more than 2 orders", "cities with more than 2 pending orders"});
	EXPECT_FALSE(shop.sql_of("countries with cancelled orders").starts_with("refused"));
}

TEST_F(AskClause, WhatIsCountedOfEachRowChoosesTheirValues)
{
	std::string const counted =
		"\nFROM customers\nWHERE (SELECT COUNT(*) FROM orders WHERE orders.customer_id = customers.id) > 2";
	for (const char *const question : {"which countries do customers with more than 2 orders come from",
	                                   "which countries do customers who placed more than 2 orders come from"})
		EXPECT_EQ(shop.sql_of(question), "SELECT DISTINCT customers.country" + counted) << question;
	EXPECT_EQ(shop.sql_of("different cities of customers with more than 2 orders"),
	          "SELECT DISTINCT customers.city" + counted);
	shop.expect_refused(
		{"different cities of customers have more than 2 orders", "different customer cities with more than 2 orders"});
}

TEST_F(AskClause, AValueBelongsToTheRowsNamedRightBeforeIt)
{
	shop.expect_refused({"customers without reviews who ordered Keyboard",
	                     "customers with reviews but without orders of Keyboard",
	                     "customers who reviewed products and ordered furniture"});
	orders.expect_refused({"products shipped to customers in Germany"});
	EXPECT_EQ(orders.condition_of("products from suppliers in Germany"), "suppliers.country = 'Germany'");
	EXPECT_EQ(orders.condition_of("orders for customers in Germany"), "customers.country = 'Germany'");
}

TEST_F(AskClause, AValueThatCannotBeOfTheRowsBeforeItIsOfOthers)
{
	EXPECT_EQ(port.condition_of("shipments from Berlin"), "warehouses.city = 'Berlin'");
	EXPECT_EQ(port.condition_of("shipments to Berlin"), "shipments.destination_city = 'Berlin'");
	EXPECT_EQ(port.condition_of("orders from active customers"), "customers.status = 'active'");
	/* Warehouses have both, but where the shipments go to is asked for. */
	port.expect_refused({"shipments to Berlin or Hamburg"});
}

TEST_F(AskClause, ATableOfAnotherClauseIsOnNoWay)
{
	shop.expect_refused(
		{"products ordered in 2023 and reviewed in 2024", "products ordered in 2023 but never reviewed"});
}

TEST_F(AskClause, WhatButLeavesOutIsNotAskedFor)
{
	shop.expect_refused({"all customers but Rosa Fischer", "all orders but cancelled"});
	EXPECT_EQ(shop.condition_of("customers but not Rosa Fischer"), "customers.name <> 'Rosa Fischer'");
	EXPECT_EQ(
		shop.condition_of("customers with orders but from Germany"),
		"customers.country = 'Germany' AND EXISTS (SELECT 1 FROM orders WHERE orders.customer_id = customers.id)");
}

TEST_F(AskClause, ButBehindAColumnThatAConditionNamesLeavesOutNothing)
{
	EXPECT_EQ(port.condition_of("customers without email but active"),
	          "customers.email IS NULL AND customers.status = 'active'");
	EXPECT_EQ(port.condition_of("customers with an email but blocked"),
	          "customers.email IS NOT NULL AND customers.status = 'blocked'");
	port.expect_refused({"all countries but Germany", "active customers' names but Rosa", "all customers but Rosa",
	                     "customers without email but Rosa"});
}

TEST_F(AskClause, AStateThatIsTheVerbOfACountIsSaidOfWhatIsCounted)
{
	shop.expect_refused({"customers who cancelled more than 2 orders", "customers who cancelled 2 orders",
	                     "customers who cancelled no orders"});
	EXPECT_FALSE(shop.sql_of("customers with more than 2 orders that are cancelled").starts_with("refused"));
}

TEST_F(AskClause, AStateThatMissingRowsMayHaveTooIsNoVerb)
{
	EXPECT_EQ(port.condition_of("customers in Germany without orders"),
	          "customers.country = 'Germany' AND NOT EXISTS (SELECT 1 FROM orders WHERE orders.customer_id = "
	          "customers.id)");
	EXPECT_EQ(orders.condition_of("orders that are paid without invoices"),
	          "orders.status = 'paid' AND NOT EXISTS (SELECT 1 FROM invoices WHERE invoices.order_id = orders.id)");
}

TEST_F(AskClause, TheEndOfTwoVerbsMayBeSaidOfBoth)
{
	logistics.expect_refused({"shipments shipped and delivered in March"});
	orders.expect_refused({"orders paid and delivered in May", "orders paid or delivered in May"});
	shop.expect_refused({"products ordered and reviewed in May", "customers who ordered but did not review Keyboard"});
	EXPECT_FALSE(shop.sql_of("customers who ordered in 2023 and reviewed in 2024").starts_with("refused"));
}

TEST_F(AskClause, DoersWithAStateMakeNoGroups)
{
	EXPECT_EQ(school.sql_of("absences by scholarship students").find("GROUP BY"), std::string::npos);
	EXPECT_EQ(school.condition_of("absences by scholarship students"), "student.scholarship = TRUE");
	EXPECT_EQ(shop.condition_of("reviews by discontinued products"), "products.discontinued = TRUE");
	EXPECT_EQ(shop.sql_of("orders placed in May by customers from Germany").find("GROUP BY"), std::string::npos);
	EXPECT_NE(shop.sql_of("orders placed in May by customer").find("GROUP BY"), std::string::npos);
	shop.expect_refused({"reviews by discontinued product", "reviews ordered by discontinued products",
	                     "average price by discontinued products"});
}

TEST_F(AskClause, ANumberBehindATableIsOfNoOther)
{
	shop.expect_refused({"reviews of products over 50"});
	logistics.expect_refused({"parcels of carriers over 50"});
}

TEST_F(AskClause, APronounForWhatAnotherClauseNamesIsNotDropped)
{
	shop.expect_refused({"customers who reviewed Keyboard but did not order it",
	                     "customers who ordered Keyboard and reviewed it", "customers who reviewed it in 2023",
	                     "customers who did not review them and ordered Keyboard",
	                     "customers who ordered products they reviewed"});
	EXPECT_FALSE(shop.sql_of("customers with orders they placed in 2023").starts_with("refused"));
}

TEST_F(AskClause, RowsDeniedBehindWhatNeedsThemAreRefused)
{
	shop.expect_refused({"products that customers reviewed but never ordered"});
}

TEST_F(AskClause, AStateDeniedWithItsDoerMayHoldWithAnother)
{
	patients.expect_refused({"patients not insured by CSS"});
	EXPECT_EQ(patients.condition_of("patients not insured"), "patients.insured = FALSE");
}

TEST_F(AskClause, ADeniedStatusIsNoDate)
{
	EXPECT_EQ(orders.condition_of("orders whose status is not delivered"), "orders.status <> 'delivered'");
	EXPECT_EQ(orders.condition_of("orders not delivered"), "orders.delivered_at IS NULL");
}

TEST_F(AskClause, AStateThatADateIsNamedByDescribesTheRowsBehindIt)
{
	std::string const paid =
		"EXISTS (SELECT 1 FROM invoices WHERE invoices.order_id = orders.id AND invoices.status = 'paid')";
	EXPECT_EQ(orders.condition_of("orders with paid invoices"), paid);
	EXPECT_EQ(orders.condition_of("orders without paid invoices"), "NOT " + paid);
}

TEST_F(AskClause, WhatIsNotPaidMayBeThere)
{
	Of const unpriced{
		"CREATE TABLE customers (id integer PRIMARY KEY, name varchar(40) NOT NULL);"
		"CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers (id))"};
	unpriced.expect_refused({"customers who have not paid their orders", "customers who never paid orders"});
}

TEST_F(AskClause, ABirthIsOfNoGuessedYear)
{
	clinic.expect_refused({"patients born in May"});
	patients.expect_refused({"patients born in May"});
	EXPECT_EQ(patients.condition_of("patients born in May 1990"),
	          "patients.born_on >= '1990-05-01' AND patients.born_on < '1990-06-01'");
}

TEST_F(AskClause, HoursOfRowsMayBeThoseOfAll)
{
	school.expect_refused(
		{"students with more than 10 hours of absence", "students with more than 10 hours of unexcused absence"});
}

TEST_F(AskClause, TheTotalOfRowsIsTheirSum)
{
	EXPECT_EQ(orders.sql_of("what is the total amount of orders"), orders.sql_of("sum of total amount of orders"));
	EXPECT_EQ(orders.sql_of("what is the total amount of delivered orders"),
	          orders.sql_of("sum of total amount of delivered orders"));
}

} // namespace
