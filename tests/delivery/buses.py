"""EventBridge across accounts: S3's events of the development account come to the stages' buses, and start pipelines.

The emulator makes the events and matches them with every rule. It brings none to another account: that is played here,
by the targets of the rules that were deployed and by the policy of the bus. Its events lack the object's version, which
is added.
"""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.delivery.accounts import Account

SECONDS = 20.0


@dataclass(frozen=True)
class Forwarded:
    """An event on its way to a bus."""

    bus: str
    event: dict[str, Any]


class Outbound:
    """What the rules of an account send to buses of other accounts."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._queues: dict[str, str] = {}
        events, sqs = account.client("events"), account.client("sqs")
        for rule in events.list_rules()["Rules"]:
            targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            for bus in [it["Arn"] for it in targets if ":event-bus/" in it["Arn"]]:
                queue = sqs.create_queue(QueueName=f"played-{len(self._queues)}")["QueueUrl"]
                arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
                # Beside the bus: what the emulator would send there, it sends here.
                answer = events.put_targets(Rule=rule["Name"], Targets=[{"Id": "played", "Arn": arn}])
                assert not answer["FailedEntryCount"], answer
                self._queues[queue] = bus

    def sent(self, count: int) -> list[Forwarded]:
        """Waits for so many events, and sees whether there are more."""
        found: list[Forwarded] = []
        deadline = time.monotonic() + SECONDS
        while len(found) < count and time.monotonic() < deadline:
            found += self._received()
            time.sleep(0.05)
        time.sleep(0.3)
        found += self._received()
        assert len(found) == count, found
        return found

    def _received(self) -> list[Forwarded]:
        found = []
        sqs = self._account.client("sqs")
        for queue, bus in self._queues.items():
            for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                found.append(Forwarded(bus, self._with_version(json.loads(message["Body"]))))
        return found

    def _with_version(self, event: dict[str, Any]) -> dict[str, Any]:
        bucket, written = event["detail"]["bucket"]["name"], event["detail"]["object"]
        versions = self._account.client("s3").list_object_versions(Bucket=bucket, Prefix=written["key"])["Versions"]
        (version,) = [it["VersionId"] for it in versions if it["ETag"].strip('"') == written["etag"]]
        written["version-id"] = version
        return event


def lets_in(policy: Mapping[str, Any], forwarded: Forwarded) -> bool:
    """Whether the policy of a bus lets another account put an event there. A condition it does not know is no."""
    statement, event = policy["Statement"], forwarded.event
    told = {"events:source": event["source"], "events:detail-type": event["detail-type"]}
    conditions = statement.get("Condition", {})
    for operator, keys in conditions.items():
        for key, value in keys.items():
            match operator:
                case "StringEquals" | "ForAllValues:StringEquals" if told.get(key) == value:
                    continue
                case "Null" if value == "false" and key in told:
                    continue
            return False
    wanted = ("Allow", "events:PutEvents", forwarded.bus, {"AWS": f"arn:aws:iam::{event['account']}:root"})
    return tuple(statement[part] for part in ("Effect", "Action", "Resource", "Principal")) == wanted


def matching_targets(account: Account, event: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """The rules on an account's bus that have an event, each with its targets."""
    events = account.client("events")
    found = []
    for rule in events.list_rules()["Rules"]:
        pattern = rule.get("EventPattern")
        if pattern and events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]:
            targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            found += [(rule["Arn"], target) for target in targets]
    return found


def transformed(target: Mapping[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    """The input that a target is given, by its input transformer: a text in the template stands without its quotes."""
    transformer = target["InputTransformer"]
    text = transformer["InputTemplate"]
    for name, path in transformer["InputPathsMap"].items():
        value: Any = event
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        quoted = text.count(f'"<{name}>"')
        text = text.replace(f"<{name}>", str(value) if quoted else json.dumps(value))
    made: dict[str, Any] = json.loads(text)
    return made


def put_own(account: Account, source: str, kind: str, detail: Mapping[str, Any]) -> None:
    """An event of AWS's own, which nobody else may put: it is brought to the functions that the rules have for it."""
    event = {
        "version": "0",
        "id": str(uuid.uuid4()),
        "source": source,
        "detail-type": kind,
        "account": account.number,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "region": account.emulator.region,
        "resources": [],
        "detail": detail,
    }
    functions = account.client("lambda")
    for rule, target in matching_targets(account, event):
        policy = json.loads(functions.get_policy(FunctionName=target["Arn"])["Policy"])
        assert any(_lets_call(statement, rule) for statement in policy["Statement"]), (rule, policy)
        functions.invoke(FunctionName=target["Arn"], InvocationType="Event", Payload=json.dumps(event))


def _lets_call(statement: Mapping[str, Any], rule: str) -> bool:
    conditions = statement.get("Condition", {})
    return (
        statement["Principal"] == {"Service": "events.amazonaws.com"}
        and statement["Action"] == "lambda:InvokeFunction"
        and all(keys == {"AWS:SourceArn": rule} for keys in conditions.values())
    )
