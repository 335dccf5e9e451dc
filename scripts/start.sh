#!/bin/sh
# Waits for the servers, migrates, serves. The work is in the command line.
exec scholarship-api start "$@"
