"""Lathe Studio: CI builds, filed under the release they belong to."""
