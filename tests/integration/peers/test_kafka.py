# SPDX-License-Identifier: Apache-2.0
"""`serve` reads topics of a real Kafka: every event once, whatever is killed, and no gap that is not told of."""

import io
import json
import random
import re
import signal
import struct
import threading
import time
import unittest

import fastavro
import kafka as peer
from adweave import module_folder
from adweave_server import ServerTest

IMPRESSION = {"kind": "impression", "fields": {"event_id": "id", "event_time": "t", "user_id": "u", "creative_id": "c"}}
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
SCHEMA = {"type": "record", "name": "event", "fields": [{"name": name, "type": "string"} for name in ("id", "t", "u", "x")]}
SCHEMA_ID = 7

kafka: peer.Kafka


def setUpModule() -> None:
    global kafka
    kafka = peer.Kafka(module_folder() / "kafka")
    unittest.addModuleCleanup(kafka.kill)
    kafka.start()


def event(name: str) -> dict[str, str]:
    return {"id": name, "t": "2026-01-02T03:04:05Z", "u": "u1", "c": "c1", "x": "x1"}


def line(name: str) -> bytes:
    return json.dumps(event(name)).encode()


def container(names: list[str]) -> bytes:
    out = io.BytesIO()
    fastavro.writer(out, SCHEMA, map(event, names), codec="deflate")
    return out.getvalue()


def frame(name: str) -> bytes:
    """A message as Confluent's serializers write it."""
    out = io.BytesIO()
    out.write(struct.pack(">bI", 0, SCHEMA_ID))
    fastavro.schemaless_writer(out, SCHEMA, event(name))
    return out.getvalue()


class Load(threading.Thread):
    """Sends events to the partitions of a topic until it is told to end, each message with one to three of them."""

    def __init__(self, cluster: peer.Kafka, topic: str, partitions: int, per_second: int) -> None:
        super().__init__()
        self.cluster, self.topic, self.partitions, self.per_second = cluster, topic, partitions, per_second
        self.sent, self.acknowledged, self.failed, self.ending = 0, 0, [], threading.Event()

    def run(self) -> None:
        producers = [self.cluster.producer(codec) for codec in CODECS]
        chosen, begun = random.Random(1), time.monotonic()
        while not self.ending.is_set():
            names = [f"{self.topic}-{self.sent + i}" for i in range(chosen.randint(1, 3))]
            producer = producers[self.sent % len(producers)]
            producer.produce(self.topic, b"\n".join(map(line, names)), partition=self.sent % self.partitions,
                             on_delivery=lambda error, _, events=len(names): self.told(error, events))
            producer.poll(0)
            self.sent += len(names)
            time.sleep(max(0.0, begun + self.sent / self.per_second - time.monotonic()))
        for producer in producers:
            if left := producer.flush(peer.WAIT_S):
                self.failed.append(f"{left} messages without an answer")

    def told(self, error: object, events: int) -> None:
        if error:
            self.failed.append(error)
        else:
            self.acknowledged += events

    def end(self) -> int:
        """Returns how many events the brokers have acknowledged, which are all."""
        self.ending.set()
        self.join()
        if self.failed:
            raise AssertionError(f"not sent: {self.failed[:3]}")
        if self.acknowledged != self.sent:
            raise AssertionError(f"{self.sent} events sent, and {self.acknowledged} acknowledged")
        return self.sent


