"""The operators' .proto is a contract of its own: each method is an act, by its route and scope."""

from __future__ import annotations

import re
from typing import Any

import handbook
import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor
from test_proto import ROOT

from identra import clearance
from identra.grpc.admin import ERRANDS
from identra.grpc.admin.asked import LIMIT
from identra.grpc.identra.admin.v1 import admin_pb2
from identra.grpc.messages import required
from identra.grpc.services import ADMIN
from identra.http.admin import OPERATIONS
from identra.http.models import EventQuery, UserQuery

PROTO = (ROOT / "proto/identra/admin/v1/admin.proto").read_text()
ROUTES = {f"{one.method} {one.path}": one for one in OPERATIONS}
ACTS = {held for held in vars(clearance).values() if isinstance(held, clearance.Act)}
AS_A_DOCUMENT = {"ExportUser"}
"""Over gRPC it is the JSON that REST answers."""
KINDS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_BOOL: "bool",
}
FACTS = """
ListUsersRequest: email string? 1, prefix string? 2, limit int32? 3, after string? 4
ListUsersResponse: users User[] 1, next string? 2
User: user_id string 1, email string 2, email_verified bool 3, disabled bool 4, created_at int64 5, last_login_at int64? 6
Address: email string 1, verified bool 2, primary bool 3
Identity: provider string 1, provider_user_id string 2, username string 3, linked_at int64 4
GetUserRequest: user_id string 1
GetUserResponse: user_id string 1, email string 2, email_verified bool 3, disabled bool 4, created_at int64 5, last_login_at int64? 6, disabled_at int64? 7, disabled_reason string? 8, leaves_at int64? 9, locale string? 10, addresses Address[] 11, identities Identity[] 12, secrets string[] 13
ExportUserRequest: user_id string 1
ExportUserResponse: document bytes 1
CreateUserRequest: email string 1, password string? 2, proved bool 3
CreateUserResponse: user_id string 1
InviteUserRequest: email string 1, locale string? 2
InviteUserResponse: user_id string 1
DisableUserRequest: user_id string 1, reason string? 2
DisableUserResponse: changed bool 1
EnableUserRequest: user_id string 1
EnableUserResponse: changed bool 1
EndSessionsRequest: user_id string 1
EndSessionsResponse: ended int64 1
RequirePasswordRequest: user_id string 1
RequirePasswordResponse: required bool 1
ProveAddressRequest: user_id string 1, email string 2, keep bool 3
ProveAddressResponse: changed bool 1
UnlinkIdentityRequest: user_id string 1, provider string 2
UnlinkIdentityResponse:
DeleteUserRequest: user_id string 1, grace string? 2
DeleteUserResponse: leaves_at int64? 1
ShowLimitsRequest: who string? 1, peer string? 2
ShowLimitsResponse: limits Count[] 1
ReleaseLimitsRequest: who string? 1, peer string? 2
ReleaseLimitsResponse: limits Count[] 1
Count: subject string 1, limit string 2, network string 3, spent int64 4, most int64 5, seconds int64 6, state string 7
ListProvidersRequest:
ListProvidersResponse: providers Provider[] 1
Provider: name string 1, plugin string 2, kind string 3, state string 4, reason string? 5
ListKeysRequest:
ListKeysResponse: keys Key[] 1
Key: kid string 1, purpose string 2, algorithm string 3, state string 4, sealed_by string 5, created_at int64 6, changed_at int64 7, signs_from int64? 8
ListEventsRequest: user_id string? 1, name string? 2, since int64? 3, until int64? 4, limit int32? 5, after string? 6
ListEventsResponse: events Event[] 1, next string? 2
Event: id string 1, at int64 2, name string 3, user_id string? 4, data DataEntry[] 5
"""  # noqa: E501 - a message, a line
"""Every message; a `?` is an `optional`, `[]` a `repeated`, and so is a map."""


def _fact(message: Any) -> str:
    fields = ", ".join(f"{one.name} {_kind(one)} {one.number}" for one in message.fields)
    return f"{message.name}: {fields}".strip()


def _kind(field: Any) -> str:
    kind = KINDS.get(field.type) or field.message_type.name
    optional = field.containing_oneof is not None
    return kind + ("[]" if field.is_repeated else "?" if optional else "")


def test_no_name_and_no_number_of_the_wire_has_changed() -> None:
    said = [_fact(one) for one in admin_pb2.DESCRIPTOR.message_types_by_name.values()]
    assert sorted(said) == sorted(FACTS.strip().splitlines())
    assert ADMIN.full_name == "identra.admin.v1.AdminService"
    for method in ADMIN.methods:
        assert method.input_type.name == f"{method.name}Request"
        assert method.output_type.name == f"{method.name}Response"


def test_every_act_of_operators_has_one_method_and_one_route() -> None:
    assert set(ERRANDS) == set(ADMIN.methods_by_name)
    for clears in (
        [one.clears for one in ERRANDS.values()],
        [one.clears for one in ROUTES.values()],
    ):
        assert len(clears) == len(ACTS)
        assert set(clears) == ACTS


@pytest.mark.parametrize("method", list(ADMIN.methods), ids=lambda method: method.name)
def test_a_method_is_its_route(method: Any) -> None:
    """Of the same act, and so of the same scope; with the same names in and out."""
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    way = rule.WhichOneof("pattern")
    operation = ROUTES[f"{way.upper()} {getattr(rule, way)}"]
    assert operation.clears is ERRANDS[method.name].clears
    assert rule.body == ("*" if way == "post" else "")
    takes = operation.takes.model_fields
    assert {field.name for field in method.input_type.fields} == {*takes, *operation.parts}
    lacking = {name for name, field in takes.items() if field.is_required()}
    message = admin_pb2.__dict__[method.input_type.name]
    assert set(required(message)) == lacking | set(operation.parts)
    gives = operation.gives[200]
    assert not isinstance(gives, str)
    if method.name not in AS_A_DOCUMENT:
        assert {field.name for field in method.output_type.fields} == set(gives.model_fields)


@pytest.mark.parametrize("name", ERRANDS)
def test_the_proto_says_which_scope_a_method_takes(name: str) -> None:
    before = PROTO.partition(f"  rpc {name}(")[0].rpartition("\n\n")[2]
    told = " ".join(line.strip().removeprefix("//").strip() for line in before.splitlines())
    assert re.findall(r"Takes the scope ([a-z]+:[a-z]+)\.", told) == [ERRANDS[name].clears.scope]


@pytest.mark.parametrize("route", ROUTES)
def test_the_page_says_which_method_a_route_is(route: str) -> None:
    section = handbook.sections("docs/reference/admin.md", 3)[route]
    (told,) = re.findall(r"^- Over gRPC: `(\w+)`$", section, re.MULTILINE)
    assert ERRANDS[told].clears is ROUTES[route].clears


def test_a_page_of_which_no_number_is_said_is_as_long_at_both_doors() -> None:
    for query in (UserQuery, EventQuery):
        assert query.model_fields["limit"].default == LIMIT
