"""What `make run` does. Production never imports it."""