class KafkaTest(ServerTest):
    """A server whose sources are topics; each test has topics of its own."""

    cluster: peer.Kafka

    def setUp(self) -> None:
        super().setUp()
        self.cluster = kafka

    def topic(self, what: str, partitions: int = 1, **config: str) -> str:
        name = f"{self._testMethodName.removeprefix('test_')}.{what}.v1"
        self.cluster.create_topic(name, partitions, **config)
        return name

    def send_while_brokers_die(self, topic: str, killed: list[tuple[int, ...]], per_second: int, between: float) -> int:
        """A load on its three partitions, and brokers killed: those of each entry, () for all. Returns how many events it was."""
        load = Load(self.cluster, topic, 3, per_second)
        load.start()
        for brokers in killed:
            time.sleep(between)
            self.cluster.kill(*brokers)
            time.sleep(0.5)
            self.cluster.start(*brokers)
        time.sleep(0.5)
        return load.end()

    def configure(self, sources: list[dict], **of_kafka: object) -> None:
        """JSON is YAML."""
        for source in sources:
            source.setdefault("format", "json")
        told = {"brokers": self.cluster.bootstrap, "group": f"group-of-{self.id()}", **of_kafka}
        self.group = told["group"]
        self.config = self.write("adweave.yaml", json.dumps({"kafka": told, "sources": sources}))

    def impressions(self, name: str, topic: str, **of_topic: str) -> dict:
        return {"name": name, "kafka": {"topic": topic, **of_topic}, **IMPRESSION}

    def wait_for_count(self, count: int, table: str = "impressions", where: str = "true") -> None:
        self.wait_for(f"SELECT count(*) AS n FROM {table} WHERE {where}", count)

    def wait_for_offsets(self, topic: str, expected: dict[int, int]) -> None:
        self.cluster.wait_for(lambda: self.cluster.committed(self.group, topic) == expected,
                              f"the group's offsets of {topic} do not become {expected}")

    def wait_for_said(self, *words: object) -> None:
        """A line of the server's has all these words and numbers."""
        def has_all(text: str) -> bool:
            return all(re.search(rf"(?<![\w.-]){re.escape(str(word))}(?![\w-])", text) for word in words)

        until = time.monotonic() + 60
        while not any(map(has_all, list(self.said))):
            self.assertLess(time.monotonic(), until, f"no line has {words}: {self.said}")
            time.sleep(0.05)

    def check_once(self, count: int) -> None:
        """Every event has been received and accepted once: none was read again, and dropped as a duplicate."""
        total = self.total()
        self.assertEqual((total["received"], total["accepted"], total["duplicate"], total["rejected"]), (count, count, 0, 0), total)
        self.check_conservation()
        self.adweave("verify", "--data", self.data)

    def check_positions(self, table: str, topic: str, expected: dict[str, tuple[int, int]]) -> None:
        """Rows are those of the messages, by event: partition and offset."""
        rows = self.sql(f"SELECT event_id, source_position AS p FROM {table} WHERE source_position LIKE 'kafka:{topic}:%'")
        found = {}
        for row in rows:
            place = re.fullmatch(rf"kafka:{re.escape(topic)}:(\d+):(\d+)(?::\d+)?(?:#\d+)?", row["p"])
            self.assertTrue(place, row)
            found[row["event_id"]] = int(place[1]), int(place[2])
        self.assertEqual(len(rows), len(expected))
        self.assertEqual(found, expected)


