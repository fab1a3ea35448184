"""A request with everything that a detail can have."""

from devgate.model.detail import Body, Decision, Field, Message, Phase, RequestDetail
from devgate.model.query import RequestRow

MASKED = "***sha256:0123abcd"

ROW = RequestRow(
    7, 1_760_000_400.25, "0190-0007", "POST", "/api/chat?q=a%20b&token=***", 201, "/api/chat", "chat-server", 0, 34.5, 10.0, 16,
    22, "",
)  # fmt: skip

DETAIL = RequestDetail(
    ROW,
    url="http://127.0.0.1:8080",
    peer="127.0.0.1",
    request=(
        Field("Host", "127.0.0.1:8080"),
        Field("Authorization", f"Bearer {MASKED}"),
        Field("Content-Type", "application/json"),
        Field("X-Empty", ""),
        Field("Cookie", "a=***; b=***"),
        Field("Accept-Encoding", "gzip"),
        Field("Content-Length", "16"),
    ),
    request_body=Body(16, "application/json", text='{"text": "it\'s"}'),
    sent_line="POST /chat?q=a%20b&token=*** HTTP/1.1",
    sent=(Field("Host", "127.0.0.1:6688"),),
    reason="Created",
    response=(
        Field("Content-Type", "application/json"),
        Field("Set-Cookie", "sid=***; Path=/"),
        Field("Location", "/api/chat/7"),
    ),
    response_body=Body(22, "application/json", text='{"id": 7, "ok": true}'),
    messages=(Message("client", "text", 2, "hi"), Message("service", "close", 2, "1000")),
    phases=(
        Phase("held", 0.0, 10.0),
        Phase("connected", 10.0, 0.5),
        Phase("waited", 10.5, 20.0),
        Phase("answered", 30.5, 4.0),
    ),
    decisions=(Decision("route", "/api/chat leads to chat-server"), Decision("lifecycle", "held for 10 ms", "warn")),
)
