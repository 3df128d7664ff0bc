"""Delivery by GitHub Actions: workflows, and the development account that they need."""
