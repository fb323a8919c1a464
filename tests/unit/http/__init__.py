"""The HTTP API over a store in memory."""
