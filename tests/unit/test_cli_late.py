"""Clients that are made when they are first used: once, whoever asks, and one at a time."""

import threading
import time
from typing import Any, cast

import boto3

from canary_router.cli.late import late


class Session:
    """As boto3's: it may not make two clients at a time."""

    region_name = "eu-west-1"

    def __init__(self) -> None:
        self.made = 0
        self.at_once = 0
        self.most_at_once = 0

    def client(self, *_: Any, **__: Any) -> object:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(0.05)
        self.at_once -= 1
        self.made += 1
        return self


def test_a_client_that_several_threads_ask_for_is_made_once_and_two_are_made_one_after_the_other() -> None:
    session = Session()
    clients = [late(cast("boto3.Session", session)).client(name) for name in ("ssm", "dynamodb")]
    assert session.made == 0
    threads = [threading.Thread(target=getattr, args=(client, "made")) for client in clients * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (session.made, session.most_at_once) == (2, 1)
