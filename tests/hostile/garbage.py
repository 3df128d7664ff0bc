"""Values that nobody means well with, and what every answer to them has to be."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from canary_router.core.model import Route, Status

# Each property is bounded: the same examples would find nothing new at the tenth run, so they are drawn anew.
BOUNDED = settings(max_examples=200, deadline=None, database=None)

NASTY_TEXTS = (
    "",
    " ",
    "none",
    "null",
    "\x00",
    "\r\n\r\nHTTP/1.1 200 OK",
    "../../current",
    "..%2f..%2fcurrent",
    "TRANSFORM#t-1",
    "t-1#FALLBACK",
    "SERVICE#transformer",
    "${jndi:ldap://x}",
    "{{resolve:secretsmanager:key}}",
    "' OR 1=1 --",
    "\u0663",
    "\ud800",
    "\U0001f600",
    "\u017f",
    "\u202e",
    "a" * 5000,
)

texts = st.one_of(st.sampled_from(NASTY_TEXTS), st.text(max_size=40))
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
"""Whatever JSON can bring, and a little more."""


def mangled(good: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A good document with some of its fields replaced by anything, and some missing."""

    def mangle(fields: dict[str, Any], missing: set[str]) -> dict[str, Any]:
        return {name: value for name, value in {**good, **fields}.items() if name not in missing}

    names = st.sampled_from(sorted(good))
    return st.builds(mangle, st.dictionaries(names, anything, max_size=3), st.sets(names, max_size=2))


def checked(answer: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Holds an answer against the contract: a transform, or a problem; status and document come back."""
    assert set(answer) == {"statusCode", "headers", "body"}
    status, document = answer["statusCode"], json.loads(answer["body"])
    assert all(isinstance(value, str) and value.isprintable() for value in answer["headers"].values())
    assert "Traceback" not in answer["body"]
    if status < 400:
        assert status in (200, 202)
        assert answer["headers"]["Content-Type"] == "application/json"
        assert Route(document["route"])
        assert Status(document["status"])
        return status, document
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert (
        {"type", "title", "status", "detail"} <= set(document) <= {"type", "title", "status", "detail", "transform_id"}
    )
    assert document["status"] == status
    assert len(document["detail"]) <= 1000
    assert ("Retry-After" in answer["headers"]) == (status == 503)
    return status, document
