"""The ports, made of something: AWS, or memory."""
