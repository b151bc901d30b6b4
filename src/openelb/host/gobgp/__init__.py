"""The door to gobgpd, GoBGP's daemon: what it is asked and told over gRPC on a unix socket, and how it is kept running."""
