"""What must hold of the chaos, judged by the ledgers of all hands and by what the server has in the end.

A worker's clock says when it *heard* of a delivery, which is later than the delivery. Every judgement leans to the side on which it cannot be
unjust: a lease runs until its length after the worker heard of it; a delivery came before it was heard of. What a worker that was killed, or
whose connection broke, may have been given and did not hear of is a blind spot.
"""

import bisect
import collections

from .stations import STATIONS

# Between a server's giving and a worker's noting.
HEARSAY = 0.1


class Delivery:
    def __init__(self, station, id, kind, heard, worker, wall):
        self.station, self.id, self.kind, self.heard, self.worker, self.wall = station, id, kind, heard, worker, wall
        self.renewed = []

    def lease(self):
        """When its lease ends: no sooner than the one, no later than the other."""
        sent, heard = max(self.renewed, default=(self.heard - HEARSAY, self.heard))
        return sent + self.station.ack_wait / 1000, heard + self.station.ack_wait / 1000


class Record:
    """The ledgers, put in order."""

    def __init__(self, ledgers, final):
        self.final = final
        self.deliveries = collections.defaultdict(list)
        self.acks, self.nacks = collections.defaultdict(list), collections.defaultdict(list)
        self.begins = {}
        # What anybody sent to end an attempt: who lost a lease may still do so, to whoever has it then.
        self.ends = collections.defaultdict(list)
        self.waits, self.blind = collections.defaultdict(list), collections.defaultdict(list)
        self.pictures, self.refused, self.added = [], [], []
        # From before the server was killed until it was gone, and until another was ready.
        self.kills, self.down = [], []
        self.hiccups = [(t - facts["ms"] / 1000, t) for t, _, facts in ledgers.get("hiccups", [])]
        crew = ledgers["crew"]
        stations = {station.name: station for station in STATIONS}
        self.read_crew(crew)
        for _, what, facts in crew:
            if what == "hired":
                self.read_worker(facts["worker"], stations[facts["station"]], ledgers.get(facts["worker"], []))
        for name, lines in ledgers.items():
            for t, what, facts in lines:
                if what == "refused":
                    self.refused.append(f"{name}: {facts['command']}: {facts['error']}")
                elif what == "added":
                    self.added.append((t, facts))
                elif what == "picture":
                    self.pictures.append((t, facts))
        for found in (*self.deliveries.values(), *self.acks.values()):
            found.sort(key=lambda one: one.heard if isinstance(one, Delivery) else one[0])

    def read_crew(self, crew):
        self.killed = {facts["worker"]: t for t, what, facts in crew if what == "killed"}
        killed = None
        for t, what, _ in crew:
            if what == "server-killed":
                killed = t
            elif what == "server-gone":
                self.kills.append((killed, t))
            elif what == "server-ready":
                self.down.append((killed, t))

    def read_worker(self, name, station, lines):
        waiting, mine, ack = None, {}, None
        place = station.name
        for t, what, facts in lines:
            if what == "wait":
                waiting = t
            elif what in ("got", "gone") and waiting is not None:
                self.waits[place].append((waiting, t))
                if what == "gone":
                    self.blind[place].append(t)
                waiting = None
            if what == "got":
                for id, k in zip(facts["ids"], facts["ks"]):
                    kind = None if not station.order else "*" if station.order == "*" else k
                    mine[id] = Delivery(station, id, kind, t, name, facts["wall"])
                    self.deliveries[place, id].append(mine[id])
            elif what == "begin":
                self.begins[place, name, facts["id"]] = t
            elif what == "ack":
                ack = [t, None, name, None]
                self.acks[place, facts["id"]].append(ack)
                self.ends[place, facts["id"]].append((t, "ack"))
            elif what == "acked":
                ack[1], ack[3] = facts["count"], t
            elif what == "nack":
                self.ends[place, facts["id"]].append((t, "nack"))
                self.nacks[place, facts["id"]].append(facts["mode"])
            elif what == "touched":
                for id, held in zip(facts["ids"], facts["held"]):
                    if held and id in mine:
                        mine[id].renewed.append((facts["sent"], t))
        if name in self.killed:
            if waiting is not None:
                self.waits[place].append((waiting, self.killed[name]))
                self.blind[place].append(self.killed[name])
        for begun, ended in self.down:
            self.blind[place] += [begun, ended]

    def ended(self, one, until):
        """When an attempt that began before was ended by somebody's word, if it was."""
        ends = self.ends[one.station.name, one.id]
        return min((t for t, _ in ends if one.heard - HEARSAY < t < until), default=None)

    def free(self, place, start, end):
        """For how long, at most, one worker of the station stood waiting between two moments, beyond what the machine took."""
        longest = 0.0
        for waited, until in self.waits[place]:
            if until > start and waited < end:
                since, to = max(waited, start), min(until, end)
                longest = max(longest, to - since - self.stolen(since, to))
        return longest

    def stolen(self, start, end):
        at = bisect.bisect_left(self.hiccups, (start - 2, 0))
        taken = 0.0
        for begun, ended in self.hiccups[at:]:
            if begun > end:
                break
            taken += max(0.0, min(ended, end) - max(begun, start))
        return taken

    def excused(self, place, early, late, end, wait):
        """When something was due at the latest, given that it may have gone to a blind spot between."""
        for at in sorted(self.blind[place]):
            if early <= at + HEARSAY and at - HEARSAY <= end:
                late = max(late, at + HEARSAY + wait)
        return late


