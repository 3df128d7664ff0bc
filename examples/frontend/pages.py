"""The pages: HTML written on the server. Whatever comes from outside goes through ``escape``."""

from html import escape
from http import HTTPStatus

from frontend.order import METRICS, Form

NAME = "Weather, month by month"


def document(heading: str, body: str, *, reload: bool = False) -> str:
    """A whole page.

    Args:
        heading: Its title, as plain text.
        body: Its main part, as HTML.
        reload: Whether a browser without JavaScript should come again by itself.
    """
    again = '<noscript><meta http-equiv="refresh" content="4"></noscript>' if reload else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(heading)} · {NAME}</title>
{again}
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/style.css">
<script src="/static/app.js" defer></script>
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header><a class="brand" href="/"><img src="/static/icon.svg" alt="" width="28" height="28">{NAME}</a></header>
<main id="main">
{body}
</main>
<footer>Daily observations in Seattle by NOAA, 2012 to 2015. Jobs go through Canary Router.</footer>
</body>
</html>
"""


def form_page(form: Form, environment: str, trouble: tuple[str, str] | None = None) -> str:
    """The page with the form.

    Args:
        form: How it is filled in, and what is wrong with it.
        environment: Where its jobs go.
        trouble: What went wrong when it was sent, and what to do about it.
    """
    options = "".join(
        f'<option value="{value}"{" selected" if value == form.metric else ""}>{escape(name)}</option>'
        for value, name in METRICS.items()
    )
    said = ""
    if trouble or form.errors:
        what, advice = trouble or (
            "The job was not submitted.",
            form.errors.get("key", "Correct what is marked below."),
        )
        said = (
            f'<div class="alert" role="alert" id="trouble" tabindex="-1"><strong>{escape(what)}</strong>'
            f" {escape(advice)}</div>"
        )
    body = f"""<h1>Summarise a year</h1>
<p class="lead">Choose a year and what was measured. The job takes lowest, mean and highest of every month, and you can
watch it at work.</p>
{said}
<form class="card" method="post" action="/jobs" novalidate data-once>
<input type="hidden" name="key" value="{escape(form.key)}">
<div class="field">
<label for="year">Year</label>
<input id="year" name="year" type="number" inputmode="numeric" min="1000" max="9999" step="1" required
 value="{escape(form.year)}" aria-describedby="year-hint{" year-error" if "year" in form.errors else ""}"\
{_invalid(form, "year")}>
<p class="hint" id="year-hint">There are data for 2012 to 2015.</p>
{_error(form, "year")}
</div>
<div class="field">
<label for="metric">Measured</label>
<select id="metric" name="metric"{_invalid(form, "metric")}\
{' aria-describedby="metric-error"' if "metric" in form.errors else ""}>{options}</select>
{_error(form, "metric")}
</div>
<button type="submit">Submit the job</button>
</form>
<p class="where">Environment <code>{escape(environment)}</code></p>"""
    return document("Summarise a year", body)


def trouble_page(status: HTTPStatus, what: str, advice: str) -> str:
    """A page that says what is wrong and what to do."""
    return document(
        what,
        f'<h1>{escape(what)}</h1>\n<p class="lead">{escape(advice)}</p>\n'
        f'<p><a class="button" href="/">A new request</a></p>\n<p class="where">{status.value} {status.phrase}</p>',
    )


def _invalid(form: Form, name: str) -> str:
    return ' aria-invalid="true"' if name in form.errors else ""


def _error(form: Form, name: str) -> str:
    return f'<p class="error" id="{name}-error">{escape(form.errors[name])}</p>' if name in form.errors else ""
