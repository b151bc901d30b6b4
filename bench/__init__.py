"""How fast addresses are given out, beside a bare client that makes the same writes against the same API server."""
