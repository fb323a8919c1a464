"""The edges: each adapter plugs one kind of the outside world into the ports."""
