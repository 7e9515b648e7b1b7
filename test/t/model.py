"""A language model's endpoint on loopback, played by a test: real HTTP, with every way of going wrong."""

import contextlib
import http.server
import json
import threading


def completion(content, finish_reason="stop"):
    return json.dumps({"choices": [{"index": 0, "finish_reason": finish_reason,
                                    "message": {"role": "assistant", "content": content}}]}).encode()


def block(sql, words="I read it so."):
    return completion("%s\n```sql\n%s\n```" % (words, sql))


class Answer:
    """One answer: a status, headers, a body; drip sends it a byte in so many seconds, hang waits before all."""

    def __init__(self, body=b"", status=200, headers=None, drip=0.0, hang=0.0, cut=False):
        self.body, self.status, self.headers = body, status, headers or {}
        self.drip, self.hang, self.cut = drip, hang, cut


class Model:
    """The server: gives its answers one by one, the last one again and again; remembers what it was asked."""

    def __init__(self, *answers, context=None):
        self.answers, self.requests = list(answers), []
        self.stopped = threading.Event()
        model = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                with contextlib.suppress(OSError):
                    model.serve(self)

            do_GET = do_POST

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = "%s://localhost:%d/v1" % ("http" if context is None else "https", self.port)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def serve(self, visit):
        body = visit.rfile.read(int(visit.headers.get("Content-Length") or 0)).decode()
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append({"path": visit.path, "headers": dict(visit.headers), "body": body})
        self.stopped.wait(answer.hang)
        visit.close_connection = True
        if answer.cut and not answer.body:
            return
        visit.send_response(answer.status)
        for name, value in answer.headers.items():
            visit.send_header(name, value)
        visit.send_header("Content-Length", str(len(answer.body) + (1000 if answer.cut else 0)))
        visit.end_headers()
        if not answer.drip:
            visit.wfile.write(answer.body)
            return
        for at in range(len(answer.body)):
            visit.wfile.write(answer.body[at:at + 1])
            visit.wfile.flush()
            if self.stopped.wait(answer.drip):
                return

    def prompts(self):
        """The texts of all messages of each request."""
        return ["\n".join(message["content"] for message in json.loads(request["body"])["messages"]) for request in self.requests]

    def close(self):
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()


@contextlib.contextmanager
def playing(*answers, context=None):
    model = Model(*answers, context=context)
    try:
        yield model
    finally:
        model.close()
