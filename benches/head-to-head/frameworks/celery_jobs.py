"""Plays Celery for the harness: tasks that do nothing, sent one by one and worked off by one solo worker. `celery_jobs.py PORT JOBS`
says `ready`, waits for a line, does the jobs, and says `done` with how many the worker has done."""

import os
import subprocess
import sys

from celery import Celery

PORT = os.environ.get("SERVER_PORT") or sys.argv[1]
TIMEOUT_S = 300

app = Celery("celery_jobs", broker=f"redis://127.0.0.1:{PORT}/0", backend=f"redis://127.0.0.1:{PORT}/1")
app.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=16)
done = 0


@app.task(name="job", ignore_result=True)
def job(_number):
    global done
    done += 1


@app.task(name="count")
def count():
    return done


def main():
    jobs = int(sys.argv[2])
    environment = {**os.environ, "SERVER_PORT": PORT}
    words = ["-A", "celery_jobs", "worker", "-P", "solo", "-l", "ERROR", "--without-gossip", "--without-mingle"]
    here = os.path.dirname(os.path.abspath(__file__))
    worker = subprocess.Popen([sys.executable, "-B", "-m", "celery", *words], cwd=here, env=environment, stdout=subprocess.DEVNULL)
    try:
        assert count.delay().get(timeout=TIMEOUT_S) == 0
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(jobs):
            job.delay(number)
        # One worker takes tasks in their order, so this one is the last.
        print("done", count.delay().get(timeout=TIMEOUT_S), flush=True)
    finally:
        worker.terminate()
        worker.wait()


if __name__ == "__main__":
    main()
