from github import begin, finish
from visitor import approve, reason_of


def refuses(session: dict, query: dict[str, str]) -> bool:
    try:
        finish(session, query)
    except PermissionError:
        return True
    return False


session = {"theme": "dark"}
back = approve(begin(session))
assert refuses({}, back), "another visitor brings it"
assert refuses({"github": {"state": "other", "verifier": "v" * 43}}, back)

welcome = finish(session, back)
assert welcome
assert welcome["username"] == "grace"
assert welcome["email"] == "grace@example.com"
assert welcome["token"]["token_type"] == "Bearer"
assert session == {"theme": "dark"}
assert refuses(session, back), "it was brought already"

begin(session)
declined = {"error": "access_denied", "state": session["github"]["state"]}
assert finish(session, declined) is None

back = approve(begin(session))
session["github"]["verifier"] = "v" * 43
assert reason_of(finish, session, back) == "INVALID_STATE"
