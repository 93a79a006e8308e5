# ruff: noqa: T201 - it prints what it found
"""Tokens come as a JSON list; for each its subject is printed, or null if it is refused."""

import importlib
import json
import sys

import jose
import jwt

verify = importlib.import_module(sys.argv[1]).verify


def judge(token: str) -> str | None:
    try:
        return verify(token)["sub"]
    except (jwt.PyJWTError, jose.JOSEError):
        return None


print(json.dumps([judge(token) for token in json.load(sys.stdin)]))
