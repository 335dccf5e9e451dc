"""What the VM tests do with their machines, as functions that run on any machines.

nix/tests boots NixOS and calls them; tests/nix calls them with the same processes in network
namespaces. They need the standard library only, as the NixOS test driver has nothing else.
"""

from . import cors, probes, shutdown
from .cluster import Cluster

__all__ = ["Cluster", "cors", "probes", "shutdown"]
