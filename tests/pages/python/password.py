from identra_client import call
from password import register, sign_in
from visitor import reason_of

EMAIL, PASSWORD = "password.py@example.com", "correct horse battery"

first = register(EMAIL, PASSWORD)
assert first
assert first["token_type"] == "Bearer"
assert reason_of(register, EMAIL, PASSWORD) == "EMAIL_TAKEN"
assert reason_of(register, EMAIL, "short") == "INVALID_ARGUMENT"
assert reason_of(sign_in, EMAIL, "wrong horse battery") == "INVALID_CREDENTIALS"
access = sign_in(EMAIL, PASSWORD)["access_token"]["token"]
info = call("POST", "/me/login-info", headers={"Authorization": f"Bearer {access}"})
assert info["email"] == EMAIL
