"""Making it so: answers and announcements on the network, compared with the plan. Sockets are passed in."""
