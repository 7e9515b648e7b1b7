/*
 * See http.pure.hpp. The sockets of a transfer live in one epoll set, so that a caller waits for a single descriptor
 * through the Waiter. Names are resolved by our own resolver, not by libcurl's, which has threads. Pure regime.
 */
#include "ask/http.pure.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <sys/epoll.h>

#include "core/descriptor.hpp"
#include "core/error.hpp"
#include "remote/resolver.hpp"

namespace tenancy::ask {

namespace {

using core::Error;
using core::FailureKind;

constexpr std::size_t most_header_bytes = 64 << 10;

[[noreturn]] void
fail(FailureKind kind, std::string_view sqlstate, std::string detail)
{
	throw Error(kind, sqlstate, "could not ask the language model", std::move(detail));
}

[[noreturn]] void
fail_late()
{
	fail(FailureKind::timeout, "57014", "It did not answer in time.");
}

/* Strings of libcurl's; their bytes are wiped, as one of them holds the key. */
class List {
public:
	List() = default;
	List(const List &) = delete;
	List &operator=(const List &) = delete;
	~List()
	{
		for (curl_slist *item = list_; item != nullptr; item = item->next)
			OPENSSL_cleanse(item->data, std::strlen(item->data));
		curl_slist_free_all(list_);
	}
	void add(const char *text)
	{
		curl_slist *const longer = curl_slist_append(list_, text);
		if (longer == nullptr)
			throw std::bad_alloc();
		list_ = longer;
	}
	curl_slist *get() const noexcept { return list_; }

private:
	curl_slist *list_ = nullptr;
};

struct FreeEasy {
	void operator()(CURL *easy) const noexcept { curl_easy_cleanup(easy); }
};
struct FreeMulti {
	void operator()(CURLM *multi) const noexcept { curl_multi_cleanup(multi); }
};

/* One request on its way. libcurl calls back while its handles die, so they go before everything else. */
class Transfer {
public:
	explicit Transfer(const HttpRequest &request);
	~Transfer() { curl_multi_remove_handle(multi_.get(), easy_.get()); }
	Transfer(const Transfer &) = delete;
	Transfer &operator=(const Transfer &) = delete;

	/* resolved is what CURLOPT_RESOLVE takes, or empty for an address literal. */
	void prepare(const std::string &resolved);
	HttpResponse run(core::Deadline deadline, core::Waiter &waiter);

private:
	template <typename Value> void set(CURLoption option, Value value);
	void set_route(const std::string &resolved);
	void set_content();
	void step(core::Deadline deadline, core::Waiter &waiter);
	void act(curl_socket_t socket, int events);
	bool ended();
	[[noreturn]] void fail_by(CURLcode code) const;

	static int socket_changed(CURL *easy, curl_socket_t socket, int what, void *self, void *of_socket) noexcept;
	static int timer_changed(CURLM *multi, long ms, void *self) noexcept;
	static std::size_t received(char *data, std::size_t size, std::size_t count, void *self) noexcept;
	static std::size_t header_received(char *data, std::size_t size, std::size_t count, void *self) noexcept;

