from mailed_code import send, sign_in
from visitor import another, mailed_code, reason_of

EMAIL = "code.py@example.com"

send(EMAIL)
code = mailed_code(EMAIL)
assert sign_in(EMAIL, another(code)) is None
pair = sign_in(EMAIL, code)
assert pair
assert pair["token_type"] == "Bearer"
assert sign_in(EMAIL, code) is None
assert reason_of(send, "nobody") == "INVALID_ARGUMENT"
