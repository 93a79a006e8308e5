from signin import send_code, sign_in
from visitor import another, mailed_code, reason_of

EMAIL = "signin.py@example.com"

send_code(EMAIL)
code = mailed_code(EMAIL)
assert sign_in(EMAIL, another(code)) is None
pair = sign_in(EMAIL, code)
assert pair
assert pair["token_type"] == "Bearer"
assert sign_in(EMAIL, code) is None
assert reason_of(send_code, "nobody") == "INVALID_ARGUMENT"
