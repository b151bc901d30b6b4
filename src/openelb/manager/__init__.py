"""The manager: who leads gives out addresses, writes them down, and judges what people ask for."""
