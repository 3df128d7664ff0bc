"""Spark in this process, in local mode: a session that is there before the first run, and that outlives the runs."""

import os
import runpy
import shlex
import sys
import tempfile
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

MEMORY = "512m"
_OPTIONS = {
    "spark.master": "local[2]",
    "spark.driver.memory": MEMORY,
    # Nothing listens but to this machine.
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.default.parallelism": "2",
    "spark.sql.shuffle.partitions": "2",
    # Short jobs are done before the better compiler has paid off.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData",
}


class Spark:
    """See ``process.Engine``."""

    def __init__(self) -> None:
        # Another Spark that the caller has set up is no business of ours.
        for name in [name for name in os.environ if name.startswith(("SPARK_", "PYSPARK_"))]:
            del os.environ[name]
        folder = os.getcwd()  # noqa: PTH109 - a string is wanted
        options = _OPTIONS | {"spark.local.dir": folder, "spark.sql.warehouse.dir": f"{folder}/warehouse"}
        settings = [part for name, value in options.items() for part in ("--conf", f"{name}={value}")]
        # As defaults, and not in a builder: a session that a script makes after it has stopped this one has them too.
        os.environ |= {
            "PYSPARK_SUBMIT_ARGS": shlex.join([*settings, "pyspark-shell"]),
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_HOME": str(Path(pyspark.__file__).parent),
        }
        self._settings: dict[str, str] = {}

    def warm(self) -> None:
        """Makes the session, unless there is one, and lets it do once what jobs do: the first time takes seconds."""
        if SparkSession.getActiveSession() is not None:
            return
        spark = SparkSession.builder.getOrCreate()
        self._settings = dict(spark.conf.getAll)
        with tempfile.TemporaryDirectory(dir=os.getcwd()) as folder:  # noqa: PTH109 - a string is wanted
            Path(folder, "data.csv").write_text("key,value\na,1\nb,2\n", encoding="utf-8")
            rows = spark.read.csv(f"{folder}/data.csv", header=True).rdd.map(lambda row: row.asDict())
            rows.groupBy(lambda row: row["key"]).map(str).saveAsTextFile(f"{folder}/out")

    def run(self, script: str, _arguments: list[str]) -> None:
        """See the base class."""
        runpy.run_path(script, run_name="__main__")

    def tidy(self) -> None:
        """Takes away what a run has left in the session; makes a new one when the script has stopped it.

        Raises:
            Exception: The session is there and broken.
        """
        spark = SparkSession.getActiveSession()
        if spark is None:
            self.warm()
            return
        spark.catalog.clearCache()
        for table in spark.catalog.listTables():
            if table.isTemporary:
                spark.catalog.dropTempView(table.name)
        now = dict(spark.conf.getAll)
        for name in now.keys() - self._settings.keys():
            spark.conf.unset(name)
        for name, value in self._settings.items():
            if now.get(name) != value:
                spark.conf.set(name, value)
