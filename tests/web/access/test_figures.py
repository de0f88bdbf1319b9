"""What the metrics tell of access: how many were let in and refused, and nothing of whom."""

import json

from asking import request, stream
from tokens import bearer, token

KINDS = ("anonymous", "token", "session", "ticket")


def access_figures(operated):
    """By credential and outcome, without those that are 0."""
    prefix = "sse_access_total{"
    figures = {name: figure for name, figure in operated.figures().items() if name.startswith(prefix) and figure}
    return {name.removeprefix(prefix).removesuffix("}"): figure for name, figure in figures.items()}


def decided(credential, outcome):
    return f'credential="{credential}",outcome="{outcome}"'


def test_each_decision_is_counted_by_what_was_shown(operating):
    operated = operating({"anonymous": ["open"]})
    ann = bearer(token(sub="ann", scope="subscribe:a publish:b"))
    headers = request(operated.server, "POST", "/session", b"", ann)[1]
    session = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
    ticket = json.loads(request(operated.server, "POST", "/tickets?topic=a", b"", ann)[2])["ticket"]
    before = access_figures(operated)
    assert before == {decided("token", "granted"): 2}, "and the one that asks, when it is answered"

    def shown(path, headers=None, method="GET"):
        if method == "POST":
            return request(operated.server, method, path, b"x", headers)[0]
        with stream(operated.server, path, headers) as answer:
            return answer.status

    for wanted, *asked in (
        (200, "/events?topic=a", ann),
        (403, "/events?topic=c", ann),
        (202, "/events?topic=b", ann, "POST"),
        (403, "/events?topic=c", ann, "POST"),
        (403, "/metrics", ann),
        (401, "/events?topic=a", bearer(token(key=b"another-secret-of-at-least-32-bytes"))),
        (400, "/events?topic=a", {"Authorization": "Bearer"}),
        (400, "/events?topic=a&access_token=x"),
        (200, "/events?topic=a", session),
        (403, "/events?topic=c", session),
        (401, "/events?topic=a", {"Cookie": "__Host-session=of.long.ago"}),
        (200, f"/events?topic=a&ticket={ticket}"),
        (401, f"/events?topic=a&ticket={ticket}"),
        (200, "/events?topic=open"),
        (401, "/events?topic=a"),
        (200, "/health"),
        (404, "/nothing", ann),
    ):
        assert shown(*asked) == wanted, asked
    assert access_figures(operated) == {
        decided("token", "granted"): 2 + 1 + 3,
        decided("token", "refused"): 6,
        decided("session", "granted"): 1,
        decided("session", "refused"): 2,
        decided("ticket", "granted"): 1,
        decided("ticket", "refused"): 1,
        decided("anonymous", "granted"): 2,
        decided("anonymous", "refused"): 1,
    }


def test_a_refusal_for_lack_of_room_is_one(operating):
    operated = operating(max_streams_per_subject=1)
    operated.read("ann")
    with stream(operated.server, "/events?topic=a", bearer(token(sub="ann", scope="subscribe:*"))) as answer:
        assert answer.status == 429
    assert access_figures(operated)[decided("token", "refused")] == 1


def test_gauges_tell_what_there_is_at_the_moment(operating, eventually):
    operated = operating({"anonymous": ["open"]})
    gauges = ("sse_sessions", "sse_tickets", *(f'sse_streams{{credential="{kind}"}}' for kind in KINDS))

    def there():
        figures = operated.figures()
        return [figures[name] for name in gauges]

    assert there() == [0] * 6
    ann = bearer(token(sub="ann", scope="subscribe:*"))
    headers = request(operated.server, "POST", "/session", b"", ann)[1]
    session = {"Cookie": headers["Set-Cookie"].partition(";")[0]}
    request(operated.server, "POST", "/tickets?topic=a", b"", ann)
    operated.read("ann")
    operated.read(None, "topic=open")
    operated.read(None, **session)
    assert there() == [1, 1, 1, 1, 1, 0]
    request(operated.server, "DELETE", "/session", None, session)
    operated.ask("POST", "/admin/revocations", {"subject": "ann"})
    eventually(lambda: there() == [0, 1, 1, 0, 0, 0])


def test_no_name_of_anybody_or_anything_is_in_the_metrics(operating):
    operated = operating({"anonymous": ["open"]})
    operated.read("planted-subject", "topic=planted-topic")
    operated.read(None, "topic=open")
    operated.server.publish("planted-topic", "x")
    with stream(operated.server, "/events?topic=planted-topic") as answer:
        assert answer.status == 401
    metrics = request(operated.server, "GET", "/metrics", None, bearer(token(scope="operate:metrics")))[2].decode()
    assert "planted" not in metrics
    assert "127.0.0.1" not in metrics
    assert "issuer" not in metrics


def test_what_a_service_does_not_have_is_not_measured(operating):
    figures = operating({"sessions": False, "tickets": False}).figures()
    assert "sse_sessions" not in figures
    assert "sse_tickets" not in figures
