"""The door to this machine: the only place that knows sockets and netlink."""
