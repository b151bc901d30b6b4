"""What users apply: the manifests, and the program that puts them together."""
