"""Cold starts: fresh processes, from the interpreter's start to the first answer, over TLS.

Each handler that is compared warm is started cold; and boto3 with four clients, made at the start as handlers do,
makes the very calls that ours makes, since its limit is against that.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

from bench.aws import environment

_BOTO3 = """
import json, boto3
ssm, table, functions, executions = (boto3.client(n) for n in ("ssm", "dynamodb", "lambda", "stepfunctions"))
from bench.names import ARN, KEY, NAMES
found = ssm.get_parameters(Names=NAMES)["Parameters"]
assert len(found) == 3
if {awake}:
    table.get_item(TableName="t", Key=KEY)
    put = {{"TableName": "t", "Item": {{**KEY, "status": {{"S": "ADMITTED"}}}}}}
    table.transact_write_items(TransactItems=[{{"Put": put}}])
json.loads(functions.invoke(FunctionName=ARN, Payload=b'{{"transform_id": "t-1"}}')["Payload"].read())
if {awake}:
    values = {{":a": {{"N": "1"}}}}
    table.update_item(TableName="t", Key=KEY, UpdateExpression="SET a = :a", ExpressionAttributeValues=values)
"""
_OURS = """
import json, sys
event = json.loads(sys.argv[1])
from canary_router.lambdas.request import handler
answer = handler(event, None)
assert answer["statusCode"] == 202, answer
"""


def programs(event: dict[str, str]) -> dict[str, list[str]]:
    """The programs that are started, by name."""
    return {
        "bare interpreter": ["-c", "pass"],
        **{name: ["-c", f"from bench import others\nothers.{call}()"] for name, call in _OTHERS.items()},
        "boto3, four clients, asleep": ["-c", _BOTO3.format(awake=False)],
        "boto3, four clients, admitted": ["-c", _BOTO3.format(awake=True)],
        "ours, asleep": ["-c", _OURS, event["asleep"]],
        "ours, awake and full": ["-c", _OURS, event["full"]],
        "ours, admitted": ["-c", _OURS, event["admitting"]],
        **{f"one Invoke over {name}": [_CANDIDATES, name] for name in ("boto3", "botocore", "http.client", "wire")},
    }


_OTHERS = {
    "bare": "bare()",
    "naive, asleep": "naive_asleep()",
    "naive, 10 records, 1 running": "naive_canary(10, 1)",
    "naive, 1,000 records, 1 running": "naive_canary(1_000, 1)",
    "naive, 100,000 records, 1 running": "naive_canary(100_000, 1)",
}
_CANDIDATES = str(Path(__file__).with_name("candidates.py"))


def start(program: list[str], url: str, ca_bundle: Path | None = None) -> tuple[float, float]:
    """Runs a program in a fresh process: milliseconds of wall and of processor time.

    Raises:
        RuntimeError: It failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *program], env=environment(url, ca_bundle), capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{program[:2]}: {done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall * 1000, cpu * 1000
