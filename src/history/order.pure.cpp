/*
 * See order.pure.hpp. Pure regime.
 */
#include <algorithm>
#include <tuple>

#include "history/order.pure.hpp"

namespace tenancy::history {

int
choose(std::span<Candidate> candidates, int budget) noexcept
{
	std::ranges::sort(candidates, [](const Candidate &left, const Candidate &right) {
		return std::tie(left.user, left.place) < std::tie(right.user, right.place);
	});
	const Candidate *before = nullptr;
	for (Candidate &candidate : candidates) {
		bool const same_user = before != nullptr && before->user == candidate.user;
		candidate.tag = candidate.cost + (same_user ? before->tag : 0);
		before = &candidate;
	}
	for (Candidate &candidate : candidates)
		if (candidate.place == 0)
			candidate.tag = 0;
	std::ranges::sort(candidates, [](const Candidate &left, const Candidate &right) {
		return std::tie(left.tag, left.place) < std::tie(right.tag, right.place);
	});
	int count = 0;
	for (const Candidate &candidate : candidates) {
		budget -= candidate.cost;
		if (budget < 0 && count > 0)
			break;
		++count;
	}
	return count;
}

} // namespace tenancy::history
