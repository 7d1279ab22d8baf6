# SPDX-License-Identifier: Apache-2.0
"""Rows 10 to 12: what a durable POST of one event costs beside nginx that answers 204; deliveries of 100 events beside a file of the
same; and how soon what was taken is found by SQL."""

import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time

import inputs
import measure
import outputs
from context import Context, Engine
from measure import Cost
from results import Goal, Result, absent, result_of
from server import EVENTS_A_REQUEST, LOAD_SOURCE, Server, load_command, write_sums

CONNECTIONS = 64
COLLECTOR = ("http", "journal")  # its threads
FRESH_RATE = 50  # requests a second that wait until they are found
FRESH_SECONDS = 20
FRESH_LOAD = 0.7  # of the peak


def ticks(stat: pathlib.Path) -> tuple[str, float]:
    """Name and CPU-seconds so far of a process or thread."""
    name, _, rest = stat.read_text().partition(" (")[2].rpartition(") ")
    user, system = map(int, rest.split()[11:13])
    return name, (user + system) / os.sysconf("SC_CLK_TCK")


def cpu_of(process: int, threads: tuple[str, ...] = ()) -> float:
    """CPU-seconds so far of a process, or of its threads of some names."""
    if not threads:
        return ticks(pathlib.Path(f"/proc/{process}/stat"))[1]
    each = [ticks(stat) for stat in pathlib.Path(f"/proc/{process}/task").glob("*/stat")]
    return sum(cpu for name, cpu in each if name in threads)


class Nginx:
    """Takes a body and answers 204: one worker, no log."""

    def __init__(self, context: Context) -> None:
        folder = context.folder("nginx")
        self.port, config = 18_204, folder / "nginx.conf"
        config.write_text(f"""
            daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/log;
            events {{ worker_connections 1024; }}
            http {{
              access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}; proxy_temp_path {folder};
              fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
              server {{ listen 127.0.0.1:{self.port}; location / {{ return 204; }} }}
            }}""")
        self.process = subprocess.Popen(["nginx", "-p", str(folder), "-c", str(config), "-e", str(folder / "log")])
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while not children.read_text():
            time.sleep(0.01)
        self.worker = int(children.read_text())

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


def load(context: Context, port: int, **options: object) -> dict:
    done = subprocess.run(load_command(context, port, connections=CONNECTIONS, **options), check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def server_of(context: Context, name: str) -> Server:
    folder = context.folder(name)
    (folder / "adweave.yaml").write_text("sources:" + LOAD_SOURCE)
    server = Server(context, folder / "adweave.yaml", folder / "data")
    server.wait_until_ready()
    return server


def one_event(context: Context) -> list[Result]:
    """Row 10: CPU time a request, of the threads that take and keep it, and of the whole server until it is committed."""
    goals = [Goal("10", "durable POST of one event: collector", "nginx, 204", 2.0, 1.4, lower=True),
             Goal("10", "durable POST of one event: whole server", "nginx, 204", 3.0, 2.0, lower=True)]
    if not shutil.which("nginx"):
        return [absent(goal) for goal in goals]
    requests = context.events // 40
    server, nginx = server_of(context, "post"), Nginx(context)
    figures: list[list[float]] = []  # microseconds a request: collector, server, nginx
    try:
        for number in range(context.pairs + 1):
            accepted, before = server.accepted(), (cpu_of(server.process.pid, COLLECTOR), cpu_of(server.process.pid), cpu_of(nginx.worker))
            load(context, server.port, requests=requests, path="/v1/events?source=load")
            server.wait_until_caught_up()
            load(context, nginx.port, requests=requests, status=204)
            after = (cpu_of(server.process.pid, COLLECTOR), cpu_of(server.process.pid), cpu_of(nginx.worker))
            if (found := server.accepted() - accepted) != requests:
                raise RuntimeError(f"{found} of {requests} events were committed")
            if number > 0:  # the first one warms up
                figures.append([1e6 * (end - begin) / requests for begin, end in zip(before, after)])
    finally:
        server.close()
        nginx.close()
    ours = [statistics.median(column) for column in zip(*figures)]
    return [result_of(goal, [one[part] / one[2] for one in figures], f"{ours[part]:.1f} and {ours[2]:.1f} us a request")
            for part, goal in enumerate(goals)]


def many_events(context: Context) -> list[Result]:
    """Row 11: deliveries until all is committed, beside `adweave run` on a file of the same lines."""
    goal = Goal("11", f"POST of {EVENTS_A_REQUEST} events a request, to committed rows", "itself, from a file", 0.7, 0.85, "%")
    events = inputs.impressions(context, context.events // 4)
    lines = events / "impressions.ndjson"
    source = json.loads((events / "source.json").read_text())

    def config(out: pathlib.Path, place: dict) -> pathlib.Path:
        (out / "adweave.yaml").write_text(json.dumps({"sources": [{"name": "impressions", "format": "json", **place, **source}],
                                                      "dimensions": {"creatives": str(events / "creatives.csv")}}))
        return out / "adweave.yaml"

    def serve(out: pathlib.Path) -> Cost:
        server = Server(context, config(out, {"http": True}), out / "data")
        try:
            load(context, server.port, events=EVENTS_A_REQUEST, lines=lines, path="/v1/events?source=impressions")
            server.wait_until_caught_up()
        finally:
            cost = server.close()
        return cost

    def run_file(out: pathlib.Path) -> Cost:
        words = [context.adweave, "run", "-c", config(out, {"files": str(lines)}), "--data", out / "data", "--threads", context.threads]
        return measure.run(list(map(str, words)), out / "log")

    def differences(mine: pathlib.Path, theirs: pathlib.Path) -> list[str]:
        for out in (mine, theirs):
            write_sums(context, out, "count(*) AS rows, count(DISTINCT event_id) AS ids, sum(source_length)::BIGINT AS bytes")
        return outputs.differences(mine / "sums", theirs / "sums")

    peer = Engine(goal.peer, run_file, settings="adweave run, default settings")
    return context.compare(Engine("adweave", serve), [(goal, peer)], differences)


def freshness(context: Context) -> list[Result]:
    """Row 12: deliveries that are answered once SQL finds them, each from when it was due, beside an even load."""
    goal = Goal("12", f"from due to found by SQL at {100 * FRESH_LOAD:.0f} % of peak, p99", "itself", 1000, 250, "ms", lower=True)
    server = server_of(context, "freshness")
    try:
        peak = server.peak()
        answers = []
        for _ in range(context.pairs):
            beside = server.load(rate=int(FRESH_LOAD * peak))
            answers.append(load(context, server.port, rate=FRESH_RATE, requests=FRESH_RATE * FRESH_SECONDS,
                                path="/v1/events?source=load&wait=queryable"))
            if beside.poll() is not None:
                raise RuntimeError(f"the load ended: {beside.stderr.read()}")
            beside.terminate()
            beside.wait()
            server.wait_until_caught_up()
    finally:
        server.close()
    context.facts.append(f"row 12: peak {peak * EVENTS_A_REQUEST:,.0f} events/s, the load's program on the same cores; {FRESH_RATE} deliveries a "
                         f"second for {FRESH_SECONDS} s a round are waited for")
    median = statistics.median(answer["p50_us"] for answer in answers) / 1000
    return [result_of(goal, [answer["p99_us"] / 1000 for answer in answers], f"median {median:.0f} ms")]
