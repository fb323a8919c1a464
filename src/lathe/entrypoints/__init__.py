"""Where the program starts: settings, wiring, the server and the command line."""
