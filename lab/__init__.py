"""A real Kubernetes of several machines on this one, for the demo, the tests and the bench."""
