"""The only runtime home of AWS."""
