"""The .proto is what clients were built from, its code is made of it, and REST is what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import google.api
import google.rpc
import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor
from test_routes_page import OPERATIONS

from identra.grpc.identra.v1 import identra_pb2
from identra.grpc.messages import required
from identra.grpc.methods import METHODS
from identra.grpc.services import IDENTRA as SERVICE

ROOT = Path(__file__).parents[2]
PROTO = "identra/v1/identra.proto"
KINDS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_BOOL: "bool",
}
FACTS = """
Token: token string 1, expires_at int64 2
TokenPair: access_token Token 1, refresh_token Token 2, token_type string 3
JSONWebKey: kty string 1, alg string 2, use string 3, kid string 4, n string? 5, e string? 6, crv string? 7, x string? 8, y string? 9
GetJWKSRequest:
GetJWKSResponse: keys JSONWebKey[] 1
GetOAuthAuthorizationURLRequest: provider string 1, redirect_url string? 2, code_challenge string? 3, code_challenge_method string? 4
GetOAuthAuthorizationURLResponse: url string 1, state string 2
LoginByOAuthRequest: code string 1, state string 2, code_verifier string? 3, iss string? 4
LoginByOAuthResponse: token TokenPair 1, username string 2, avatar_url string 3, email string 4
BindUserByOAuthRequest: access_token string 1, code string 2, state string 3, code_verifier string? 4, iss string? 5
BindUserByOAuthResponse: token TokenPair 1, username string 2, avatar_url string 3
SendLoginEmailCodeRequest: email string 1, use_html bool 2
SendLoginEmailCodeResponse:
LoginByEmailCodeRequest: email string 1, code string 2
LoginByEmailCodeResponse: token TokenPair 1
RegisterByPasswordRequest: email string 1, password string 2
RegisterByPasswordResponse: token TokenPair 1
LoginByPasswordRequest: email string 1, password string 2
LoginByPasswordResponse: token TokenPair 1
RefreshTokenRequest: refresh_token string 1
RefreshTokenResponse: token TokenPair 1
RevokeRefreshTokenRequest: refresh_token string 1
RevokeRefreshTokenResponse:
OAuthConnection: provider string 1, provider_user_id string 2
OAuthProviderStatus: name string 1, enabled bool 2, reason string? 3
ListOAuthProvidersRequest:
ListOAuthProvidersResponse: providers OAuthProviderStatus[] 1
GetCurrentUserLoginInfoRequest: access_token string 1
GetCurrentUserLoginInfoResponse: user_id string 1, email string 2, github_id string? 3, password_enabled bool 4, oauth_connections OAuthConnection[] 5, email_verified bool 6
ConfirmPasswordRegistrationRequest: email string 1, code string 2, password string 3
ConfirmPasswordRegistrationResponse: token TokenPair 1
"""  # noqa: E501 - a message, a line
"""Every message of clients that exist; a `?` is an `optional`, `[]` a `repeated`."""


def _fact(message: Any) -> str:
    fields = ", ".join(f"{one.name} {_kind(one)} {one.number}" for one in message.fields)
    return f"{message.name}: {fields}".strip()


def _kind(field: Any) -> str:
    kind = KINDS.get(field.type) or field.message_type.name
    optional = field.containing_oneof is not None
    return kind + ("[]" if field.is_repeated else "?" if optional else "")


def test_no_name_and_no_number_of_the_wire_has_changed() -> None:
    said = [_fact(one) for one in identra_pb2.DESCRIPTOR.message_types_by_name.values()]
    assert sorted(said) == sorted(FACTS.strip().splitlines())
    assert identra_pb2.DESCRIPTOR.package == "identra.v1"
    for method in SERVICE.methods:
        assert method.input_type.name == f"{method.name}Request"
        assert method.output_type.name == f"{method.name}Response"


def test_the_code_is_what_make_proto_makes(tmp_path: Path) -> None:
    (command,) = (line for line in (ROOT / "Makefile").read_text().splitlines() if "protoc" in line)
    words = command.replace("identra/grpc", str(tmp_path)).split()[1:]
    subprocess.run([sys.executable, *words], cwd=ROOT, check=True)
    made = [file.relative_to(tmp_path) for file in tmp_path.rglob("*_pb2.py*")]
    assert len(made) == 4
    for file in made:
        assert (tmp_path / file).read_text() == (ROOT / "identra/grpc" / file).read_text()


@pytest.mark.parametrize("package", [google.api, google.rpc], ids=lambda one: one.__name__)
def test_what_is_imported_from_google_is_google_s(package: Any) -> None:
    (there,) = package.__path__
    ours = ROOT / "proto" / package.__name__.replace(".", "/")
    for file in ours.iterdir():
        assert file.read_bytes() == (Path(there) / file.name).read_bytes(), file.name


def test_every_method_is_served() -> None:
    assert set(METHODS) == set(SERVICE.methods_by_name)


@pytest.mark.parametrize("method", list(SERVICE.methods), ids=lambda method: method.name)
def test_a_method_is_its_route(method: Any) -> None:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    way = rule.WhichOneof("pattern")
    operation = OPERATIONS[f"{way.upper()} {getattr(rule, way)}"]
    assert rule.body == ("*" if way == "post" else "")
    takes = dict(operation.takes.model_fields)
    takes.pop("locale", None)  # here the metadata's accept-language says it
    assert {field.name for field in method.input_type.fields} == set(takes)
    lacking = {name for name, field in takes.items() if field.is_required()}
    assert set(required(identra_pb2.__dict__[method.input_type.name])) == lacking
    gives = operation.gives[200]
    assert not isinstance(gives, str)
    assert {field.name for field in method.output_type.fields} == set(gives.model_fields)
