"""What should be: pure functions from a snapshot of the cluster to what is to be written, announced and told."""
