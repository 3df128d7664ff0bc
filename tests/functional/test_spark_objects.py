"""What the stand-in for EMR Serverless copies between S3 and this machine, and what it will not."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.functional import spark_world
from tests.functional.spark_world import BUCKET

from transformer.standins.spark import objects
from transformer.standins.spark.objects import Copied, NotCopied, Objects, Place

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="module")
def s3() -> Iterator["S3Client"]:
    with spark_world.s3() as client:
        yield client


@pytest.fixture(autouse=True)
def _emptied_bucket(s3: "S3Client") -> Iterator[None]:
    yield
    for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        s3.delete_object(Bucket=BUCKET, Key=found["Key"])


@pytest.fixture
def copies(s3: "S3Client", tmp_path: Path) -> Objects:
    (tmp_path / "cache").mkdir()
    return Objects(s3, tmp_path / "cache")


@pytest.fixture
def job(tmp_path: Path) -> Copied:
    return Copied(tmp_path / "job")


def put(s3: "S3Client", *keys: str) -> None:
    for key in keys:
        s3.put_object(Bucket=BUCKET, Key=key, Body=key.encode())


def keys(s3: "S3Client") -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def files(job: Copied) -> list[str]:
    return sorted(str(path.relative_to(job.root / BUCKET)) for path in job.root.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "url",
    [
        "s3://UPPER/a", "s3://b", "https://bucket/a", "s3:///a", "s3://bucket//a", "s3://bucket/a//b", "s3://bucket/../a",
        "s3://bucket/a/./b", "s3://bucket/a/..", "s3://bucket/a*", "s3://bucket/{a,b}", "s3://bucket/a\0", "s3://bucket/a?",
    ],
)  # fmt: skip
def test_a_place_that_could_lead_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(NotCopied):
        Place.read(url)


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("days/", ["days/1", "days/2/a"]),
        ("days", ["days/1", "days/2/a"]),
        ("days/1", ["days/1"]),
        ("day", []),
        ("", ["days/1", "days/2/a", "daysoff"]),
    ],
)
def test_a_place_is_one_object_or_what_is_below_it(
    s3: "S3Client", copies: Objects, job: Copied, key: str, found: list[str]
) -> None:
    put(s3, "days/1", "days/2/a", "days/2/", "daysoff")
    path = copies.fetch(Place(BUCKET, key), job)
    assert path == f"{job.root}/{BUCKET}/{key}"
    assert files(job) == found


@pytest.mark.parametrize("key", ["days//a", "days/../../a", "days/./a"])
def test_a_key_that_cannot_be_a_path_is_refused(s3: "S3Client", copies: Objects, job: Copied, key: str) -> None:
    put(s3, key)
    with pytest.raises(NotCopied, match="cannot be a file here"):
        copies.fetch(Place(BUCKET, "days/"), job)


def test_an_object_and_a_folder_of_one_name_are_refused(s3: "S3Client", copies: Objects, job: Copied) -> None:
    put(s3, "days/a", "days/a/b")
    with pytest.raises(NotCopied, match="cannot be a file here"):
        copies.fetch(Place(BUCKET, "days/"), job)


def test_more_than_fits_is_refused(s3: "S3Client", tmp_path: Path, copies: Objects, job: Copied) -> None:
    put(s3, "days/a")
    job.bytes = objects.MAX_BYTES - 5
    with pytest.raises(NotCopied, match=str(objects.MAX_BYTES)):
        copies.fetch(Place(BUCKET, "days/"), job)


def test_what_was_written_is_published_and_nothing_else(s3: "S3Client", copies: Objects, job: Copied) -> None:
    put(s3, "data/kept", "out/old", "out/changed")
    copies.fetch(Place(BUCKET, "data/"), job)
    out = Path(copies.fetch(Place(BUCKET, "out/"), job))
    (out / "changed").write_text("anew")
    (out / "old").unlink()
    (out / "_temporary").mkdir()
    for name in ("part-0", "_SUCCESS", ".part-0.crc", "_temporary/part-1"):
        (out / name).write_text(name)
    (out / "link").symlink_to("/etc/hostname")
    (job.root / BUCKET / "elsewhere").write_text("of no argument")
    written = list[str]()
    s3.meta.events.register("before-call.s3.PutObject", lambda params, **_: written.append(params["url_path"]))
    copies.publish(job)
    assert keys(s3) == ["data/kept", "out/_SUCCESS", "out/changed", "out/part-0"]
    assert s3.get_object(Bucket=BUCKET, Key="out/changed")["Body"].read() == b"anew"
    assert [Path(path).name for path in written] == ["changed", "part-0", "_SUCCESS"]


def test_places_within_each_other_are_copied_once(s3: "S3Client", copies: Objects, job: Copied) -> None:
    put(s3, "data/a", "data/b/c")
    copies.fetch(Place(BUCKET, "data/"), job)
    copies.fetch(Place(BUCKET, "data/b"), job)
    assert files(job) == ["data/a", "data/b/c"]
    copies.publish(job)
    assert keys(s3) == ["data/a", "data/b/c"]


def test_what_a_script_writes_into_its_data_does_not_stay_for_the_next(
    s3: "S3Client", copies: Objects, tmp_path: Path
) -> None:
    put(s3, "data/a")
    first, second = Copied(tmp_path / "1"), Copied(tmp_path / "2")
    path = Path(copies.fetch(Place(BUCKET, "data/a"), first))
    with path.open("a") as file:
        file.write("!")
    assert Path(copies.fetch(Place(BUCKET, "data/a"), second)).read_text() == "data/a"
    copies.publish(first)
    assert s3.get_object(Bucket=BUCKET, Key="data/a")["Body"].read() == b"data/a!"


def test_the_cache_is_emptied_when_it_is_full(s3: "S3Client", tmp_path: Path) -> None:
    class Small(Objects):
        max_kept = 10

    (tmp_path / "cache").mkdir()
    copies = Small(s3, tmp_path / "cache")
    put(s3, "data/aaa", "data/bbb")
    copies.fetch(Place(BUCKET, "data/"), Copied(tmp_path / "1"))
    assert len(list((tmp_path / "cache").iterdir())) == 1
    assert files(Copied(tmp_path / "1")) == ["data/aaa", "data/bbb"]
