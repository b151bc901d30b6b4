"""The door to the cluster's API: the only place that knows the field names of Kubernetes."""
