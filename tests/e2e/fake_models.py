# SPDX-License-Identifier: MIT
"""Model APIs that need no account: the Messages API and the chat completions API, both streaming.

Only what the agents look at is there. The model behind it is simple: told to use a tool (`tool`), it
asks for that first and answers when it got the tool's output; its answer repeats everything the user
has said in the conversation, so that a continued session can be told from a new one.
"""
import http.server
import json
import threading

# What an API answers when it is in trouble: its body, in the manner of either API.
TROUBLE = {401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


def texts(content):
    """The text parts of a message's content."""
    if isinstance(content, str):
        return [content]
    return [part["text"] for part in content or [] if part.get("type") == "text"]


def said(messages):
    """What the user said, without what the agents' own machinery puts in tags before it."""
    found = [text.strip() for message in messages if message["role"] == "user"
             for text in texts(message["content"])]
    return [text for text in found if text and not text.startswith("<")]


class FakeModels:
    """Listens on all addresses. `status` other than 200 is answered to every question; `hangs` sends
    the beginning of an answer and no more, with `tool`, which is (name, input), of the second."""

    def __init__(self):
        self.status = 200
        self.hangs = False
        self.tool = None
        self.key = None  # the only one that is accepted; None = any
        self.asked = []  # (path, headers, body) of every question
        self.over = threading.Event()
        self.is_closed = False
        models = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
                path = self.path.split("?")[0]
                models.asked.append((path, dict(self.headers), body))
                talk = {"/v1/messages": MessagesTalk, "/v1/chat/completions": CompletionsTalk}
                if path not in talk:
                    self.answer(404, {"error": {"type": "not_found_error", "message": path}})
                elif models.refusal(self.headers) != 200:
                    status = models.refusal(self.headers)
                    self.answer(status, {"type": "error", "error": {
                        "type": TROUBLE[status], "message": TROUBLE[status].replace("_", " ")}})
                else:
                    talk[path](models, self, body).run()

            def do_GET(self):
                self.answer(404, {})

            do_HEAD = do_GET

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def refusal(self, headers):
        given = headers.get("x-api-key") or headers.get("Authorization", "").removeprefix("Bearer ")
        if self.key is not None and given != self.key:
            return 401
        return self.status

    def questions(self):
        """The conversations it was asked to continue."""
        return [body for path, _, body in self.asked if body.get("tools")]

    def hang(self):
        """From now on answers begin and do not end."""
        self.over.clear()
        self.hangs = True

    def resume(self):
        """What hangs is answered after all."""
        self.hangs = False
        self.over.set()

    def close(self):
        self.is_closed = True
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


class Talk:
    """One streamed answer."""

    def __init__(self, models, handler, body):
        self.models, self.handler, self.body = models, handler, body

    def send(self, text):
        data = text.encode()
        self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.handler.wfile.flush()

    def text(self):
        return "You said: " + " / ".join(said(self.body["messages"]))

    def run(self):
        h = self.handler
        h.send_response(200)
        h.send_header("Content-Type", "text/event-stream" if self.body.get("stream")
                      else "application/json")
        h.send_header("Transfer-Encoding", "chunked")
        h.end_headers()
        try:
            self.begin()
            if self.models.hangs and (self.models.tool is None or self.has_tool_output()):
                self.models.over.wait()
                if self.models.is_closed:
                    return
            if self.models.tool and self.body.get("tools") and not self.has_tool_output():
                self.use_tool(*self.models.tool)
            else:
                self.say(self.text())
            h.wfile.write(b"0\r\n\r\n")
        except OSError:
            h.close_connection = True  # an agent that was ended


class MessagesTalk(Talk):
    usage = {"input_tokens": 1000, "output_tokens": 1, "cache_creation_input_tokens": 0,
             "cache_read_input_tokens": 0}

    def has_tool_output(self):
        last = self.body["messages"][-1]["content"]
        return isinstance(last, list) and any(part["type"] == "tool_result" for part in last)

    def event(self, kind, **fields):
        self.send(f"event: {kind}\ndata: {json.dumps(dict(fields, type=kind))}\n\n")

    def begin(self):
        self.event("message_start", message={
            "id": f"msg_{len(self.models.asked)}", "type": "message", "role": "assistant",
            "model": self.body["model"], "content": [], "stop_reason": None, "stop_sequence": None,
            "usage": self.usage})

    def block(self, start, delta, stop_reason):
        self.event("content_block_start", index=0, content_block=start)
        self.event("content_block_delta", index=0, delta=delta)
        self.event("content_block_stop", index=0)
        self.event("message_delta", delta={"stop_reason": stop_reason, "stop_sequence": None},
                   usage={"output_tokens": 100})
        self.event("message_stop")

    def use_tool(self, name, given):
        self.block({"type": "tool_use", "id": f"toolu_{len(self.models.asked)}", "name": name,
                    "input": {}},
                   {"type": "input_json_delta", "partial_json": json.dumps(given)}, "tool_use")

    def say(self, text):
        self.block({"type": "text", "text": ""}, {"type": "text_delta", "text": text}, "end_turn")


class CompletionsTalk(Talk):
    def has_tool_output(self):
        return self.body["messages"][-1]["role"] == "tool"

    def chunk(self, delta, finish_reason=None, **fields):
        self.send("data: " + json.dumps({
            "id": f"chatcmpl-{len(self.models.asked)}", "object": "chat.completion.chunk",
            "created": 1, "model": self.body["model"],
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
            **fields}) + "\n\n")

    def begin(self):
        self.chunk({"role": "assistant", "content": ""})

    def finish(self, reason):
        self.chunk({}, reason, usage={"prompt_tokens": 1000, "completion_tokens": 100,
                                      "total_tokens": 1100})
        self.send("data: [DONE]\n\n")

    def use_tool(self, name, given):
        self.chunk({"content": "I will see."})
        self.chunk({"tool_calls": [{"index": 0, "id": f"call_{len(self.models.asked)}",
                                    "type": "function", "function": {
                                        "name": name, "arguments": json.dumps(given)}}]})
        self.finish("tool_calls")

    def say(self, text):
        self.chunk({"content": text})
        self.finish("stop")
