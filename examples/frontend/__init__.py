"""The sample's front-end application: a person asks for a year of weather, and sees what becomes of it.

It is the precedent for applications in front of Canary Router: configured with the name of an environment, and with
nothing else. README.md says how to start it and what it needs.
"""
