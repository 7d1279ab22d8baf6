# SPDX-License-Identifier: Apache-2.0
"""`serve` writes results and rejects to a real Kafka: who reads committed messages gets each once, whatever is killed."""

import json
import random
import re
import shutil
import signal
import time
import unittest

import kafka as peer
import test_kafka as reading
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Message, TopicPartition
from test_kafka import KafkaTest, Load, frame, line
from test_standby import Standby


def setUpModule() -> None:
    reading.setUpModule()


def headers_of(message: Message) -> dict[str, str]:
    return {name: value.decode() for name, value in message.headers() or []}


class ProduceTest(KafkaTest):
    def produce(self, sources: list[dict], **more: object) -> None:
        """Configures sources and topics of results and rejects, which are made the first time."""
        names = [f"{self._testMethodName.removeprefix('test_')}.{what}" for what in ("results", "rejects")]
        if not self.cluster.partitions(names[0]):
            for name in names:
                self.cluster.create_topic(name, 2)
        self.results, self.rejects = names
        self.configure(sources, produce={"results": self.results, "rejects": self.rejects, **more})

    def metric(self, name: str, of: str = "") -> int:
        text = self.ask("GET", "/metrics", port=self.metrics_port)[1]
        found = re.search(rf"^adweave_kafka_{name}{re.escape(of)} (\d+)$", text, re.MULTILINE)
        self.assertTrue(found, text)
        return int(found[1])

    def wait_until_produced(self) -> None:
        until = time.monotonic() + peer.WAIT_S
        while self.metric("produce_lag_commits") > 0 or self.metric("produced_commit") == 0:
            self.assertLess(time.monotonic(), until, self.said)
            time.sleep(0.05)

    def groups(self) -> list[str]:
        """Those that have been told how far the results are, by a transaction that has ended."""
        groups = [group.group_id for group in self.cluster.admin.list_consumer_groups().result(peer.WAIT_S).valid]
        return [group for group in groups if group.startswith("adweave-") and 0 in self.cluster.committed(group, self.results)]

    def read(self, topic: str) -> list[Message]:
        """All that a reader of committed messages gets, up to the ends as they are now."""
        consumer = Consumer(self.cluster.client(group_id="reader", isolation_level="read_committed", enable_auto_commit=False,
                                                enable_partition_eof=True))
        places = [TopicPartition(topic, partition, 0) for partition in self.cluster.partitions(topic)]
        consumer.assign(places)
        messages, ended, until = [], set(), time.monotonic() + peer.WAIT_S
        while len(ended) < len(places):
            self.assertLess(time.monotonic(), until, "a transaction is left open")
            message = consumer.poll(1)
            if message is None:
                continue
            if not message.error():
                messages.append(message)
            elif message.error().name() == "_PARTITION_EOF":
                ended.add(message.partition())
        consumer.close()
        return messages

    def check_results(self, table: str) -> None:
        """The messages of a table are its rows."""
        sent = [json.loads(message.value()) for message in self.read(self.results)]
        sent = {row["event_id"]: row for row in sent if row.pop("table") == table}
        rows = {row["event_id"]: {name: value for name, value in row.items() if value is not None}
                for row in self.sql(f"SELECT * FROM {table}")}
        self.assertEqual(sent.keys(), rows.keys())
        for name, row in rows.items():
            for column, value in row.items():
                told = sent[name].get(column)
                if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\d[ T]", value):  # a time
                    self.assertEqual(value[:19].replace(" ", "T"), told[:19], (column, value, told))
                else:
                    self.assertEqual(value, told, column)

    def check_once(self, count: int) -> None:
        """Each event is one message of the results."""
        super().check_once(count)
        names = [json.loads(message.value()) for message in self.read(self.results)]
        names = [row["event_id"] for row in names if row["table"] == "impressions"]
        self.assertEqual(len(names), count)
        self.assertEqual(len(set(names)), count)


