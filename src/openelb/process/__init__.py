"""What both processes have in common: the loop that looks again, supervision, health, figures, the keys of heartbeats."""
