"""The steps of the VM tests, as functions that run on any machines.

nix/tests boots NixOS and calls them. tests/nix calls them with the same processes in network
namespaces. They use the standard library only, because the NixOS test driver has nothing else.
"""

from . import cors, probes, shutdown
from .cluster import Cluster

__all__ = ["Cluster", "cors", "probes", "shutdown"]
