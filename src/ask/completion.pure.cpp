/*
 * See completion.pure.hpp. Pure regime.
 */
#include "ask/completion.pure.hpp"

#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "ask/http.pure.hpp"
#include "core/error.hpp"
#include "core/private_file.hpp"

namespace tenancy::ask {

namespace {

using core::Error;
using core::FailureKind;
using nlohmann::json;

constexpr int most_tries = 3;
constexpr long first_pause_ms = 500;

[[noreturn]] void
fail(FailureKind kind, std::string_view sqlstate, std::string detail)
{
	throw Error(kind, sqlstate, "could not ask the language model", std::move(detail));
}

/* The only line of the file. Its name is the operator's, and not for the texts of errors. */
core::Secret
read_key(const std::string &path)
{
	static constexpr core::PrivateFile kind = {"file", "", "It is larger than an API key can be.", 4096};
	core::FileStamp stamp;
	core::Secret text;
	try {
		text = core::read_private_file(path, kind, stamp);
	} catch (const Error &error) {
		throw Error(FailureKind::other, error.sqlstate, "could not read the API key of the language model",
		            error.detail.empty() ? "The file cannot be opened." : error.detail,
		            "The setting tenancy.llm_api_key_file names it; it must be a regular file of the server's own "
		            "user with mode 0600.");
	}
	std::string_view key = text.view();
	while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' '))
		key.remove_suffix(1);
	if (key.empty() || std::any_of(key.begin(), key.end(), [](char c) { return c <= ' ' || c > '~'; }))
		throw Error(FailureKind::other, "22023", "could not read the API key of the language model",
		            "The file is not one line of printable characters.");
	return core::Secret(key);
}

std::string
request_body(const Model &model, const std::vector<Message> &messages, bool with_temperature)
{
	json request = {{"model", model.name}, {"stream", false}, {"messages", json::array()}};
	if (with_temperature)
		request["temperature"] = 0;
	for (Message const &message : messages)
		request["messages"].push_back({{"role", message.role}, {"content", message.content}});
	/* What a client database calls its tables need not be UTF-8. */
	return request.dump(-1, ' ', false, json::error_handler_t::replace);
}

/* The text of a completion; nothing when this is none, or one that was cut. */
std::optional<std::string>
content_of(const std::string &body)
{
	json const answer = json::parse(body, nullptr, false);
	json::json_pointer const choice("/choices/0"), content("/choices/0/message/content");
	if (answer.is_discarded() || !answer.is_object() || !answer.contains(choice) || !answer.contains(content) ||
	    !answer.at(content).is_string() || !answer.at(choice).is_object())
		return std::nullopt;
	if (answer.at(choice).value("finish_reason", json()) == "length")
		return std::nullopt;
	return answer.at(content).get<std::string>();
}

/* Newer models of some vendors know only their own temperature. */
bool
rejects_temperature(const HttpResponse &response)
{
	return response.status == 400 && response.body.find("temperature") != std::string::npos;
}

/* What is wrong with a response; empty: nothing, and content is filled. */
std::string
complaint_about(const HttpResponse &response, std::string &content)
{
	if (response.status != 200)
		return "The endpoint answered with HTTP status " + std::to_string(response.status) + ".";
	std::optional<std::string> text = content_of(response.body);
	if (!text)
		return "The endpoint's answer is not a complete chat completion.";
	content = std::move(*text);
	return {};
}

bool
is_passing(long status) noexcept
{
	return status == 200 || status == 408 || status == 429 || status >= 500;
}

bool
is_passing(FailureKind kind) noexcept
{
	return kind == FailureKind::refused || kind == FailureKind::lost;
}

/* One endpoint and the tries that are left of it. */
class Caller {
public:
	Caller(const Model &model, core::Deadline deadline, core::Waiter &waiter)
		: model_(model), endpoint_(Endpoint::parse(model.endpoint, "/chat/completions")), deadline_(deadline),
		  waiter_(waiter)
	{
		if (!model.key_file.empty())
			key_ = read_key(model.key_file);
		if (!key_.empty() && !endpoint_.encrypted && !endpoint_.is_local())
			throw Error(FailureKind::other, "55000", "the API key of the language model needs https",
			            "Without encryption it is only sent to an address of this machine.");
	}

	std::string call(const std::vector<Message> &messages)
	{
		bool with_temperature = true;
		for (int tries = 1;; ++tries) {
			HttpResponse response;
			std::string content, complaint;
			try {
				response = post({&endpoint_, &key_, model_.ca_file, request_body(model_, messages, with_temperature),
				                 model_.most_bytes},
				                deadline_, waiter_);
				complaint = complaint_about(response, content);
			} catch (const Error &error) {
				if (tries >= most_tries || !is_passing(error.kind) || !pause(tries, 0))
					throw;
				continue;
			}
			if (complaint.empty())
				return content;
			if (with_temperature && rejects_temperature(response))
				with_temperature = false;
			else if (tries >= most_tries || !is_passing(response.status) || !pause(tries, response.retry_after))
				fail(FailureKind::other, "58000", std::move(complaint));
		}
	}

private:
	/* False, at once, when the pause that the endpoint asks for leads beyond the deadline. */
	bool pause(int tries, long seconds)
	{
		long const ms = std::max(first_pause_ms << (tries - 1), std::min(seconds, 86'400L) * 1000);
		if (!deadline_.never() && deadline_.remaining_ms() <= ms)
			return false;
		core::Deadline const until = core::Deadline::after(ms);
		while (!until.passed())
			waiter_.wait(-1, 0, until);
		return true;
	}

	const Model &model_;
	Endpoint endpoint_;
	core::Secret key_;
	core::Deadline deadline_;
	core::Waiter &waiter_;
};

} // namespace

std::string
complete(const Model &model, const std::vector<Message> &messages, core::Deadline deadline, core::Waiter &waiter)
{
	return Caller(model, deadline, waiter).call(messages);
}

} // namespace tenancy::ask
