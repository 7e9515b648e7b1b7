/*
 * What a language model is told, and the conversation that follows when its statement is not taken. Pure regime.
 */
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ask/builtin.hpp"
#include "ask/completion.pure.hpp"
#include "ask/relevance.pure.hpp"
#include "ask/reply.pure.hpp"

namespace tenancy::ask {

/*
 * The first two messages. boundary is a word that nobody can guess: what strangers wrote, names and comments of the
 * schema, stands between lines with it, as JSON. Never a row, and a value of one only if extent says so.
 */
std::vector<Message> first_messages(const catalog::Schema &schema, const Question &question, const Extent &extent,
                                    std::string_view boundary, core::Waiter &waiter);

/* What says that its statement was not taken, and why. */
std::string complaint_message(std::string_view why, std::string_view boundary);

/* 32 random hexadecimal digits. */
std::string make_boundary();

/* One question and the attempts at it. */
class Conversation {
public:
	Conversation(const catalog::Schema &schema, const Question &question, const Extent &extent, const Model &model,
	             core::Waiter &waiter);
	/* The next reply of the model; throws what complete() throws. */
	void proceed(core::Deadline deadline, core::Waiter &waiter);
	const Reply &reply() const noexcept { return reply_; }
	/* Have the next reply do without what is wrong with this one. */
	void object(std::string_view why);

private:
	Model model_;
	std::string boundary_;
	std::vector<Message> messages_;
	Reply reply_;
};

} // namespace tenancy::ask
