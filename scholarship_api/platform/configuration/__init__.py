"""What the settings are made of: value types, sources, and the rules of production."""
