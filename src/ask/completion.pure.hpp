/*
 * A question to a language model by the chat completions protocol, with the retries that networks need. Pure regime.
 */
#pragma once

#include <string>
#include <vector>

#include "core/waiter.hpp"

namespace tenancy::ask {

/* Which model, and the limits; the settings tenancy.llm_… */
struct Model {
	std::string endpoint, name;
	std::string key_file; /* with the API key as its only line; empty: no key */
	std::string ca_file;  /* trusted roots; empty: the system's */
	std::size_t most_bytes = 0;
};

struct Message {
	const char *role; /* system, user or assistant */
	std::string content;
};

/*
 * What the model says to messages. Asks again, up to three times in all, when the endpoint is overloaded, broken or out
 * of reach; never beyond deadline. Throws core::Error whose texts hold nothing of what the endpoint said, and no key.
 */
std::string complete(const Model &model, const std::vector<Message> &messages, core::Deadline deadline,
                     core::Waiter &waiter);

} // namespace tenancy::ask
