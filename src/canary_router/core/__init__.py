"""The rules of a release, as pure functions over frozen data.

What happens here:

- pointers and policies are read from text, and what is not valid is named, never guessed at;
- a request is offered to one of two versions, given a draw;
- every change of the record is composed as data: conditional writes whose clauses carry names;
- outcomes are counted and judged.

What never happens here: no I/O, no clock, no randomness, no logging. The time and the draw are arguments.
"""
