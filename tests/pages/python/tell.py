from identra_client import Refused, call
from tell import tell

EMAIL, PASSWORD = "tell.py@example.com", "correct horse battery"


def told(path: str, said: dict) -> str:
    try:
        call("POST", path, json=said)
    except Refused as refused:
        return tell(refused)
    return ""


right = {"email": EMAIL, "password": PASSWORD}
assert "address or the password" in told("/password/login", right)
short = told("/password/register", {"email": EMAIL, "password": "short"})
assert short == "The password needs at least 8 characters."
assert "begin again" in told("/oauth/login", {"code": "c", "state": "s"})
assert "support can find it by " in told("/nowhere", {})
waits = [told("/email/code", {"email": EMAIL}) for _ in range(6)]
assert waits[5].startswith("Please try again in ")
