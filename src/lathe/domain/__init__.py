"""The rules of Lathe: pure values and functions. No I/O, no clock, no randomness; standard library and attrs only."""
