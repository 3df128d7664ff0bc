"""The mathematics of the sequential gate: pure, computed exactly, and only when a gate is planned or asked about."""
