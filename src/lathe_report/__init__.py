"""Reports a build to Lathe Studio from inside its pipeline.

Needs Python 3.8 or newer and nothing besides its standard library: what runs in a CI job must not bring a server along.
`python -m lathe_report --help` explains itself; as a part of the server it is called `lathe report`.
"""

__version__ = "0.1.0"