	const HttpRequest &request_;
	HttpResponse response_;
	core::Descriptor epoll_;
	List headers_, addresses_;
	core::Deadline timer_; /* when libcurl wants to be called */
	bool due_ = false;     /* it wants to be called at once */
	bool broken_ = false;  /* a socket could not be watched */
	bool too_long_ = false;
	std::size_t header_bytes_ = 0;
	std::unique_ptr<CURLM, FreeMulti> multi_;
	std::unique_ptr<CURL, FreeEasy> easy_;
};

/* libcurl copies the key into the request that it sends, and frees that without wiping it. */
void
wipe_and_free(void *memory) noexcept
{
	if (memory != nullptr)
		OPENSSL_cleanse(memory, malloc_usable_size(memory));
	std::free(memory);
}

void *
resize(void *memory, std::size_t size) noexcept
{
	std::size_t const held = memory != nullptr ? malloc_usable_size(memory) : 0;
	if (memory != nullptr && size <= held)
		return memory;
	void *const larger = std::malloc(size);
	if (larger != nullptr && held > 0)
		std::memcpy(larger, memory, held);
	if (larger != nullptr)
		wipe_and_free(memory);
	return larger;
}

/* Once in a process; libcurl and OpenSSL never forget it. */
void
require_library()
{
	static CURLcode const library =
		curl_global_init_mem(CURL_GLOBAL_DEFAULT, std::malloc, wipe_and_free, resize, strdup, std::calloc);
	if (library != CURLE_OK)
		throw Error(FailureKind::other, "58000", "could not set up libcurl");
}

Transfer::Transfer(const HttpRequest &request)
	: request_(request), epoll_(epoll_create1(EPOLL_CLOEXEC)), multi_(curl_multi_init()), easy_(curl_easy_init())
{
	if (!epoll_.valid())
		throw Error(FailureKind::other, "53000", std::string("could not create an epoll set: ") + strerror(errno));
	if (!multi_ || !easy_)
		throw std::bad_alloc();
}

template <typename Value>
void
Transfer::set(CURLoption option, Value value)
{
	if (CURLcode const code = curl_easy_setopt(easy_.get(), option, value); code != CURLE_OK)
		throw Error(FailureKind::other, code == CURLE_OUT_OF_MEMORY ? "53200" : "58000",
		            std::string("could not set up a transfer: ") + curl_easy_strerror(code));
}

/* Whom to talk to and how: to the endpoint itself, and to nobody that an environment or an answer names. */
void
Transfer::set_route(const std::string &resolved)
{
	set(CURLOPT_URL, request_.endpoint->url.c_str());
	set(CURLOPT_PROTOCOLS_STR, "http,https");
	set(CURLOPT_FOLLOWLOCATION, 0L);
	set(CURLOPT_PROXY, "");
	set(CURLOPT_NOPROXY, "*");
	set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
	set(CURLOPT_NOSIGNAL, 1L);
	set(CURLOPT_SSL_VERIFYPEER, 1L);
	set(CURLOPT_SSL_VERIFYHOST, 2L);
	set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
	if (!request_.ca_file.empty())
		set(CURLOPT_CAINFO, request_.ca_file.c_str());
	if (!resolved.empty()) {
		addresses_.add(resolved.c_str());
		set(CURLOPT_RESOLVE, addresses_.get());
	}
}

void
Transfer::set_content()
{
	headers_.add("Content-Type: application/json");
	headers_.add("Accept: application/json");
	headers_.add("Expect:"); /* none: it would cost a round trip */
	if (!request_.bearer->empty()) {
		core::Secret header(22 + request_.bearer->size());
		std::memcpy(header.data(), "Authorization: Bearer ", 22);
		std::memcpy(header.data() + 22, request_.bearer->data(), request_.bearer->size());
		headers_.add(header.c_str());
	}
	set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
	set(CURLOPT_HTTPHEADER, headers_.get());
	set(CURLOPT_POST, 1L);
	set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
	set(CURLOPT_POSTFIELDS, request_.body.c_str());
	set(CURLOPT_WRITEFUNCTION, &Transfer::received);
	set(CURLOPT_WRITEDATA, static_cast<void *>(this));
	set(CURLOPT_HEADERFUNCTION, &Transfer::header_received);
	set(CURLOPT_HEADERDATA, static_cast<void *>(this));
}

void
Transfer::prepare(const std::string &resolved)
{
	set_route(resolved);
	set_content();
	curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &Transfer::socket_changed);
	curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, static_cast<void *>(this));
	curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &Transfer::timer_changed);
	curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, static_cast<void *>(this));
	if (curl_multi_add_handle(multi_.get(), easy_.get()) != CURLM_OK)
		throw std::bad_alloc();
}

/* Called by libcurl whenever it opens a socket, wants something else of it, or is about to close it. */
int
Transfer::socket_changed(CURL *, curl_socket_t socket, int what, void *self, void *) noexcept
{
	auto &transfer = *static_cast<Transfer *>(self);
	epoll_event event{};
	event.data.fd = socket;
	event.events = ((what & CURL_POLL_IN) != 0 && what != CURL_POLL_REMOVE ? static_cast<unsigned>(EPOLLIN) : 0) |
	               ((what & CURL_POLL_OUT) != 0 && what != CURL_POLL_REMOVE ? static_cast<unsigned>(EPOLLOUT) : 0);
	if (event.events == 0)
		epoll_ctl(transfer.epoll_.get(), EPOLL_CTL_DEL, socket, nullptr);
	else if (epoll_ctl(transfer.epoll_.get(), EPOLL_CTL_MOD, socket, &event) != 0 &&
	         epoll_ctl(transfer.epoll_.get(), EPOLL_CTL_ADD, socket, &event) != 0)
		transfer.broken_ = true;
	return 0;
}

int
Transfer::timer_changed(CURLM *, long ms, void *self) noexcept
{
	auto &transfer = *static_cast<Transfer *>(self);
	transfer.due_ = ms == 0;
	transfer.timer_ = ms > 0 ? core::Deadline::after(ms) : core::Deadline();
	return 0;
}

/* Less than all of it makes libcurl end the transfer. */
std::size_t
Transfer::received(char *data, std::size_t size, std::size_t count, void *self) noexcept
{
	auto &transfer = *static_cast<Transfer *>(self);
	std::size_t const bytes = size * count;
	std::string &body = transfer.response_.body;
	if (bytes > transfer.request_.most_bytes - body.size()) {
		transfer.too_long_ = true;
		return 0;
	}
	try {
		body.append(data, bytes);
	} catch (const std::bad_alloc &) {
		return 0;
	}
	return bytes;
}