class MessagesTest(ProduceTest):
    def test_results_and_rejects(self) -> None:
        topic = self.topic("events", 2)
        self.produce([self.impressions("impressions", topic)])
        for partition in range(2):
            self.cluster.produce(topic, partition, [line(f"e-{partition}-{i}") for i in range(50)] + [b"{broken \xff", line("e-0-1")])
        self.start()
        self.wait_for_count(100)
        self.wait_for("SELECT count(*) AS n FROM rejects", 2)
        self.wait_until_produced()
        self.check_results("impressions")
        self.assertEqual({message.key() for message in self.read(self.results)}, {b"u1"})
        [first, second] = sorted(self.read(self.rejects), key=lambda message: message.key())
        self.assertEqual(first.value(), b"{broken \xff")
        told = headers_of(first)
        [row] = self.sql(f"SELECT * FROM rejects WHERE source_position = 'kafka:{topic}:0:50'")
        self.assertEqual(told["origin"], f"kafka:{topic}:0:50")
        self.assertEqual(headers_of(second)["origin"], f"kafka:{topic}:1:50")
        for header, column in (("reason", "reason"), ("message", "message"), ("outcome", "outcome"), ("raw_hash", "raw_hash"),
                               ("attempt", "attempt"), ("sign", "sign"), ("commit", "commit"), ("source", "source")):
            self.assertEqual(told[header], str(row[column]), header)
        self.assertEqual(told["first_seen"][:19], row["first_seen"][:19].replace(" ", "T"))
        self.assertEqual(self.metric("produced_messages_total", f'{{topic="{self.rejects}"}}'), 2)
        self.assertIn("Kafka has commit", self.adweave("top", "--data", self.data, "--count", "1").stdout)
        self.assertEqual(self.stop(), 0)

    def test_rejects_are_tried_again(self) -> None:
        topic = self.topic("bids")
        self.cluster.create_topic(f"{topic}.retry")
        self.write("schema.avsc", json.dumps(reading.SCHEMA))
        bids = {"format": "avro", "framing": "confluent", "kind": "bid_request",
                "fields": {"event_id": "id", "event_time": "t", "user_id": "u", "auction_id": "x"}}
        unknown = {"name": "bids", "kafka": topic, "schemas": {3: "schema.avsc"}, **bids}
        self.produce([unknown], retry=True)
        producer = self.cluster.producer()
        for i in range(20):
            producer.produce(topic, frame(f"b-{i}"), key=f"key-{i}", partition=0)
        producer.flush(peer.WAIT_S)
        self.start()
        self.wait_for("SELECT count(*) AS n FROM rejects WHERE reason = 'unknown_schema'", 20)
        self.wait_until_produced()
        sent = self.read(f"{topic}.retry")
        self.assertEqual([(message.key(), message.value()) for message in sent],
                         [(f"key-{i}".encode(), frame(f"b-{i}")) for i in range(20)])
        self.assertEqual([headers_of(message)["origin"] for message in sent], [f"kafka:{topic}:0:{i}:0" for i in range(20)])
        self.assertEqual({headers_of(message)["reason"] for message in sent}, {"unknown_schema"})
        self.assertEqual(self.stop(), 0)
        # The schema is known now, to a source that reads the second topic.
        known = {"name": "again", "kafka": f"{topic}.retry", "schemas": {reading.SCHEMA_ID: "schema.avsc"}, **bids}
        self.produce([unknown, known], retry=True)
        self.start()
        self.wait_for_count(20, "bid_requests")
        self.wait_until_produced()
        self.check_results("bid_requests")
        self.assertEqual(len(self.read(f"{topic}.retry")), 20)


class KilledTest(ProduceTest):
    def test_the_server_under_load(self) -> None:
        topic = self.topic("events", 3)
        self.produce([self.impressions("impressions", topic)])
        load = Load(self.cluster, topic, 3, per_second=3000)
        load.start()
        chosen = random.Random(11)
        for _ in range(8):
            self.start()
            time.sleep(chosen.uniform(0.3, 1.5))
            self.stop(signal.SIGKILL)
        sent = load.end()
        self.start()
        self.wait_for_count(sent)
        self.wait_until_produced()
        self.assertEqual(self.metric("produce_errors_total"), 0)
        self.assertEqual(self.stop(), 0)
        self.check_once(sent)

    def test_a_standby_goes_on(self) -> None:
        """Each of three servers is killed under load, and the one that waits goes on where it was."""
        topic = self.topic("events", 3)
        self.produce([self.impressions("impressions", topic)])
        self.start()
        load = Load(self.cluster, topic, 3, per_second=2000)
        load.start()
        end = self.stop
        for _ in range(3):
            waiting = Standby(self)
            waiting.wait_for_said("standby: ")
            time.sleep(1)
            end(signal.SIGKILL)
            self.metrics_port = int(waiting.wait_for_said(r'"port":\d+,"metrics_port":(\d+)')[1])
            waiting.wait_for_said('"ready"')
            self.said, end = waiting.said, waiting.end
        sent = load.end()
        self.wait_for_count(sent)
        self.wait_until_produced()
        self.assertEqual(end(signal.SIGTERM), 0)
        self.check_once(sent)

    def test_without_a_broker_commits_go_on(self) -> None:
        """Events by HTTP are taken all the same; what was committed comes when the broker does."""
        self.produce([{"name": "impressions", "http": True, **reading.IMPRESSION}])
        self.start()
        self.cluster.wait_for(self.groups, "it is not told where the results begin")  # see ThreeBrokersTest
        self.cluster.kill()
        try:
            for i in range(20):
                status, answer, _ = self.ask("POST", "/v1/events?wait=committed", line(f"h-{i}"), Content_Type="application/x-ndjson")
                self.assertEqual(status, 200, answer)
            self.assertGreater(self.metric("produce_lag_commits"), 0)
        finally:
            self.cluster.start()
        self.wait_until_produced()
        self.assertEqual(self.stop(), 0)
        self.check_once(20)


