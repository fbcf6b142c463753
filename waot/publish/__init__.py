"""Executables to what is published: archives with checksums and a bill of materials, and container images."""
