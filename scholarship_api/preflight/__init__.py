"""The pre-deploy checklist, `scholarship-api check`."""
