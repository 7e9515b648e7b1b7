/*
 * Rows of a remote catalog: asking for them and reading their cells. Pure regime. The foreign-table import reads with
 * the same tools.
 */
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "remote/ascii.hpp"
#include "remote/driver.hpp"

namespace tenancy::catalog {

/*
 * Collects rows of one statement: each(cells) for every row, of as many cells as it is going to read: 08P01 when the
 * remote server answers others.
 */
class CatalogQuery {
public:
	CatalogQuery(remote::Session &session, const remote::RunOptions &run, core::Waiter &waiter)
		: session_(session), run_(run), waiter_(waiter)
	{}
	template <typename Each>
	void operator()(std::string_view sql, const std::vector<std::string> &texts, std::size_t width, Each each)
	{
		std::vector<remote::Param> params(texts.size());
		for (std::size_t i = 0; i < texts.size(); ++i) {
			params[i].kind = remote::Param::Kind::text;
			params[i].text = texts[i];
		}
		auto const cursor = session_.execute(sql, params, run_, waiter_);
		while (cursor->fetch(batch_, waiter_)) {
			require_width(batch_.width(), width);
			for (std::size_t row = 0; row < batch_.rows(); ++row)
				each(batch_.row(row));
		}
	}
	std::vector<remote::Column> describe(std::string_view sql) { return session_.describe(sql, run_, waiter_); }
	const std::string &server_version() const noexcept { return session_.server_version(); }

private:
	static void require_width(std::size_t given, std::size_t wanted);

	remote::Session &session_;
	const remote::RunOptions &run_;
	core::Waiter &waiter_;
	remote::Batch batch_;
};

/* Whether it is only what was asked for that cannot be read, and the rest still can. */
bool fails_alone(const core::Error &error) noexcept;

std::string text_of(const remote::Cell &cell); /* empty for NULL */
bool truth_of(const remote::Cell &cell);       /* 1, true, 't', "YES" */
using remote::lower_ascii;
bool contains_ignoring_case(std::string_view text, std::string_view lower_word) noexcept;

} // namespace tenancy::catalog
