"""Every setting of the service: its class, value types, sources and the rules of production."""
