# SPDX-License-Identifier: Apache-2.0
"""Row 9: a topic read to its end, to slices and by `adweave serve` to committed rows, beside a consumer that drops what it reads,
and beside a file."""

import json
import os
import pathlib
import subprocess
import time

import inputs
import measure
import outputs
from context import CACHE, PEERS, ROOT, Context, Engine
from measure import Cost
from results import Goal, Result, absent
from server import Server, write_sums

PARTITIONS = 4
TOPICS = {"json": "JSON", "avro": "Avro"}
PYTHON = ROOT / ".cache/peers/kafka/venv/bin/python"
LOOK_S = 0.02
PATIENCE_S = 600
SUMS = "count(*) AS rows, sum(source_length)::BIGINT AS bytes"  # as many messages, and as many bytes in them


class Broker:
    """Kafka in one process, with the events as JSON and as Avro: a topic each."""

    def __init__(self, context: Context, events: pathlib.Path) -> None:
        log = CACHE / "out/kafka_broker.log"
        words = [context.folder("kafka") / "data", PARTITIONS, events / "impressions.ndjson", events / "impression.avsc"]
        path = os.pathsep.join(map(str, (ROOT / "tests/integration/peers", ROOT / "tests/integration")))
        self.process = subprocess.Popen([PYTHON, PEERS / "kafka/topics.py", *map(str, words)], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=open(log, "w"), env={**os.environ, "PYTHONPATH": path})
        answer = self.process.stdout.readline().split()
        if answer[:1] != ["brokers"]:
            raise RuntimeError(f"Kafka has not begun: see {log}")
        self.brokers = answer[1]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def config(events: pathlib.Path, brokers: str, topic: str | None) -> str:
    """Of a topic, or without one of the file. JSON is YAML."""
    source = json.loads((events / "source.json").read_text())
    place = {"kafka": {"topic": topic}} if topic else {"files": str(events / "impressions.ndjson")}
    form = {"format": "avro", "framing": "confluent", "schemas": {1: str(events / "impression.avsc")}} if topic == "avro" else {
        "format": "json"}
    return json.dumps({
        **({"kafka": {"brokers": brokers}} if topic else {}), "sources": [{"name": "impressions", **place, **form, **source}],
        "dimensions": {"creatives": str(events / "creatives.csv")}})


def serve(context: Context, events: pathlib.Path, count: int, brokers: str, topic: str, out: pathlib.Path) -> Cost:
    """Until all is committed; the CPU-seconds are those of the whole process, its start and its end too."""
    (out / "adweave.yaml").write_text(config(events, brokers, topic))
    server = Server(context, out / "adweave.yaml", out / "data")
    try:
        while (done := server.total("received")) < count:
            if time.monotonic() > server.began + PATIENCE_S:
                raise RuntimeError(f"{done} of {count} messages after {PATIENCE_S} s")
            time.sleep(LOOK_S)
    finally:
        cost = server.close()
    return cost


def committed_differences(context: Context, mine: pathlib.Path, theirs: pathlib.Path) -> list[str]:
    write_sums(context, mine, SUMS)
    return outputs.differences(mine / "sums", theirs / "sums")


def rows_of(context: Context, events: pathlib.Path, count: int, brokers: str, topic: str, name: str) -> list[Result]:
    """The way to slices, and the whole server, until all is committed."""
    path_goal = Goal("9", f"Kafka to slices, {name}", f"bare librdkafka, {name}", 0.75, 0.9, "%")
    # Decoding, Parquet and commits have no part in what a consumer that drops all does: no goal.
    served_goal = Goal("9", f"Kafka to committed rows, {name}", path_goal.peer, None, None, "%")
    bare = [str(context.programs / "bare_rdkafka"), brokers, topic]
    peer = Engine(path_goal.peer, lambda out: measure.run(bare, out / "sums"),
                  settings=f"batches of one queue, {count:,} messages in {PARTITIONS} partitions of one broker, uncompressed")

    def read(out: pathlib.Path) -> Cost:
        (out / "adweave.yaml").write_text(config(events, brokers, topic))
        words = [context.programs / "adweave_stages", "kafka", out / "adweave.yaml", "impressions", count]
        return measure.run(list(map(str, words)), out / "sums")

    found = context.compare(Engine("adweave", read), [(path_goal, peer)],
                            lambda mine, theirs: outputs.differences(mine / "sums", theirs / "sums"))
    served = Engine("adweave", lambda out: serve(context, events, count, brokers, topic, out))
    found += context.compare(served, [(served_goal, peer)], lambda mine, theirs: committed_differences(context, mine, theirs))
    return found


def beside_files(context: Context, events: pathlib.Path, count: int, brokers: str) -> list[Result]:
    """The whole server beside `adweave run` on a file of the same lines: what the way through Kafka adds."""
    goal = Goal("9", "Kafka to committed rows, JSON", "itself, from a file", 0.75, 0.9, "%")

    def run_file(out: pathlib.Path) -> Cost:
        (out / "adweave.yaml").write_text(config(events, brokers, None))
        return measure.run([context.adweave, "run", "-c", str(out / "adweave.yaml"), "--data", str(out / "data")], out / "log")

    def differences(mine: pathlib.Path, theirs: pathlib.Path) -> list[str]:
        write_sums(context, theirs, SUMS)
        return committed_differences(context, mine, theirs)

    served = Engine("adweave", lambda out: serve(context, events, count, brokers, "json", out))
    return context.compare(served, [(goal, Engine(goal.peer, run_file, settings="adweave run, default settings"))], differences)


def run(context: Context) -> list[Result]:
    if not PYTHON.exists() or not (context.programs / "bare_rdkafka").exists():
        return [absent(Goal("9", "Kafka", "bare librdkafka", 0.75, 0.9, "%"))]
    count = context.events // 4
    events = inputs.impressions(context, count)
    broker = Broker(context, events)
    try:
        found = [result for topic, name in TOPICS.items()
                 for result in rows_of(context, events, count, broker.brokers, topic, name)]
        return found + beside_files(context, events, count, broker.brokers)
    finally:
        broker.close()