class TopicsTest(KafkaTest):
    def fill(self, topic: str, partitions: int, message) -> dict[str, tuple[int, int]]:
        """Messages of all codecs in every partition, `message` of names. Returns where each event is."""
        places = {}
        for partition in range(partitions):
            for codec in CODECS:
                names = [[f"{topic}-{partition}-{codec}-{i}-{k}" for k in range(i % 3 + 1)] for i in range(6)]
                offsets = self.cluster.produce(topic, partition, [message(some) for some in names], codec)
                places |= {name: (partition, at) for some, at in zip(names, offsets, strict=True) for name in some}
        return places

    def test_formats_and_codecs(self) -> None:
        names = {what: self.topic(what, partitions) for what, partitions in
                 (("impression", 3), ("click", 2), ("conversion", 2), ("bid", 1))}
        self.write("schema.avsc", json.dumps(SCHEMA))
        self.configure([
            self.impressions("impressions", names["impression"]),
            {"name": "clicks", "kafka": {"topic": names["click"]}, "format": "csv", "header": False,
             "columns": ["id", "t", "u", "x"], "kind": "click",
             "fields": {"event_id": "id", "event_time": "t", "user_id": "u", "campaign_id": "x"}},
            {"name": "conversions", "kafka": {"topic": names["conversion"]}, "format": "avro", "kind": "conversion",
             "fields": {"event_id": "id", "event_time": "t", "user_id": "u", "conversion_type": "x"}},
            {"name": "bids", "kafka": {"topic": names["bid"]}, "format": "avro", "framing": "confluent",
             "schemas": {SCHEMA_ID: "schema.avsc"}, "kind": "bid_request",
             "fields": {"event_id": "id", "event_time": "t", "user_id": "u", "auction_id": "x"}},
        ])
        places = {
            "impressions": self.fill(names["impression"], 3, lambda some: b"\n".join(map(line, some))),
            "clicks": self.fill(names["click"], 2, lambda some: "".join(
                f"{name},2026-01-02T03:04:05Z,u1,x1\n" for name in some).encode()),
            "conversions": self.fill(names["conversion"], 2, container),
        }
        frames = [f"bid-{i}" for i in range(20)]
        offsets = self.cluster.produce(names["bid"], 0, list(map(frame, frames)), "zstd")
        places["bid_requests"] = {name: (0, offset) for name, offset in zip(frames, offsets, strict=True)}
        self.start()
        for table, expected in places.items():
            self.wait_for_count(len(expected), table)
        for topic in names.values():
            ends = {partition: self.cluster.end(topic, partition) for partition in self.cluster.partitions(topic)}
            self.wait_for_offsets(topic, ends)
        self.assertEqual(self.stop(), 0)
        for (table, expected), topic in zip(places.items(), names.values(), strict=True):
            self.check_positions(table, topic, expected)
        self.check_once(sum(map(len, places.values())))

    def test_only_what_is_committed_is_read(self) -> None:
        topic = self.topic("events")
        for i in range(6):
            self.cluster.produce_transaction(topic, 0, [line(f"{i}-{k}") for k in range(3)], commit=i % 2 == 0)
        last = self.cluster.produce(topic, 0, [line("last"), None])[0]  # a tombstone is no event
        self.configure([self.impressions("impressions", topic)])
        self.start()
        self.wait_for_count(10)
        self.assertEqual(self.stop(), 0)
        names = {row["event_id"] for row in self.sql("SELECT event_id FROM impressions")}
        self.assertEqual(names, {f"{i}-{k}" for i in (0, 2, 4) for k in range(3)} | {"last"})
        # Each transaction has a marker behind it, which takes an offset.
        places = {f"{i}-{k}": (0, 4 * i + k) for i in (0, 2, 4) for k in range(3)}
        self.check_positions("impressions", topic, places | {"last": (0, last)})

    def test_a_topic_from_its_end(self) -> None:
        topic = self.topic("events")
        self.cluster.produce(topic, 0, [line(f"old-{i}") for i in range(5)])
        self.configure([self.impressions("impressions", topic, **{"from": "end"})])
        self.start()
        until, sent = time.monotonic() + 60, 0
        while not self.sql("SELECT 1 AS one FROM impressions LIMIT 1"):
            self.assertLess(time.monotonic(), until, self.said)
            self.cluster.produce(topic, 0, [line(f"new-{sent}")])
            sent += 1
        self.wait_for_count(1, where=f"event_id = 'new-{sent - 1}'")
        self.assertEqual(self.stop(signal.SIGKILL), -signal.SIGKILL)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM impressions WHERE event_id LIKE 'old%'"), [{"n": 0}])
        self.cluster.produce(topic, 0, [line("while-it-was-away")])
        self.start()
        self.wait_for_count(1, where="event_id = 'while-it-was-away'")

    def test_two_ledgers_share_the_partitions(self) -> None:
        topic = self.topic("events", 5)
        expected = self.fill(topic, 5, lambda some: b"\n".join(map(line, some)))
        for number in range(2):
            self.data = self.folder / f"data-{number}"
            self.configure([self.impressions("impressions", topic)], share=f"{number}/2")
            share = {name: place for name, place in expected.items() if place[0] % 2 == number}
            self.start()
            self.wait_for_count(len(share))
            self.assertEqual(self.stop(), 0)
            self.check_positions("impressions", topic, share)

