"""Pages of the listed origins may read answers; no other page may, and no cache is misled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import running
import spoken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

APP = "https://app.example.com"
LISTED = f'[cors]\nallowed_origins = ["{APP}"]\nallow_credentials = true\n'


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[running.Running]:
    with running.identra(tmp_path_factory.mktemp("cors"), extra=LISTED) as service:
        yield service


@pytest.fixture
def client(service: running.Running) -> Iterator[httpx.Client]:
    with spoken.client(service.url) as client:
        yield client


def test_a_listed_origin_reads_answers_and_failures(client: httpx.Client) -> None:
    for path in ("/healthz", "/nowhere", "/oauth/url"):
        answer = client.get(path, headers={"Origin": APP})
        assert answer.headers["access-control-allow-origin"] == APP
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["vary"] == "Origin"
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"X-Request-ID", "X-Attempt-ID", "Retry-After"} <= set(exposed)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://app.example.com",
        "https://app.example.com.evil.example",
        "https://appXexample.com",
        "https://app.example.com:444",
        "null",
        None,
    ],
)
def test_no_other_origin_reads_anything(client: httpx.Client, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    for answer in (
        client.get("/healthz", headers=headers),
        client.options(
            "/me/login-info", headers={**headers, "Access-Control-Request-Method": "POST"}
        ),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert answer.headers["vary"] == "Origin"


def test_a_preflight_names_what_the_route_takes(client: httpx.Client) -> None:
    answer = client.options(
        "/api/token/refresh",
        headers={
            "Origin": APP,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == APP
    assert answer.headers["access-control-allow-methods"] == "POST"
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed)


def test_any_origin_means_any_but_without_credentials(tmp_path: Path) -> None:
    extra = '[cors]\nallowed_origins = ["*"]\n'
    with running.identra(tmp_path, extra=extra) as service, spoken.client(service.url) as client:
        answer = client.get("/healthz", headers={"Origin": "https://anyone.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
