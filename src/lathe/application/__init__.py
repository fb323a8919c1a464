"""The use cases: plain functions over ports, one module per thing people do."""
