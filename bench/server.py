# SPDX-License-Identifier: Apache-2.0
"""A server under a load of new impressions: `adweave serve` and http_load."""

import collections
import http.client
import json
import os
import pathlib
import re
import subprocess
import time

from context import Context
from measure import Cost

EVENTS_A_REQUEST = 100
CONNECTIONS = 8
PEAK_REQUESTS = 50_000  # so many that merges, moves of ids, snapshots and archives are paid for as well
LOAD_SOURCE = """
  - name: load
    http: true
    format: json
    kind: impression
    fields: {event_id: id, event_time: timestamp, user_id: user_id, creative_id: ad_creative_id, website: website, cost: cost, currency: currency}
"""


def load_command(context: Context, port: int, **options: object) -> list[str]:
    words = [str(word) for name, value in options.items() for word in ("--" + name, value)]
    return [str(context.programs / "http_load"), "--port", str(port), *words]


class Server:
    """A server from when it takes deliveries; `began` is when its process was started, `errors` what it says."""

    def __init__(self, context: Context, config: pathlib.Path, data: pathlib.Path) -> None:
        self.context, self.errors = context, data.parent / "serve.log"
        with open(self.errors, "w", encoding="utf-8") as log:
            self.began = time.monotonic()
            self.process = subprocess.Popen([context.adweave, "serve", "-c", str(config), "--data", str(data), "--listen", "127.0.0.1:0",
                                             "--metrics", "127.0.0.1:0", "--log-format", "text"], stderr=log)
        while not (found := re.search(r"events on port (\d+)", self.errors.read_text())):
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended: {self.errors.read_text()}")
            time.sleep(0.001)
        self.port = int(found[1])
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        self.connection.request(method, path, body, {"Content-Type": "application/x-ndjson"} if body else {})
        answer = self.connection.getresponse()
        return answer.status, answer.read().decode()

    def get(self, path: str) -> str:
        status, text = self.ask("GET", path)
        if status != 200:
            raise RuntimeError(f"{path}: {status} {text}")
        return text

    def wait_until_ready(self) -> None:
        while self.ask("GET", "/readyz")[0] != 200:
            time.sleep(0.02)

    def wait_until_found(self, head: int) -> None:
        while json.loads(self.get("/v1/users/nobody/timeline"))["commit"] < head:
            time.sleep(0.2)

    def wait_until_caught_up(self) -> None:
        while self.journal_bytes_behind() > 0:
            time.sleep(0.02)

    def journal_bytes_behind(self) -> int:
        return int(re.search(r"^adweave_journal_bytes_behind (\d+)$", self.get("/metrics"), re.MULTILINE)[1])

    def accepted(self) -> int:
        """Events that were committed since the process began."""
        return self.total("accepted")

    def total(self, name: str) -> int:
        return sum(map(int, re.findall(rf"^adweave_{name}_total\S* (\d+)$", self.get("/metrics"), re.MULTILINE)))

    def load(self, requests: int = 10_000_000, rate: int = 0, connections: int = CONNECTIONS, **options: object) -> subprocess.Popen:
        command = load_command(self.context, self.port, connections=connections, requests=requests, events=EVENTS_A_REQUEST, rate=rate,
                               path="/v1/events?source=load", **options)
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def peak(self) -> float:
        """Requests a second that it can take and commit for as long as one likes."""
        began = time.monotonic()
        self.load(PEAK_REQUESTS).communicate()
        self.wait_until_caught_up()
        return PEAK_REQUESTS / (time.monotonic() - began)

    def kill(self) -> None:
        """As a crash."""
        self.connection.close()
        self.process.kill()
        self.process.wait()

    def close(self) -> Cost:
        """Of its whole life."""
        self.connection.close()
        self.process.terminate()
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode != 0:
            raise RuntimeError(f"the server ended with {self.process.returncode}: {self.errors.read_text()[-2000:]}")
        return Cost(used.ru_utime + used.ru_stime, time.monotonic() - self.began)


def rows(context: Context, data: pathlib.Path, statement: str) -> list[dict]:
    out = subprocess.run([context.adweave, "sql", "--data", str(data), "--output", "json", statement], check=True, capture_output=True, text=True)
    return json.loads(out.stdout)


def write_sums(context: Context, out: pathlib.Path, columns: str) -> None:
    """What the impressions in out/data come to, into out/sums: a line for each of the columns."""
    sums = rows(context, out / "data", f"SELECT {columns} FROM impressions")[0]
    (out / "sums").write_text("".join(f"{name} {number}\n" for name, number in sums.items()))


def not_once(context: Context, data: pathlib.Path, acknowledged: pathlib.Path, table: str) -> list[str]:
    """What is wrong with a load's requests in the lake: of an acknowledged one each event is there once, of another at most once."""
    ids = acknowledged.read_text().split()
    if not ids:
        return ["nothing was acknowledged"]
    load = ids[0].rpartition("-")[0]
    found = rows(context, data, f"""
        SELECT request, count(*) AS n, count(DISTINCT event_id) AS ids
        FROM (SELECT event_id, CAST(split_part(event_id, '-', 3) AS BIGINT) // {EVENTS_A_REQUEST} AS request FROM {table} WHERE event_id LIKE '{load}-%')
        GROUP BY request""")
    rows_of = collections.Counter({int(row["request"]): int(row["n"]) for row in found})
    lost = sum(EVENTS_A_REQUEST - min(rows_of[int(one.rpartition("-")[2]) // EVENTS_A_REQUEST], EVENTS_A_REQUEST) for one in ids)
    twice = sum(int(row["n"]) - int(row["ids"]) for row in found)
    return [f"{number:,} events {what}" for number, what in ((lost, "lost"), (twice, "twice")) if number]
