"""The protocol, broken on purpose: a check that no mutant can make fail proves nothing."""
