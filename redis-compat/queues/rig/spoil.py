"""Spoils what the chaos left, to prove that the verdict sees it. Each says whether it found something to spoil, and what the fault says."""

from .stations import STATIONS

ORDERED = next(station for station in STATIONS if station.order == "k")
PLAIN = next(station for station in STATIONS if station.by_config)
LIMITED = next(station for station in STATIONS if station.dead)


def acked_once(record, station):
    return ((id, acks) for (place, id), acks in record.acks.items() if place == station.name and len(acks) == 1 and acks[0][1] == 1)


def lose_an_ack(record):
    for _, acks in acked_once(record, PLAIN):
        acks[0][1] = 0
        return True


def double_an_ack(record):
    for _, acks in acked_once(record, PLAIN):
        acks.append(list(acks[0]))
        return True


def lose_an_entry(record):
    entries = record.final["entries"][PLAIN.stream]
    for _, facts in record.added:
        if facts["stream"] == PLAIN.stream:
            return entries.pop(facts["id"], None) is not None


def try_too_often(record):
    for (place, _), deliveries in record.deliveries.items():
        if place == LIMITED.name:
            deliveries += [deliveries[-1]] * 9
            return True


def come_early(record):
    for _, facts in record.added:
        for one in record.deliveries.get((PLAIN.name, facts["id"]), [])[:1] if facts["delay"] else ():
            one.wall -= 30_000
            return True


def come_late(record):
    """An entry whose lease ran out came again, but as if it had been due long before, with a worker waiting."""
    for (place, _), deliveries in record.deliveries.items():
        if place == PLAIN.name and len(deliveries) > 1 and record.ended(deliveries[0], deliveries[1].heard) is None:
            deliveries[0].heard -= 5
            record.blind[place].clear()
            record.waits[place].append((deliveries[1].heard - 3, deliveries[1].heard))
            record.hiccups.clear()
            return True


def hold_together(record):
    """Somebody else hears of an entry of a class while it is held."""
    for (place, id), deliveries in list(record.deliveries.items()):
        first = deliveries[0]
        if place == ORDERED.name and first.kind and len(deliveries) == 1:
            for other in record.final["entries"][ORDERED.stream]:
                record.ends.pop((place, other), None)
            twin = type(first)(first.station, first.id, first.kind, first.heard + 0.2, "somebody", first.wall)
            deliveries.append(twin)
            return True


def swap_order(record):
    """An entry is begun long before it was."""
    for id, acks in acked_once(record, ORDERED):
        fields = record.final["entries"][ORDERED.stream][id]
        if fields.get("k") and id == max((other for other, f in record.final["entries"][ORDERED.stream].items() if f.get("k") == fields["k"])):
            record.begins[ORDERED.name, acks[0][2], id] -= 60
            return True


def picture_two(record):
    for _, facts in record.pictures:
        entries = record.final["entries"][ORDERED.stream]
        kinds = [entries.get(id, {}).get("k") for id, owner in facts["rows"] if owner]
        if facts["station"] == ORDERED.name and any(kinds):
            id = next(id for id, owner in facts["rows"] if owner and entries.get(id, {}).get("k"))
            facts["rows"].append([id, "somebody"])
            return True


SPOILERS = {
    "an acknowledgement is lost": (lose_an_ack, "is lost"),
    "an acknowledgement counts twice": (double_an_ack, "ends 2 times"),
    "an entry is lost": (lose_an_entry, "is not there"),
    "an entry is tried too often": (try_too_often, "was tried"),
    "a scheduled entry comes early": (come_early, "too early"),
    "a lease that ran out is noticed late": (come_late, "waited"),
    "two hold a class": (hold_together, "before"),
    "an entry is begun before its predecessor is done": (swap_order, "was begun"),
    "a picture shows two holders": (picture_two, "at once"),
}