class ThreeBrokersTest(ProduceTest, reading.ThreeBrokers):
    """One broker after the other is killed under load. (A cluster whose last broker is killed may lose a committed transaction.)"""

    def test_brokers_under_load(self) -> None:
        topic = self.topic("events", 3)
        self.produce([self.impressions("impressions", topic)])
        self.start()
        sent = self.send_while_brokers_die(topic, [(broker,) for broker in self.cluster.brokers], per_second=1000, between=1)
        self.wait_for_count(sent)
        self.wait_until_produced()
        self.assertEqual(self.stop(), 0)
        self.check_once(sent)


class KnownTest(ProduceTest):
    """Where it stands is known, or it says that it is not."""

    def produce_ten(self) -> None:
        self.produce([{"name": "impressions", "http": True, **reading.IMPRESSION}])
        self.start()
        for i in range(10):
            self.ask("POST", "/v1/events?wait=committed", line(f"k-{i}"), Content_Type="application/x-ndjson")
        self.wait_until_produced()

    def test_offsets_that_the_brokers_forgot(self) -> None:
        self.produce_ten()
        self.assertEqual(self.stop(), 0)
        for group in self.groups():
            self.cluster.admin.delete_consumer_groups([group])[group].result(peer.WAIT_S)
        self.start()
        self.wait_for_said("has been written by this ledger, and the cluster has forgotten how far")
        self.assertEqual(self.metric("produce_stopped"), 1)
        newest = max(json.loads(message.value())["commit"] for message in self.read(self.results))
        self.assertEqual(self.stop(), 0)
        self.produce([{"name": "impressions", "http": True, **reading.IMPRESSION}], **{"from": newest + 1})
        self.start()
        self.ask("POST", "/v1/events?wait=committed", line("k-10"), Content_Type="application/x-ndjson")
        self.wait_until_produced()
        self.assertEqual(self.stop(), 0)
        self.check_once(11)

    def test_a_copy_of_the_ledger(self) -> None:
        """Of two programs that serve the same ledger, one writes."""
        self.produce_ten()
        copy = self.folder / "copy"
        shutil.copytree(self.data, copy, ignore=lambda *_: ["adweave.sock"])
        mine, first = self.data, (self.server, self.said, self.rest, self.port, self.metrics_port)
        self.data = copy
        self.start()
        self.ask("POST", "/v1/events?wait=committed", line("k-of-the-copy"), Content_Type="application/x-ndjson")
        self.wait_until_produced()
        self.assertEqual(self.stop(), 0)
        self.data = mine
        self.server, self.said, self.rest, self.port, self.metrics_port = first
        self.ask("POST", "/v1/events?wait=committed", line("k-10"), Content_Type="application/x-ndjson")
        self.wait_for_said("another has taken its place")
        self.assertEqual(self.metric("produce_stopped"), 1)

    def test_a_topic_that_is_not_there(self) -> None:
        self.produce([{"name": "impressions", "http": True, **reading.IMPRESSION}], rejects="no.topic.yet")
        self.start()
        self.ask("POST", "/v1/events?wait=committed", line("a") + b"\n{", Content_Type="application/x-ndjson")
        self.wait_for_said("no.topic.yet")
        self.assertNotIn("no.topic.yet", self.cluster.admin.list_topics(timeout=10).topics, "it was made by who asked for it")
        self.cluster.create_topic("no.topic.yet")
        self.wait_until_produced()
        self.assertEqual(len(self.read("no.topic.yet")), 1)
        self.assertEqual([json.loads(message.value())["event_id"] for message in self.read(self.results)], ["a"])

    def test_a_wrong_property(self) -> None:
        self.produce([{"name": "impressions", "http": True, **reading.IMPRESSION}], properties={"compression.codec": "none at all"})
        failed = self.adweave("serve", "-c", self.config, "--data", self.data, code=78)
        self.assertIn("compression.codec", failed.stderr)
        self.assertIsNone(self.server)


if __name__ == "__main__":
    unittest.main()
