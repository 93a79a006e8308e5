from password import confirm, register, sign_in
from visitor import another, mailed_code, reason_of

EMAIL, PASSWORD = "confirm.py@example.com", "correct horse battery"

assert register(EMAIL, PASSWORD) is None
assert reason_of(sign_in, EMAIL, PASSWORD) == "INVALID_CREDENTIALS"
code = mailed_code(EMAIL)
assert reason_of(confirm, EMAIL, another(code), PASSWORD) == "INVALID_CODE"
assert confirm(EMAIL, code, "another horse battery")["token_type"] == "Bearer"
sign_in(EMAIL, "another horse battery")
