"""How it is said on the wire: frames in, values out, and back. No sockets."""
