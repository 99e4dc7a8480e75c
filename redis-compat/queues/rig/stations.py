"""The streams and groups of the chaos, what each group's policy is and how its workers behave."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Station:
    """A group and those who work in it."""

    stream: str
    group: str
    workers: int
    ack_wait: int
    options: tuple = ()
    by_config: bool = False
    max_deliver: int = 0
    dead: str = ""
    order: str = ""
    # How workers behave: chances for each entry.
    batch: int = 4
    work_ms: tuple = (0, 6)
    overslow: float = 0.0
    touches: bool = False
    fails: dict = field(default_factory=dict)
    drops: float = 0.0

    @property
    def name(self):
        return f"{self.stream}/{self.group}"


STATIONS = (
    # A worker that knows nothing but XREADGROUP and XACK.
    Station("jobs:mail", "plain", 3, 1000, by_config=True, overslow=0.01, drops=0.01),
    Station("orders", "ordered", 4, 800, ("ORDER", "k", "MAXPENDING", "60"), order="k", overslow=0.01, touches=True,
            fails={"FAIL": 0.05, "SILENT": 0.02}, drops=0.01),
    Station("orders", "single", 2, 700, ("ORDER", "*"), order="*", work_ms=(0, 2), batch=8, fails={"FAIL": 0.01}, drops=0.01),
    Station("tasks", "retry", 3, 500, ("BACKOFF", "100", "800", "MAXDELIVER", "4", "DEADLETTER", "tasks:dead"), max_deliver=4,
            dead="tasks:dead", overslow=0.01, fails={"FAIL": 0.25, "SILENT": 0.05, "FATAL": 0.03}, drops=0.02),
    Station("tasks", "audit", 2, 600, ("MAXDELIVER", "3", "MAXPENDING", "4000"), max_deliver=3, overslow=0.02,
            fails={"FAIL": 0.2, "DELAY": 0.05}, drops=0.01),
)

STREAMS = tuple(dict.fromkeys(station.stream for station in STATIONS))
KINDS = tuple("abcdefgh")
CONFIG = "stream-group-policy jobs* * ACKWAIT 1000\n"
