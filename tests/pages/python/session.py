import httpx
from identra_client import http
from password import register
from session import refresh, sign_out

first = register("session.py@example.com", "correct horse battery")
session = {"token": first}
assert refresh(session)
second = session["token"]
assert second["refresh_token"] != first["refresh_token"]
assert list(session) == ["token"]


def lose(response: httpx.Response) -> None:
    raise httpx.ReadError("the answer is lost", request=response.request)


session = {"token": second}
http.event_hooks["response"] = [lose]
try:
    refresh(session)
except httpx.ReadError:
    http.event_hooks["response"] = []
assert session["token"] == second
assert refresh(session), "it is asked again with the same key"

ended = dict(session)
sign_out(session)
assert session == {}
assert not refresh(ended)
