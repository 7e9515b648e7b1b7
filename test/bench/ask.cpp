/*
 * How much of the questions of test/ask the built-in translator answers, and how much of that is right; for the half
 * that it was tuned to and for the half that it was not, with the values of small text columns known and without.
 */
#include "../ask/judge.hpp"
#include "bench.hpp"

namespace {

struct Count {
	int questions = 0, answerable = 0, answered = 0, right = 0;
};

Count
count(const ask_test::fs::path &folder, bool with_values)
{
	using namespace ask_test;
	Count total;
	for (auto const &file : question_files(folder)) {
		auto script = file;
		Database const database(read_file(script.replace_extension(".sql")));
		Schema const schema = schema_of(database, with_values);
		for (auto const &of : read_cases(file)) {
			Verdict const verdict = judge(database, of, ask(schema, of.question));
			++total.questions;
			total.answerable += of.answers.empty() ? 0 : 1;
			total.answered += verdict == Verdict::refused ? 0 : 1;
			total.right += verdict == Verdict::right ? 1 : 0;
		}
	}
	return total;
}

/* Shares as ratios of counts: answered of answerable, right of answered. */
void
measure(const char *half, bool with_values)
{
	Count const total = count(ask_test::fs::path(BENCH_QUESTIONS) / half, with_values);
	std::string const name = std::string("questions, ") + (std::string(half) == "tuned" ? "tuned to" : "never seen") +
	                         (with_values ? "" : ", values unknown");
	auto const as = [](int n) { return static_cast<double>(n); };
	bench::report(name + ": answered, answerable", {as(total.answered), as(total.answerable)}, "%.0f",
	              bench::Promise::at_least, 0.33);
	bench::report(name + ": right, answered", {as(total.right), as(total.answered)}, "%.0f", bench::Promise::at_least, 0.9);
}

} // namespace

int
main()
{
	return bench::run_main([] {
		for (bool const with_values : {true, false})
			for (const char *const half : {"tuned", "held_out"})
				measure(half, with_values);
	});
}
