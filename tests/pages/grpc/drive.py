from collections.abc import Callable

from grpc_client import Refused, call, identra
from grpc_password import confirm, refresh, register, sign_in, who_is
from identra.v1 import identra_pb2 as v1

EMAIL, PASSWORD = "grpc.py@example.com", "correct horse battery"


def refused(act: Callable[..., object], *arguments: object) -> Refused:
    try:
        act(*arguments)
    except Refused as refusal:
        return refusal
    raise AssertionError("it was not refused")


assert register(EMAIL, PASSWORD).token_type == "Bearer"
taken = refused(register, EMAIL, PASSWORD)
assert taken.reason == "EMAIL_TAKEN"
assert taken.request_id
short = refused(register, "else@example.com", "short")
assert short.reason == "INVALID_ARGUMENT"
assert list(short.details) == ["password"]
assert refused(sign_in, EMAIL, "wrong horse battery").reason == "INVALID_CREDENTIALS"
assert refused(confirm, EMAIL, "000000", PASSWORD).reason == "INVALID_CODE"
pair = sign_in(EMAIL, PASSWORD)
first = refresh(pair.refresh_token.token, "a key")
again = refresh(pair.refresh_token.token, "a key")
assert first.refresh_token.token == again.refresh_token.token
assert who_is(first.access_token.token).email == EMAIL
assert refused(who_is, "nothing").reason == "INVALID_TOKEN"
code = v1.SendLoginEmailCodeRequest(email=EMAIL)
for _ in range(5):
    call(identra.SendLoginEmailCode, code)
limited = refused(call, identra.SendLoginEmailCode, code)
assert (limited.reason, limited.retry_after > 0) == ("RATE_LIMITED", True)
