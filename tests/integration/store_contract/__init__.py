"""What every store must do: one suite, run unchanged over memory, SQLite and PostgreSQL."""
