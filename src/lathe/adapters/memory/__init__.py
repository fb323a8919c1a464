"""Every store port in memory, with real rollback and uniqueness: for developers and tests."""
