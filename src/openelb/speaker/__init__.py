"""The speaker of one node: announces what the plan says, hears the others, and tells the cluster of itself."""
