"""OpenELB: addresses for Services of type LoadBalancer, and the network's traffic for them."""

__version__ = "1.0.0.dev0"
