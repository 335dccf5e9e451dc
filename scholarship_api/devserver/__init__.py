"""The development server of `make run`. Production never imports it."""
