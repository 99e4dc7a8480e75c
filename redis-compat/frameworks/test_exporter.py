"""prometheus-redis-exporter scrapes a server that has something to tell, and finds what its dashboards show."""

import socket
import urllib.request

import pytest
import redis

import rig
from rig import until

SCRIPT = """
local sums = {}
table.insert(sums, "script_answer"); table.insert(sums, "42")
return sums
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def db():
    with redis.Redis(port=rig.PORT) as client:
        client.flushall()
        client.config_set("slowlog-log-slower-than", 0)
        client.set("page:1", "x" * 100)
        client.set("page:2", "y", ex=3600)
        client.set("counter", 41)
        client.rpush("queue", *range(7))
        client.xgroup_create("jobs", "crew", "0", mkstream=True)
        for n in range(5):
            client.xadd("jobs", {"n": n})
        client.xreadgroup("crew", "worker", {"jobs": ">"}, count=3)
        client.xack("jobs", "crew", *[id for id, _ in client.xrange("jobs", count=1)])
        client.set("gone", 1, px=1)
        until("a key has expired", lambda: not client.exists("gone"))
        client.get("page:1"), client.get("nothing")
        yield client
        client.config_set("slowlog-log-slower-than", 10_000)


@pytest.fixture
def scrape(workers, tmp_path):
    """What the exporter says: the value of each metric, by its name and labels as written."""
    script = tmp_path / "script.lua"
    script.write_text(SCRIPT)
    port = free_port()
    workers.start(
        "prometheus-redis-exporter",
        "-redis.addr", f"redis://127.0.0.1:{rig.PORT}",
        "-web.listen-address", f"127.0.0.1:{port}",
        "-check-keys", "page:*,queue,counter",
        "-check-single-keys", "counter",
        "-check-streams", "jobs",
        "-count-keys", "db0=page:*",
        "-check-key-groups", "^(page):.*",
        "-include-system-metrics",
        "-include-config-metrics",
        "-script", script,
    )  # fmt: skip

    def scrape():
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}

    def first():
        try:
            return scrape()
        except OSError:
            return None

    until("the exporter listens", first)
    return scrape


def test_what_dashboards_show(db, scrape):
    until("it is scraped", lambda: scrape().get("redis_up") == 1)
    metrics = scrape()
    assert metrics['redis_exporter_last_scrape_error{err=""}'] == 0
    exact = {
        'redis_db_keys{db="db0"}': 5,
        'redis_db_keys_expiring{db="db0"}': 1,
        'redis_key_size{db="db0",key="queue"}': 7,
        'redis_key_size{db="db0",key="page:1"}': 100,
        'redis_key_value{db="db0",key="counter"}': 41,
        'redis_keys_count{db="db0",key="page:*"}': 2,
        'redis_stream_length{db="db0",stream="jobs"}': 5,
        'redis_stream_groups{db="db0",stream="jobs"}': 1,
        'redis_stream_group_consumers{db="db0",group="crew",stream="jobs"}': 1,
        'redis_stream_group_messages_pending{db="db0",group="crew",stream="jobs"}': 2,
        'redis_key_group_count{db="db0",key_group="page"}': 2,
        'redis_script_values{key="script_answer"}': 42,
        "redis_connected_slaves": 0,
        "redis_rejected_connections_total": 0,
        "redis_loading_dump_file": 0,
        "redis_master_repl_offset": 0,
    }
    at_least = {
        "redis_connected_clients": 2,
        "redis_keyspace_hits_total": 1,
        "redis_keyspace_misses_total": 1,
        "redis_expired_keys_total": 1,
        "redis_commands_processed_total": 15,
        "redis_connections_received_total": 2,
        "redis_memory_used_bytes": 10_000,
        "redis_memory_used_peak_bytes": 10_000,
        "redis_uptime_in_seconds": 0,
        "redis_net_input_bytes_total": 100,
        "redis_cpu_sys_seconds_total": 0,
        "redis_total_system_memory_bytes": 1 << 30,
        "redis_start_time_seconds": 1.7e9,
        'redis_commands_total{cmd="xadd"}': 5,
        'redis_commands_duration_seconds_total{cmd="xadd"}': 0,
        "redis_config_maxclients": 1,
    }
    assert {name: metrics.get(name) for name in exact} == exact
    assert [name for name, least in at_least.items() if metrics.get(name, -1) < least] == []
    assert metrics["redis_slowlog_length"] > 0
    [instance] = [name for name in metrics if name.startswith("redis_instance_info")]
    assert 'redis_version="8.2.3"' in instance and 'role="master"' in instance
