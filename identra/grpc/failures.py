"""How a failure is told: the status, and the rich details that say what REST says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from identra.errors import IdentraError

DOMAIN: Final = "identra"
"""The domain of every `ErrorInfo`: within it a reason has one meaning."""

DETAILS: Final = "grpc-status-details-bin"
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}


def code_of(failure: IdentraError) -> grpc.StatusCode:
    """The library's word for the failure's number."""
    return _CODES[failure.code]


def details_of(failure: IdentraError, request_id: str) -> bytes:
    """A `google.rpc.Status`: ErrorInfo, RequestInfo, BadRequest and RetryInfo if they fit."""
    status = Status(code=failure.code, message=failure.says)
    for detail in _details(failure, request_id):
        status.details.add().Pack(detail)
    told: bytes = status.SerializeToString()
    return told


def _details(failure: IdentraError, request_id: str) -> Iterator[Message]:
    yield ErrorInfo(reason=failure.reason, domain=DOMAIN)
    yield RequestInfo(request_id=request_id)
    if failure.faults:
        violations = [
            BadRequest.FieldViolation(field=fault.field, description=fault.says)
            for fault in failure.faults
        ]
        yield BadRequest(field_violations=violations)
    if failure.wait is not None:
        yield RetryInfo(retry_delay=Duration(seconds=failure.wait))
