"""The front-end's lines in the README, run against the deployed router."""

from pathlib import Path

import pytest
from tests.e2e.deployed import ENVIRONMENT, SERVICE, Deployed

README = Path(__file__).parents[2] / "README.md"


def test_the_front_end_of_the_readme_gets_its_job_done(
    router: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in router.emulator.client_environment().items():
        monkeypatch.setenv(name, value)
    code = README.read_text().partition("<!-- example: client -->\n```python\n")[2].partition("```")[0]
    names = {
        '"prod"': f'"{ENVIRONMENT}"',
        '"transformer"': f'"{SERVICE}"',
        '{"year": 2014}': '{"seconds": 0, "fail": False}',
    }
    for written, here in names.items():
        assert written in code
        code = code.replace(written, here)
    exec(code)  # noqa: S102 - the project's own text
    assert capsys.readouterr().out == "SUCCEEDED\n"
