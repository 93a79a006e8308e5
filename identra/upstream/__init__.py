"""The only way a provider reaches the network: timeouts, no redirects, declared hosts alone."""

from identra.upstream.network import Bounds, HttpUpstream, Network, demand_hosts, open_network

__all__ = ["Bounds", "HttpUpstream", "Network", "demand_hosts", "open_network"]
