"""The page of one job: where it is, what took it, and what it has found out."""

from datetime import UTC, datetime
from html import escape

from canary_router.core.model import Route, Status
from frontend.chart import MINUS, MONTHS, NARROW, WIDE, chart, kind_class, weather_bar
from frontend.desk import Job
from frontend.order import METRICS, title
from frontend.pages import document
from frontend.result import Result

_ENDS = {
    Status.SUCCEEDED: "Succeeded",
    Status.FAILED: "Failed",
    Status.TIMED_OUT: "Ran out of time",
    Status.ABORTED: "Was stopped",
    Status.NOT_STARTED: "Was not started",
}
_ROUTES = {
    Route.CURRENT: "the current version, which serves everybody",
    Route.LATEST: "a new release on trial: how this job ends helps to decide whether it serves everybody",
}


def job_page(job: Job) -> str:
    """The page. The script fetches it again until ``data-final`` says that nothing will change any more."""
    heading = title(job.execution.document if job.execution else None)
    transform = job.transform
    end = _ENDS.get(transform.status)
    state = "ok" if transform.succeeded else "bad" if end else "busy"
    # A stopwatch must not be read out every second: what is announced changes only with the job.
    body = f"""<div id="job" data-final="{"yes" if end else "no"}" data-state="{transform.status}">
<p class="eyebrow">Job <code>{escape(transform.transform_id)}</code></p>
<h1>{escape(heading)}</h1>
<p class="news {state}" id="news" role="status" aria-live="polite">{escape(_news(job))}</p>
<div id="rest">
{_progress(job)}
{_outcome(job)}
{_facts(job)}
</div>
</div>
<p><a class="button quiet" href="/">A new request</a></p>"""
    return document(f"{end or 'Running'}: {heading}", body, reload=not end)


def _news(job: Job) -> str:
    transform, execution = job.transform, job.execution
    if transform.succeeded:
        return f"Succeeded on {transform.version}."
    end = _ENDS.get(transform.status)
    if end:
        return f"{end} on {transform.version}."
    if transform.status is Status.ADMITTED:
        return f"Accepted: {transform.version} is about to start it."
    steps = ", ".join(execution.steps) if execution else ""
    return f"Running on {transform.version}: {steps}." if steps else f"Running on {transform.version}."


def _progress(job: Job) -> str:
    status = job.transform.status
    end = _ENDS.get(status)
    began = status not in (Status.ADMITTED, Status.NOT_STARTED)
    steps = [
        ("Accepted", "done"),
        ("Running", "done" if end and began else "now" if began else "next"),
        (end or "Result", "next" if not end else "done" if job.transform.succeeded else "broken"),
    ]
    here = {"now": ' aria-current="step"'}
    items = "".join(f'<li class="{kind}"{here.get(kind, "")}>{escape(name)}</li>' for name, kind in steps)
    seconds = job.execution.seconds(job.seen) if job.execution else None
    took = "" if seconds is None else f'<p class="took">{"Took" if end else "For"} {_duration(seconds)}</p>'
    return f'<ol class="steps" aria-label="Progress">{items}</ol>{took}'


def _outcome(job: Job) -> str:
    parts = []
    if job.result is not None:
        parts.append(_result(job.result))
    if job.trouble:
        parts.append(f'<p class="alert">{escape(job.trouble)}</p>')
    if job.execution is not None and job.execution.cause:
        parts.append(f'<section class="card"><h2>Why</h2><p class="cause">{escape(job.execution.cause)}</p></section>')
    if job.transform.status is Status.NOT_STARTED:
        parts.append("<p>Nothing runs. Submit a new request.</p>")
    return "\n".join(parts)


def _result(result: Result) -> str:
    unit = escape(result.unit)
    legend = "".join(
        f'<li><span class="swatch {kind_class(kind)}"></span>{escape(kind)} <strong>{days}</strong></li>'
        for kind, days in result.weather.items()
    )
    names = list(dict.fromkeys(name for month in result.months for name in month.measures))
    head = "".join(f'<th scope="col">{escape(name.replace("_", " ").capitalize())}</th>' for name in names)
    rows = "".join(
        f'<tr><th scope="row">{MONTHS[month.month - 1]}</th>'
        + "".join(f"<td>{_cell(month.measures.get(name))}</td>" for name in names)
        + "</tr>"
        for month in result.months
    )
    metric = METRICS.get(result.metric, result.metric)
    return f"""<section class="card"><h2>{escape(metric)}, {unit}</h2>
<figure>{chart(result, WIDE)}{chart(result, NARROW)}
<figcaption><span class="swatch range"></span>lowest to highest <span class="swatch mean"></span>mean</figcaption>
</figure>
<details><summary>All numbers</summary><div class="scroll" tabindex="0" role="region" aria-label="All numbers">
<table><thead><tr><th scope="col">Month</th>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>
</section>
<section class="card"><h2>Weather of {result.days} days</h2>{weather_bar(result)}
<ul class="legend">{legend}</ul></section>"""


def _facts(job: Job) -> str:
    transform, execution = job.transform, job.execution
    facts = [
        ("Version", f'<strong id="version">{escape(transform.version)}</strong>'),
        ("Route", f'<strong id="route">{transform.route}</strong>: {_ROUTES[transform.route]}'),
    ]
    if execution is not None and execution.began is not None:
        facts.append(("Began", _time(execution.began)))
    if execution is not None and execution.ended is not None:
        facts.append(("Ended", _time(execution.ended)))
    facts.append(("Execution", f"<code>{escape(transform.execution_arn or 'not known yet')}</code>"))
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f'<section class="card"><h2>What took it</h2><dl>{items}</dl></section>'


def _time(moment: datetime) -> str:
    utc = moment.astimezone(UTC)
    return f'<time datetime="{utc.isoformat(timespec="seconds")}">{utc:%Y-%m-%d %H:%M:%S} UTC</time>'


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:g}".replace("-", MINUS)
