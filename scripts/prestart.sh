#!/bin/sh
# Waits for the servers and migrates. The work is in the command line.
exec scholarship-api prestart "$@"