class KilledTest(KafkaTest):
    def test_the_server_under_load(self) -> None:
        topic = self.topic("events", 3)
        self.configure([self.impressions("impressions", topic)])
        load = Load(self.cluster, topic, 3, per_second=4000)
        load.start()
        chosen = random.Random(7)
        for _ in range(6):
            self.start()
            time.sleep(chosen.uniform(0.2, 1.2))
            self.stop(signal.SIGKILL)
        sent = load.end()
        self.start()
        self.wait_for_count(sent)
        self.wait_for_offsets(topic, {partition: self.cluster.end(topic, partition) for partition in range(3)})
        self.assertEqual(self.stop(), 0)
        [row] = self.sql("SELECT count(DISTINCT event_id) AS ids, count(DISTINCT source_position) AS places FROM impressions")
        self.assertEqual(row, {"ids": sent, "places": sent})
        self.check_once(sent)

    def test_the_broker_under_load(self) -> None:
        topic = self.topic("events", 3)
        self.configure([self.impressions("impressions", topic)])
        self.start()
        sent = self.send_while_brokers_die(topic, [(), ()], per_second=2000, between=0.7)
        self.wait_for_count(sent)
        self.assertEqual(self.stop(), 0)
        self.check_once(sent)


class GoneTest(KafkaTest):
    """What cannot be read on is told, and nothing is skipped; the other source goes on."""

    def read_ten(self) -> tuple[str, str]:
        """Two topics, ten events of each in the ledger, and the server stopped."""
        topic, other = self.topic("events"), self.topic("others")
        self.configure([self.impressions("impressions", topic), self.impressions("others", other)])
        for one in (topic, other):
            self.cluster.produce(one, 0, [line(f"{one}-{i}") for i in range(10)])
        self.start()
        self.wait_for_count(20)
        self.assertEqual(self.stop(), 0)
        return topic, other

    def wait_for_stopped(self, topic: str) -> str:
        """What ends too early is looked at once more, some seconds later. Returns the metrics."""
        until = time.monotonic() + peer.WAIT_S
        while f'adweave_kafka_stopped{{topic="{topic}",partition="0"}} 1\n' not in (text := self.ask("GET", "/metrics", port=self.metrics_port)[1]):
            self.assertLess(time.monotonic(), until, text)
            time.sleep(0.1)
        return text

    def check_stopped(self, topic: str, other: str, *offsets: int) -> None:
        self.cluster.produce(other, 0, [line(f"{other}-{i}") for i in range(10, 15)])
        self.start()
        self.wait_for_said(f"kafka:{topic}:0", *offsets)
        self.wait_for_count(15, where="source = 'others'")
        text = self.wait_for_stopped(topic)
        self.assertIn(f'adweave_kafka_stopped{{topic="{other}",partition="0"}} 0\n', text)
        self.assertEqual(self.stop(), 0)
        self.assertEqual(self.sql("SELECT count(*) AS n FROM impressions WHERE source = 'impressions'"), [{"n": 10}])
        self.check_once(25)

    def test_a_topic_made_anew(self) -> None:
        topic, other = self.read_ten()
        self.cluster.delete_topic(topic)
        self.cluster.create_topic(topic)
        self.cluster.produce(topic, 0, [line(f"again-{i}") for i in range(30)])  # offset 10 is there
        self.check_stopped(topic, other, 9)

    def test_a_topic_made_anew_while_it_is_read(self) -> None:
        topic = self.topic("events")
        self.configure([self.impressions("impressions", topic)])
        self.cluster.produce(topic, 0, [line(f"old-{i}") for i in range(10)])
        self.start()
        self.wait_for_count(10)
        self.cluster.delete_topic(topic)
        self.cluster.create_topic(topic)
        self.cluster.produce(topic, 0, [line(f"again-{i}") for i in range(30)])  # a client goes on at offset 10 of them
        self.wait_for_said(f"kafka:{topic}:0")
        self.wait_for_stopped(topic)

    def test_a_topic_made_anew_and_shorter(self) -> None:
        topic, other = self.read_ten()
        self.cluster.delete_topic(topic)
        self.cluster.create_topic(topic)
        self.cluster.produce(topic, 0, [line("again")])
        self.check_stopped(topic, other, 10, 1)

    def test_records_deleted_before_they_were_read(self) -> None:
        topic, other = self.read_ten()
        self.cluster.produce(topic, 0, [line(f"late-{i}") for i in range(20)])
        self.cluster.delete_records(topic, 0, 17)
        self.check_stopped(topic, other, 10, 17)
        self.configure([self.impressions("impressions", topic, lost="accept"), self.impressions("others", other)])
        self.start()
        self.wait_for_said(f"kafka:{topic}:0", 10, 17)
        self.wait_for_count(10 + 13, where="source = 'impressions'")

    def test_a_topic_that_is_not_there(self) -> None:
        other = self.topic("others")
        self.configure([self.impressions("impressions", "no.such.topic"), self.impressions("others", other)])
        self.cluster.produce(other, 0, [line("a")])
        self.start()
        self.wait_for_said("no.such.topic")
        self.wait_for_count(1, where="source = 'others'")
        self.assertNotIn("no.such.topic", self.cluster.admin.list_topics(timeout=10).topics, "it was made by who asked for it")

    def test_a_topic_that_keeps_only_the_newest(self) -> None:
        topic = self.topic("events", cleanup_policy="compact")
        self.configure([self.impressions("impressions", topic)])
        self.start()
        self.wait_for_said(f"kafka:{topic}:0", "compacted")


