"""The router on one machine: an AWS emulator of our own, the tools that deploy to it, and the demo."""
