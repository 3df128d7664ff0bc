"""What the demo's jobs have delivered, seen from outside: executions, objects in S3, documents in the index."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import boto3
from opensearchpy import OpenSearch, Urllib3HttpConnection

from canary_router.client.attributes import published
from canary_router.local.demo.load import Sent
from canary_router.local.deployment import ENVIRONMENT
from canary_router.local.record import Emulator
from canary_router.local.sample import SERVICE
from canary_router.settings import stack_name

ENDED_WITHIN = 180.0
"""Seconds that the jobs get after the last one was sent."""
_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Delivered:
    """What there is of the jobs that were sent.

    Attributes:
        ended: How each job's execution has ended, by its id; ``RUNNING`` for one that has not.
        versions: The version that ran it, by its id.
        days: How many days its result in S3 speaks of, by the id of each job that has one.
        documents: How many documents of it are in the index, by the id of each job that has any.
        warmest: The day with the highest temperature that the last version's index holds, in words; empty for none.
    """

    ended: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)
    documents: Mapping[str, int] = field(default_factory=dict)
    warmest: str = ""

    @property
    def succeeded(self) -> set[str]:
        """Ids of the jobs that did."""
        return {job for job, status in self.ended.items() if status == "SUCCEEDED"}

    def counts(self) -> dict[str, dict[str, int]]:
        """How many jobs have ended how, by version."""
        found: dict[str, Counter[str]] = {}
        for job, status in self.ended.items():
            found.setdefault(self.versions[job], Counter())[status] += 1
        return {version: dict(each) for version, each in found.items()}

    @property
    def is_complete(self) -> bool:
        """Whether exactly the jobs that succeeded have a result, and the index as many documents as that has days."""
        return set(self.days) == self.succeeded and dict(self.documents) == dict(self.days)


def look(session: boto3.Session, emulator: Emulator, sent: Sequence[Sent]) -> Delivered:
    """Waits until every job that was sent has ended, for a time, and looks at what is there then.

    Args:
        session: For the emulator.
        emulator: Its record, which says where the index is.
        sent: The requests; those that failed have no job.
    """
    versions = {it.transform_id: it.version for it in sent if it.transform_id}
    tags = list(dict.fromkeys(versions.values()))
    stacks = {tag: published(ENVIRONMENT, stack_name(SERVICE, tag), session) for tag in tags}
    ended = _ended(session, [stacks[tag]["state_machine_arn"] for tag in tags], versions)
    days: dict[str, int] = {}
    for tag in tags:
        days |= _days(session, stacks[tag]["results"], [job for job, version in versions.items() if version == tag])
    index = OpenSearch(hosts=[emulator.search_endpoint], connection_class=Urllib3HttpConnection)
    documents: dict[str, int] = {}
    for tag in tags:
        documents |= _documents(index, stack_name(SERVICE, tag), versions)
    filled = [tag for tag in tags if any(versions[job] == tag for job in documents)]
    warmest = _warmest(index, stack_name(SERVICE, filled[-1])) if filled else ""
    return Delivered(ended, versions, days, documents, warmest)


def _ended(session: boto3.Session, machines: Iterable[str], jobs: Iterable[str]) -> dict[str, str]:
    states = session.client("stepfunctions")
    until = time.monotonic() + ENDED_WITHIN
    while True:
        found: dict[str, str] = dict.fromkeys(jobs, "RUNNING")
        for machine in machines:
            pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
            ours = ((it["name"], it["status"]) for page in pages for it in page["executions"] if it["name"] in found)
            found |= dict(ours)
        if "RUNNING" not in found.values() or time.monotonic() > until:
            return found
        time.sleep(_POLL_SECONDS)


def _days(session: boto3.Session, results: str, jobs: Sequence[str]) -> dict[str, int]:
    """The days of each result of these jobs under ``s3://bucket/prefix/``."""
    bucket, _, prefix = results.removeprefix("s3://").partition("/")
    s3 = session.client("s3")
    keys = {f"{prefix}{job}.json": job for job in jobs}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    there = [it["Key"] for page in pages for it in page.get("Contents", ()) if it["Key"] in keys]
    return {keys[key]: json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])["days"] for key in there}


def _documents(index: OpenSearch, name: str, jobs: Mapping[str, str]) -> dict[str, int]:
    """How many documents of each of these jobs are in an index."""
    if not index.indices.exists(index=name):
        return {}
    count = {"terms": {"field": "transform_id", "size": 10_000}}
    found = index.search(index=name, body={"size": 0, "aggs": {"jobs": count}})
    buckets: list[dict[str, Any]] = found["aggregations"]["jobs"]["buckets"]
    return {it["key"]: it["doc_count"] for it in buckets if it["key"] in jobs}


def _warmest(index: OpenSearch, name: str) -> str:
    highest = {
        "size": 1,
        "query": {"term": {"metric": "temp_max"}},
        "sort": [{"value": "desc"}, {"date": "asc"}],
    }
    hits = index.search(index=name, body=highest)["hits"]["hits"] if index.indices.exists(index=name) else []
    return f"{hits[0]['_source']['date']} with {hits[0]['_source']['value']} °C" if hits else ""
