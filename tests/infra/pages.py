"""Code as it stands in the documentation."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def example(page: str, name: str) -> str:
    """The code block of a page after the comment that names it."""
    _, _, after = (ROOT / page).read_text().partition(f"<!-- example: {name} -->\n```python\n")
    code, end, _ = after.partition("```")
    assert end, f"{page} has no example {name!r}"
    return code
