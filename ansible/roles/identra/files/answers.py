"""Whether Identra answers on REST and gRPC as it should; run by the program's own Python.

answers.py HOST HTTP_PORT GRPC_PORT SECONDS: exit 0 once it does, 1 with the last reason if it
does not within the time.
"""

from __future__ import annotations

import json
import sys
import time
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

ALONE = 3
"""Seconds for one question."""


def fault(host: str, rest: str, rpc: str) -> str:
    """What is wrong, or nothing."""
    opener = build_opener(ProxyHandler({}))  # an environment's proxy is for elsewhere
    host = f"[{host}]" if ":" in host else host
    try:
        with opener.open(f"http://{host}:{rest}/readyz", timeout=ALONE) as answer:
            if json.load(answer)["status"] != "ready":
                return "/readyz is not ready"
        with opener.open(f"http://{host}:{rest}/.well-known/jwks.json", timeout=ALONE) as answer:
            if not json.load(answer)["keys"]:
                return "the key set is empty"
    except (URLError, OSError, ValueError, KeyError) as error:
        return f"REST does not answer: {error}"
    return _grpc_fault(f"{host}:{rpc}")


def _grpc_fault(address: str) -> str:
    with grpc.insecure_channel(address) as channel:
        try:
            asked = health_pb2.HealthCheckRequest(service="identra.v1.IdentraService")
            told = health_pb2_grpc.HealthStub(channel).Check(asked, timeout=ALONE)
        except grpc.RpcError as error:
            return f"gRPC does not answer: {error.code().name}"
    return "" if told.status == told.SERVING else "gRPC is not serving"


def main(host: str, rest: str, rpc: str, seconds: str) -> int:
    until = time.monotonic() + float(seconds)
    while found := fault(host, rest, rpc):
        if time.monotonic() > until:
            print(f"not opened: {found}", file=sys.stderr)
            return 1
        time.sleep(0.2)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
