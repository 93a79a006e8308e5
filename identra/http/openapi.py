"""The OpenAPI 3.1 document, made from the same operations as the routes."""

from __future__ import annotations

from importlib.metadata import version
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args, get_origin

from pydantic.json_schema import models_json_schema

from identra import errors
from identra.http.models import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import BaseModel

    from identra.errors import IdentraError
    from identra.http.operation import Operation

Json: TypeAlias = dict[str, Any]
_Mode: TypeAlias = Literal["validation", "serialization"]
_Refs: TypeAlias = "Mapping[Any, Json]"
"""Where the schema of a model stands, by the model and whether it is taken or given."""

_ANYWHERE: tuple[type[IdentraError], ...] = (
    errors.InvalidArgument,
    errors.RequestTimeout,
    errors.UriTooLong,
    errors.HeadersTooLarge,
    errors.Internal,
    errors.Busy,
)
_WITH_A_BODY: tuple[type[IdentraError], ...] = (
    errors.LengthRequired,
    errors.BodyTooLarge,
    errors.UnsupportedMediaType,
)
_ABOUT = """Sign-in, tokens and users. {where}
GET paths answer HEAD as well, every path answers OPTIONS; another method is METHOD_NOT_ALLOWED,
another path NOT_FOUND, in the shape of every other failure."""
_TWICE = "Every path is served at the root and again under /api."
_ONCE = "Those of operators, under /admin, are served at the root alone."
_HEADERS: Json = {
    "X-Request-ID": {
        "description": "The request's own where well-formed, else made.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    },
    "X-Attempt-ID": {
        "description": "Always made here; names this attempt in the logs.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "Cache-Control": {"schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}},
    "RateLimit-Policy": {
        "description": "The allowances that were looked at: quota and window in seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit": {
        "description": "What remains of each, and the seconds until it is whole.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {"description": "RFC 6750, 3, or RFC 7617.", "schema": {"type": "string"}},
    "ETag": {"description": "A strong entity tag.", "schema": {"type": "string"}},
}
_IN_IDS = str.maketrans("/", "_", "{}")
_ALWAYS = ("X-Request-ID", "X-Attempt-ID", "Cache-Control")
_READS: Json = {
    "Idempotency-Key": "Names this refresh, so that its lost answer can be asked for again.",
    "If-None-Match": "An ETag kept from before; 304 if it still stands.",
}


def document(operations: Iterable[Operation], public_url: str | None) -> Json:
    """The document of these operations in their order, as plain JSON values.

    Without a `public_url` they are where the document is.
    """
    listed = list(operations)
    refs, schemas = _schemas(listed)
    paths: Json = {}
    for operation in listed:
        said = _operation(operation, refs)
        if operation.clears and public_url:
            said["servers"] = [{"url": public_url}]
        paths.setdefault(operation.path, {})[operation.method.lower()] = said
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Identra",
            "version": version("identra"),
            "description": _about(listed, public_url),
        },
        "servers": _servers(public_url),
        "paths": paths,
        "components": {
            "schemas": schemas,
            "headers": _HEADERS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "client": {"type": "http", "scheme": "basic"},
                "admin_key": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _about(operations: list[Operation], public_url: str | None) -> str:
    clears = any(operation.clears for operation in operations)
    where = " ".join([_TWICE] * bool(public_url) + [_ONCE] * clears)
    return _ABOUT.format(where=where)


def _servers(public_url: str | None) -> list[Json]:
    return [{"url": f"{public_url}{way}"} for way in ("", "/api")] if public_url else [{"url": "/"}]


def _schemas(operations: list[Operation]) -> tuple[_Refs, Json]:
    said: list[tuple[type[BaseModel], _Mode]] = [(Failure, "serialization")]
    for operation in operations:
        said.append((operation.takes, "validation"))
        models = (model for model in operation.gives.values() if isinstance(model, type))
        said.extend((model, "serialization") for model in models)
    refs, whole = models_json_schema(
        list(dict.fromkeys(said)), ref_template="#/components/schemas/{model}"
    )
    schemas = whole["$defs"]
    taken = {refs[(operation.takes, "validation")]["$ref"] for operation in operations}
    for name, schema in schemas.items():
        if f"#/components/schemas/{name}" not in taken:
            _leave_out_null(schema)
    return refs, schemas


def _leave_out_null(schema: Json) -> None:
    """Answers leave out what is absent; null is never said."""
    for name, held in schema.get("properties", {}).items():
        kinds = [kind for kind in held.get("anyOf", []) if kind != {"type": "null"}]
        if len(kinds) == 1:
            rest = {k: v for k, v in held.items() if k not in {"anyOf", "default"}}
            schema["properties"][name] = kinds[0] | rest


def _operation(operation: Operation, refs: _Refs) -> Json:
    said: Json = {
        "operationId": f"{operation.method.lower()}{operation.path}".translate(_IN_IDS),
        "summary": operation.summary,
        "tags": [operation.topic],
        "responses": _answers(operation, refs) | _failures(operation, refs),
    }
    if operation.clears:
        said["security"] = [{"admin_key": [operation.clears.scope]}]
    elif operation.bearer != "none":
        said["security"] = [{"bearer": []}] + ([{}] if _needs_no_header(operation) else [])
    if operation.client:
        said["security"] = [{"client": []}]
    parameters = _parameters(operation)
    if parameters:
        said["parameters"] = parameters
    if operation.has_body:
        said["requestBody"] = {
            "required": any(f.is_required() for f in operation.takes.model_fields.values()),
            "content": _body(operation, refs[(operation.takes, "validation")]),
        }
    return said


def _body(operation: Operation, schema: Json) -> Json:
    kind = "application/x-www-form-urlencoded" if operation.form else "application/json"
    return {kind: {"schema": schema}}


def _needs_no_header(operation: Operation) -> bool:
    return operation.bearer == "optional" or "access_token" in operation.takes.model_fields


def _parameters(operation: Operation) -> list[Json]:
    read: list[Json] = [
        {"name": name, "in": "header", "description": _READS[name], "schema": {"type": "string"}}
        for name in operation.reads
    ]
    said = {"in": "path", "required": True, "schema": {"type": "string"}}
    read += [{"name": name} | said for name in operation.parts]
    if operation.has_body:
        return read
    return [*read, *map(_argument, operation.takes.model_fields.items())]


def _argument(field: tuple[str, Any]) -> Json:
    name, info = field
    said = {"name": name, "in": "query", "required": info.is_required()}
    text = {"description": info.description} if info.description else {}
    return said | text | {"schema": _words(info.annotation, info.metadata)}


def _words(annotation: Any, bounds: list[Any]) -> Json:
    """What an argument may be: any text, a number, or one of the words that its type names."""
    if int in (annotation, *get_args(annotation)):
        return {"type": "integer"} | _bounds(bounds)
    kinds = [kind for kind in (annotation, *get_args(annotation)) if get_origin(kind) is Literal]
    return {"type": "string"} | ({"enum": list(get_args(kinds[0]))} if kinds else {})


def _bounds(said: list[Any]) -> Json:
    named = (("minimum", "ge"), ("maximum", "le"))
    return {word: getattr(one, at) for word, at in named for one in said if hasattr(one, at)}


def _answers(operation: Operation, refs: _Refs) -> Json:
    return {
        str(status): {
            "description": _described(model),
            "headers": _header_refs((*_ALWAYS, *operation.headers)),
        }
        | _content(model, refs)
        for status, model in operation.gives.items()
    }


def _described(model: type[BaseModel] | str) -> str:
    if isinstance(model, str):
        return "A document." if model else "No change."
    return (model.__doc__ or "").strip().partition("\n")[0]


def _content(model: type[BaseModel] | str, refs: _Refs) -> Json:
    if isinstance(model, str):
        kind = "object" if model == "application/json" else "string"
        return {"content": {model: {"schema": {"type": kind}}}} if model else {}
    return {"content": _json(refs[(model, "serialization")])}


def _failures(operation: Operation, refs: _Refs) -> Json:
    fails = {*operation.fails, *_ANYWHERE}
    if operation.has_body:
        fails.update(_WITH_A_BODY)
    ordered = sorted(fails, key=attrgetter("status", "reason"))
    return {
        str(status): _failure(operation, status, [error.reason for error in same], refs)
        for status, same in groupby(ordered, key=attrgetter("status"))
        if status not in operation.gives
    }


def _failure(operation: Operation, status: int, reasons: list[str], refs: _Refs) -> Json:
    headers = list(_ALWAYS)
    if status in {429, 503}:
        headers.append("Retry-After")
    if status == errors.RateLimited.status:
        headers += ["RateLimit-Policy", "RateLimit"]
    if status == 401 and operation.asks_who:  # noqa: PLR2004 - the status that asks for it
        headers.append("WWW-Authenticate")
    shape = refs[(Failure, "serialization")]
    exact = {"allOf": [shape, {"properties": {"reason": {"enum": reasons}}}]}
    return {
        "description": ", ".join(reasons),
        "headers": _header_refs(headers),
        "content": _json(exact),
    }


def _header_refs(names: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}