class Verdict:
    def __init__(self, record, slack_ms):
        self.record, self.slack = record, slack_ms / 1000
        self.faults, self.counts = [], collections.Counter()
        self.worst = collections.defaultdict(float)

    def fault(self, text):
        self.faults.append(text)

    def judge(self):
        self.faults += self.record.refused[:3]
        self.everything_added_is_there()
        for station in STATIONS:
            self.each_ends_once(station)
            if station.max_deliver:
                self.none_is_tried_too_often(station)
            if station.order:
                self.one_holder(station)
                self.in_order(station)
            else:
                self.no_lease_is_cut_short(station)
                self.none_waits_too_long(station)
        self.scheduled_on_time()
        self.pictures_show_one_holder()
        return self.faults

    def everything_added_is_there(self):
        for _, facts in self.record.added:
            self.counts["added"] += 1
            fields = self.record.final["entries"][facts["stream"]].get(facts["id"])
            if fields is None:
                self.fault(f"{facts['stream']}: {facts['id']} ({facts['uid']}) was added and is not there")
            elif fields.get("uid") != facts["uid"]:
                self.fault(f"{facts['stream']}: {facts['id']} was answered to {facts['uid']} and is {fields.get('uid')}")
        for stream, entries in self.record.final["entries"].items():
            uids = collections.Counter(fields.get("uid") for fields in entries.values())
            doubled = [uid for uid, count in uids.items() if count > 1 + len(self.record.down)]
            if doubled:
                self.fault(f"{stream}: there more than once: {doubled[:3]}")

    def each_ends_once(self, station):
        dead = collections.Counter(fields["dead-id"] for fields in self.record.final["dead"].get(station.dead, {}).values()
                                   if fields["dead-group"] == station.group)
        pending = self.record.final["pending"][station.name]
        for id in self.record.final["entries"][station.stream]:
            acks = self.record.acks.get((station.name, id), [])
            sure = sum(ack[1] for ack in acks if ack[1])
            maybe = any(self.may_have_counted(ack) for ack in acks)
            ends = sure + dead[id] + (id in pending)
            self.counts["acknowledged"] += sure
            self.counts["dead"] += dead[id]
            self.counts["parked"] += id in pending
            if ends > 1:
                self.fault(f"{station.name}: {id} ends {ends} times: {sure} acknowledged, {dead[id]} dead, pending {pending.get(id)}")
            elif ends == 0 and not maybe:
                tries = [(d.worker, round(d.heard, 3)) for d in self.record.deliveries.get((station.name, id), [])]
                self.fault(f"{station.name}: {id} is lost: neither acknowledged, dead, nor pending; delivered to {tries}, "
                           f"acknowledgements {acks}, the server killed {self.record.kills}")
        if station.max_deliver == 0 and dead:
            self.fault(f"{station.name}: {len(dead)} dead letters without a limit")
        for fields in self.record.final["dead"].get(station.dead, {}).values():
            if fields["dead-reason"] == "maxdeliver" and int(fields["dead-count"]) < station.max_deliver:
                self.fault(f"{station.name}: {fields['dead-id']} is dead after {fields['dead-count']} of {station.max_deliver}")

    def may_have_counted(self, ack):
        """It was not answered; or redis-py sent it again, since the server was killed, and it had counted the first time.

        A server that is being killed goes on until it is gone.
        """
        sent, count, _, heard = ack
        return count is None or count == 0 and any(sent <= gone and killed <= heard for killed, gone in self.record.kills)

    def none_is_tried_too_often(self, station):
        for (place, id), deliveries in self.record.deliveries.items():
            if place == station.name:
                silent = self.record.nacks[place, id].count("SILENT")
                if len(deliveries) > station.max_deliver + silent:
                    self.fault(f"{place}: {id} was tried {len(deliveries)} times, {silent} of them silent; {station.max_deliver} are allowed")

    def pairs(self, station):
        for (place, id), deliveries in self.record.deliveries.items():
            if place == station.name:
                self.counts["delivered"] += len(deliveries)
                self.counts["delivered again"] += len(deliveries) - 1
                yield from ((id, one, other) for one, other in zip(deliveries, deliveries[1:]))

    def no_lease_is_cut_short(self, station):
        for id, one, other in self.pairs(station):
            early, _ = one.lease()
            if other.heard < early and self.record.ended(one, other.heard) is None:
                self.fault(f"{station.name}: {id} was given to {other.worker} {early - other.heard:.3f} s before the lease of {one.worker} ended")

    def none_waits_too_long(self, station):
        for id, one, other in self.pairs(station):
            if self.record.ended(one, other.heard) is not None:
                continue
            early, late = one.lease()
            due = self.record.excused(station.name, early, late, other.heard, station.ack_wait / 1000)
            waited = self.record.free(station.name, due, other.heard)
            self.counts["leases that ran out"] += 1
            self.worst["late redelivery, ms"] = max(self.worst["late redelivery, ms"], round(waited * 1000, 1))
            if waited > self.slack:
                self.fault(f"{station.name}: {id} waited {waited * 1000:.0f} ms though its lease had run out and a worker was free; "
                           f"{one.worker} heard of it {other.heard - one.heard:.3f} s before {other.worker}")

    def one_holder(self, station):
        """From hearing of a class until all of it is settled, one is given back, or a lease on it ends, nobody else is given any of it."""
        calls = collections.defaultdict(list)
        for (place, _), deliveries in self.record.deliveries.items():
            for one in deliveries if place == station.name else ():
                if one.kind is not None:
                    calls[one.kind, one.heard, one.worker].append(one)
        by_kind = collections.defaultdict(list)
        for (kind, heard, worker), held in sorted(calls.items(), key=lambda item: item[0][1]):
            by_kind[kind].append((heard, self.held_until(held), worker, [one.id for one in held]))
        for kind, holds in by_kind.items():
            for (_, until, worker, ids), (heard, _, other, others) in zip(holds, holds[1:]):
                self.counts["hand-overs of a class"] += 1
                if heard < until:
                    self.fault(f"{station.name}: {other} got {others} of class {kind} {until - heard:.3f} s before {worker} was done with {ids}")

    def held_until(self, held):
        lease = min(one.lease()[0] for one in held)
        ends = {one.id: [end for end in self.record.ends[one.station.name, one.id] if end[0] > one.heard - HEARSAY] for one in held}
        given_back = min((t for found in ends.values() for t, how in found if how == "nack"), default=lease)
        settled = [min((t for t, how in found if how == "ack"), default=lease) for found in ends.values()]
        return min(lease, given_back, max(settled))

    def in_order(self, station):
        """An entry is begun, and acknowledged, after all earlier ones of its class were."""
        kinds = collections.defaultdict(list)
        for id, fields in self.record.final["entries"][station.stream].items():
            kind = "*" if station.order == "*" else fields.get(station.order)
            if kind is not None:
                kinds[kind].append((number(id), id))
        for kind, ids in kinds.items():
            last, before = 0.0, None
            for _, id in sorted(ids):
                acks = self.record.acks.get((station.name, id), [])
                for sent, count, worker, _ in acks:
                    begun = self.record.begins[station.name, worker, id]
                    if count == 1 and begun < last:
                        self.fault(f"{station.name}: {id} of class {kind} was begun {last - begun:.3f} s before {before} was acknowledged")
                if acks and acks[0][0] > last:
                    last, before = acks[0][0], id

    def scheduled_on_time(self):
        judged = [station for station in STATIONS if not station.order and "MAXPENDING" not in station.options]
        for added, facts in self.record.added:
            if not facts["delay"]:
                continue
            self.counts["scheduled"] += 1
            target = int(facts["id"].partition("-")[0])
            for station in STATIONS:
                if station.stream != facts["stream"]:
                    continue
                deliveries = self.record.deliveries.get((station.name, facts["id"]), [])
                for one in deliveries[:1]:
                    if one.wall < target - 1:
                        self.fault(f"{station.name}: {facts['id']} came {target - one.wall} ms too early")
                    due = max(one.heard - (one.wall - target) / 1000, added)
                    if station in judged:
                        self.judge_first(station, facts["id"], due, one)

    def judge_first(self, station, id, due, one):
        due = self.record.excused(station.name, due, due, one.heard, station.ack_wait / 1000)
        waited = self.record.free(station.name, due, one.heard)
        self.worst["late schedule, ms"] = max(self.worst["late schedule, ms"], round(waited * 1000, 1))
        if waited > self.slack:
            self.fault(f"{station.name}: {id} came {waited * 1000:.0f} ms after its time though a worker was free")

    def pictures_show_one_holder(self):
        stations = {station.name: station for station in STATIONS}
        for _, facts in self.record.pictures:
            station = stations[facts["station"]]
            entries = self.record.final["entries"][station.stream]
            holders, waiting = {}, {}
            self.counts["pictures"] += 1
            for id, owner in facts["rows"]:
                kind = "*" if station.order == "*" else entries.get(id, {}).get(station.order)
                if kind is None:
                    continue
                if not owner:
                    waiting.setdefault(kind, id)
                elif holders.setdefault(kind, owner) != owner:
                    self.fault(f"{station.name}: {holders[kind]} and {owner} hold class {kind} at once")
                elif kind in waiting:
                    self.fault(f"{station.name}: {owner} holds {id} of class {kind} while {waiting[kind]} waits")


def number(id):
    ms, _, sequence = id.partition("-")
    return int(ms), int(sequence)
