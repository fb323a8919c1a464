"""The contract as a table: what is sent to running servers, and what each must answer."""
