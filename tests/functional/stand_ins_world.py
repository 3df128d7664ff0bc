"""The stand-ins on this machine, as the tests of each need them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformer.standins.web import Server, StandIn


@contextmanager
def served(**stand_ins: StandIn) -> Iterator[str]:
    """Serves stand-ins by their prefix; gives where, without a slash at the end."""
    server = Server(0, stand_ins)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.url
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def children(pid: int) -> list[int]:
    """The living processes whose parent this one is."""
    return [child for child, (state, parent) in _processes().items() if parent == str(pid) and state != "Z"]


def processes_about(text: str) -> list[int]:
    """The living processes whose command line holds a text."""
    found = []
    for pid, (state, _) in _processes().items():
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # gone meanwhile
            continue
        if text in command and state != "Z":
            found.append(pid)
    return found


def listened_at(pid: int) -> set[str]:
    """The addresses at which a process listens, as ``/proc/net`` writes them."""
    sockets = set[str]()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(str(entry.readlink()))
        except OSError:  # closed meanwhile
            continue
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    return {fields[1].partition(":")[0] for fields in lines if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets}


def _processes() -> dict[int, tuple[str, str]]:
    """State and parent of each process."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except OSError:  # gone meanwhile
            continue
        found[int(entry.name)] = (fields[0], fields[1])
    return found
