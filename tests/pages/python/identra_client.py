import pytest
from identra_client import Refused, call

EMAIL = "client.py@example.com"

assert call("GET", "/healthz") == {"status": "ok"}

with pytest.raises(Refused) as caught:
    call("POST", "/password/login", json={"email": EMAIL}, headers={"X-Request-ID": "a-test"})
refused = caught.value
assert refused.reason == "INVALID_ARGUMENT"
assert refused.details == [{"field": "password", "message": "is required"}]
assert refused.retry_after == 0
assert refused.request_id == "a-test"

for _ in range(5):
    call("POST", "/email/code", json={"email": EMAIL})
with pytest.raises(Refused) as caught:
    call("POST", "/email/code", json={"email": EMAIL})
assert caught.value.reason == "RATE_LIMITED"
assert caught.value.retry_after > 0
