"""The SQL of a job. It keeps to what Athena (Trino) and DuckDB both understand."""

from transformer.job.order import Order


def monthly(order: Order, table: str) -> str:
    """One row per month of the year: how many days were observed, and the metric's mean and extremes."""
    return f"""
        SELECT CAST(substr(observed_on, 6, 2) AS integer) AS month,
               count(*) AS days,
               min({order.metric}) AS lowest,
               round(avg({order.metric}), 2) AS mean,
               max({order.metric}) AS highest
        FROM {table}
        WHERE substr(observed_on, 1, 4) = '{order.year}'
        GROUP BY 1
        ORDER BY 1
    """  # noqa: S608 - an Order holds a number and the name of a known column, and the table is the deployment's choice


def weather(order: Order, table: str) -> str:
    """One row per kind of weather: on how many days of the year it was observed."""
    return f"""
        SELECT weather, count(*) AS days
        FROM {table}
        WHERE substr(observed_on, 1, 4) = '{order.year}'
        GROUP BY weather
        ORDER BY weather
    """  # noqa: S608 - see above
