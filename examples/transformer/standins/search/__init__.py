"""A stand-in for an OpenSearch server: the part of its REST protocol that a batch job needs, in memory."""