class SecureTest(KafkaTest):
    def secure(self, topic: str, password: str) -> None:
        self.configure([self.impressions("impressions", topic)], brokers=",".join(self.cluster.secure), properties={
            "security.protocol": "SASL_SSL", "ssl.ca.location": str(self.cluster.certificate), "sasl.mechanism": "PLAIN",
            "sasl.username": "adweave", "sasl.password": password})

    def test_tls_and_a_password(self) -> None:
        topic = self.topic("events")
        self.cluster.produce(topic, 0, [line("a")], time_ms=1_767_400_000_000)
        self.secure(topic, "wrong")
        self.start()
        self.wait_for_said("authentication")
        self.assertFalse(any("wrong" in said for said in self.said), "the password was told")
        self.assertEqual(self.stop(), 0)
        self.secure(topic, "secret")
        self.start()
        self.wait_for_count(1)
        self.assertEqual(self.sql("SELECT epoch_ms(received_time) AS ms FROM impressions"), [{"ms": 1_767_400_000_000}])


class ThreeBrokers(KafkaTest):
    """Of which one may be away."""

    def setUp(self) -> None:
        super().setUp()
        self.cluster = peer.Kafka(self.folder / "three", 3)
        self.cluster.start()

    def tearDown(self) -> None:
        self.cluster.kill()
        super().tearDown()


class ThreeBrokersTest(ThreeBrokers):
    def test_a_leader_that_is_killed_under_load(self) -> None:
        topic = self.topic("events", 3)
        self.configure([self.impressions("impressions", topic)])
        self.start()
        load = Load(self.cluster, topic, 3, per_second=1000)
        load.start()
        time.sleep(0.5)
        self.cluster.kill(1)
        self.cluster.wait_for(lambda: self.cluster.leaders(topic) == {2, 3}, "the others do not take over")
        time.sleep(0.5)
        sent = load.end()
        self.wait_for_count(sent)
        self.assertEqual(self.stop(), 0)
        self.check_once(sent)


if __name__ == "__main__":
    unittest.main()
