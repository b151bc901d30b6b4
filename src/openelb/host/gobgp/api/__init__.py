"""GoBGP's messages. Written by deploy/stubs.py: change nothing here."""