/* libcurl keeps them all. */
std::size_t
Transfer::header_received(char *, std::size_t size, std::size_t count, void *self) noexcept
{
	auto &transfer = *static_cast<Transfer *>(self);
	transfer.header_bytes_ += size * count;
	transfer.too_long_ = transfer.header_bytes_ > most_header_bytes;
	return transfer.too_long_ ? 0 : size * count;
}

void
Transfer::act(curl_socket_t socket, int events)
{
	int running;
	if (curl_multi_socket_action(multi_.get(), socket, events, &running) != CURLM_OK)
		throw std::bad_alloc();
}

/* Wait once, for a socket or until libcurl wants to be called, and let it work. */
void
Transfer::step(core::Deadline deadline, core::Waiter &waiter)
{
	if (broken_)
		throw Error(FailureKind::other, "53000", "could not watch the socket of a transfer");
	waiter.serve();
	if (!due_)
		waiter.wait(epoll_.get(), core::wait_read, core::Deadline::earlier(deadline, timer_));
	if (deadline.passed())
		fail_late();
	epoll_event events[8];
	int const count = epoll_wait(epoll_.get(), events, 8, 0);
	for (int i = 0; i < count; ++i) {
		unsigned const flags = events[i].events;
		act(events[i].data.fd, ((flags & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
		                           ((flags & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
		                           ((flags & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0));
	}
	if (due_ || timer_.passed()) {
		due_ = false;
		timer_ = core::Deadline();
		act(CURL_SOCKET_TIMEOUT, 0);
	}
}

/* libcurl's own words for a failure, which name no host. */
void
Transfer::fail_by(CURLcode code) const
{
	std::string const detail = std::string("The transfer ended with: ") + curl_easy_strerror(code) + ".";
	if (header_bytes_ > most_header_bytes)
		throw Error(FailureKind::other, "54000", "the answer of the language model is too long",
		            "Its headers are longer than " + std::to_string(most_header_bytes / 1024) + " kB.");
	if (too_long_)
		throw Error(FailureKind::other, "54000", "the answer of the language model is too long",
		            "It is longer than " + std::to_string(request_.most_bytes / 1024) + " kB.",
		            "The setting tenancy.llm_max_response limits it.");
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
	case CURLE_WRITE_ERROR: throw std::bad_alloc();
	case CURLE_OPERATION_TIMEDOUT: fail_late();
	case CURLE_COULDNT_RESOLVE_HOST: fail(FailureKind::dns, "08001", detail);
	case CURLE_COULDNT_CONNECT: fail(FailureKind::refused, "08001", detail);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE: fail(FailureKind::tls, "08001", detail);
	default: fail(FailureKind::lost, "08006", detail);
	}
}

/* Has it ended? Throws when it ended badly. */
bool
Transfer::ended()
{
	int left;
	while (const CURLMsg *const message = curl_multi_info_read(multi_.get(), &left)) {
		if (message->msg != CURLMSG_DONE)
			continue;
		if (message->data.result != CURLE_OK)
			fail_by(message->data.result);
		curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &response_.status);
		curl_off_t seconds = 0;
		if (curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
			response_.retry_after = static_cast<long>(seconds);
		return true;
	}
	return false;
}

HttpResponse
Transfer::run(core::Deadline deadline, core::Waiter &waiter)
{
	while (!ended())
		step(deadline, waiter);
	return std::move(response_);
}

bool
is_literal(const std::string &host) noexcept
{
	unsigned char address[sizeof(in6_addr)];
	return inet_pton(AF_INET, host.c_str(), address) == 1 || inet_pton(AF_INET6, host.c_str(), address) == 1;
}

/* "host:port:address,…" of a name, with addresses from our resolver; empty for an address. */
std::string
resolve(const Endpoint &endpoint, core::Deadline deadline, core::Waiter &waiter)
{
	if (is_literal(endpoint.host))
		return {};
	std::string route = endpoint.host + ":" + endpoint.port + ":";
	try {
		for (remote::Address const &address : remote::look_up(endpoint.host, {}, deadline, waiter)) {
			if (!route.ends_with(':'))
				route += ',';
			route += address.is_v4() ? address.text() : "[" + address.text() + "]";
		}
	} catch (const Error &error) {
		fail(error.kind, error.sqlstate, error.detail);
	}
	return route;
}

} // namespace

HttpResponse
post(const HttpRequest &request, core::Deadline deadline, core::Waiter &waiter)
{
	require_library();
	std::string const resolved = resolve(*request.endpoint, deadline, waiter);
	Transfer transfer(request);
	transfer.prepare(resolved);
	return transfer.run(deadline, waiter);
}

} // namespace tenancy::ask
