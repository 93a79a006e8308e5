"""The only way to the network: for providers to declared hosts, for webhooks to their URLs."""

from identra.upstream.grounds import Grounds, may_call
from identra.upstream.network import Bounds, HttpUpstream, Network, demand_hosts, open_network
from identra.upstream.outlet import Outlet, Reply

__all__ = [
    "Bounds",
    "Grounds",
    "HttpUpstream",
    "Network",
    "Outlet",
    "Reply",
    "demand_hosts",
    "may_call",
    "open_network",
]
