# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka in KRaft mode, brokers that are also controllers, and a client to fill and to change it."""

import logging
import os
import pathlib
import signal
import socket
import subprocess
import time

from adweave import ROOT
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

JARS = ROOT / ".cache/peers/jars/kafka"
JAVA = [f"{os.environ.get('JAVA_HOME', '/usr')}/bin/java", "-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
WAIT_S = 60.0  # for what must come
CLUSTER = "YWR3ZWF2ZS1wZWVycy0wMQ"  # an id, 16 bytes in base64

# What keeps one machine's brokers small, and quick to begin and to notice that another has gone.
SETTINGS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL",
    "auto.create.topics.enable": "true",  # so that a test sees who asks for topics that are not there
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.num.partitions": "1",
    "transaction.state.log.min.isr": "1",
    "log.cleaner.enable": "false",
    "num.network.threads": "2",
    "num.io.threads": "2",
    "broker.session.timeout.ms": "3000",
    "broker.heartbeat.interval.ms": "500",
    "controlled.shutdown.enable": "false",
}
LOGGING = """rootLogger.level=WARN
rootLogger.appenderRef.c.ref=c
appender.c.type=Console
appender.c.name=c
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d{HH:mm:ss,SSS} %p %c{1}: %m%n
"""


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Broker:
    """One process; what it keeps outlives it."""

    def __init__(self, folder: pathlib.Path, settings: dict[str, str]) -> None:
        folder.mkdir()
        self.settings, self.log, self.process = folder / "server.properties", folder / "log.txt", None
        (folder / "log4j2.properties").write_text(LOGGING)
        text = "".join(f"{name}={value}\n" for name, value in {**settings, "log.dirs": folder / "data"}.items())
        self.settings.write_text(text)
        self.java = [*JAVA, f"-Dlog4j2.configurationFile={folder}/log4j2.properties", "-cp", f"{JARS}/*"]
        subprocess.run([*self.java, "kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", self.settings], check=True,
                       capture_output=True)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*self.java, "kafka.Kafka", self.settings], stdout=log, stderr=log)

    def end(self, how: int = signal.SIGKILL) -> None:
        if self.process:
            self.process.send_signal(how)
            self.process.wait()
            self.process = None


class Kafka:
    """A cluster of brokers 1, 2, ..., with everything in the folder. It listens on this machine alone."""

    def __init__(self, folder: pathlib.Path, brokers: int = 1) -> None:
        folder.mkdir()
        ports = free_ports(3 * brokers)
        plain, secure, voting = (ports[i::3] for i in range(3))
        self.addresses, self.secure = ([f"127.0.0.1:{port}" for port in some] for some in (plain, secure))
        self.bootstrap = ",".join(self.addresses)
        self.certificate = make_certificate(folder)
        shared = SETTINGS | {
            "controller.quorum.voters": ",".join(f"{i}@127.0.0.1:{port}" for i, port in enumerate(voting, 1)),
            "default.replication.factor": str(brokers),
            "offsets.topic.replication.factor": str(brokers),
            "transaction.state.log.replication.factor": str(brokers),
            "min.insync.replicas": str((brokers + 1) // 2),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(folder / "both.pem"),
            "listener.name.secure.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.secure.plain.sasl.jaas.config":
                'org.apache.kafka.common.security.plain.PlainLoginModule required user_adweave="secret";',
        }
        self.brokers = {}
        for i, (address, secure_address, port) in enumerate(zip(self.addresses, self.secure, voting, strict=True), 1):
            clients = f"PLAINTEXT://{address},SECURE://{secure_address}"
            self.brokers[i] = Broker(folder / f"broker-{i}", shared | {
                "node.id": str(i), "listeners": f"{clients},CONTROLLER://127.0.0.1:{port}", "advertised.listeners": clients})
        self.admin = None
        self.producers: dict[str, Producer] = {}

    def start(self, *which: int) -> None:
        """These brokers, or all; returns when they serve."""
        for i in which or self.brokers:
            self.brokers[i].start()
        self.admin = self.admin or AdminClient(self.client())
        self.wait_for(self.serves, "the brokers do not serve")

    def client(self, **more: object) -> dict[str, object]:
        """Settings of a client: `acks` or, for a name with points, `linger_ms`."""
        return {"bootstrap.servers": self.bootstrap, "reconnect.backoff.max.ms": 500, "logger": quiet(),
                **{name.replace("_", "."): value for name, value in more.items()}}

    def kill(self, *which: int) -> None:
        """As by kill -9."""
        for i in which or self.brokers:
            self.brokers[i].end()

    def serves(self) -> bool:
        running = [i for i, broker in self.brokers.items() if broker.process]
        for i in running:
            socket.create_connection(("127.0.0.1", int(self.addresses[i - 1].split(":")[1])), 1).close()
        return len(self.admin.list_topics(timeout=5).brokers) == len(running)

    def wait_for(self, is_so, otherwise: str) -> None:
        until, last = time.monotonic() + WAIT_S, None
        while time.monotonic() < until:
            try:
                if is_so():
                    return
            except Exception as error:  # of the client: asked again
                last = error
            for broker in self.brokers.values():
                if broker.process and broker.process.poll() is not None:
                    raise AssertionError(f"a broker has ended: {broker.log.read_text()[-3000:]}")
            time.sleep(0.05)
        raise AssertionError(f"{otherwise}: {last}; {[broker.log.read_text()[-1000:] for broker in self.brokers.values()]}")

    def create_topic(self, name: str, partitions: int = 1, **config: str) -> None:
        new = NewTopic(name, partitions, config={key.replace("_", "."): value for key, value in config.items()})
        self.admin.create_topics([new])[name].result(WAIT_S)
        self.wait_for(lambda: len(self.partitions(name)) == partitions, f"topic {name} does not come")

    def partitions(self, topic: str) -> dict[int, int]:
        """Leaders, by partition. Of one topic the brokers would make it: so of all."""
        found = self.admin.list_topics(timeout=10).topics.get(topic)
        return {one.id: one.leader for one in found.partitions.values() if one.leader > 0} if found else {}

    def leaders(self, topic: str) -> set[int]:
        return set(self.partitions(topic).values())

    def end(self, topic: str, partition: int) -> int:
        """The offset that the next message gets."""
        asked = TopicPartition(topic, partition)
        return self.admin.list_offsets({asked: OffsetSpec.latest()})[asked].result(WAIT_S).offset

    def delete_topic(self, name: str) -> None:
        self.admin.delete_topics([name])[name].result(WAIT_S)
        self.wait_for(lambda: name not in self.admin.list_topics(timeout=10).topics, f"topic {name} does not go")

    def delete_records(self, topic: str, partition: int, before: int) -> None:
        """As retention does: the partition begins at that offset then."""
        asked = TopicPartition(topic, partition, before)
        self.admin.delete_records([asked])[asked].result(WAIT_S)

    def producer(self, codec: str = "none", **more: str) -> Producer:
        key = f"{codec} {more}"
        if key not in self.producers:
            settings = {"compression_type": codec, "acks": "all", "enable_idempotence": True, "linger_ms": 20, **more}
            self.producers[key] = Producer(self.client(**settings))
        return self.producers[key]

    def produce(self, topic: str, partition: int, values: list[bytes | None], codec: str = "none", time_ms: int = 0) -> list[int]:
        """Sends messages in their order, and returns their offsets. Time 0: now."""
        producer, offsets, failed = self.producer(codec), [], []
        producer.list_topics(topic, WAIT_S)  # else it learns of a topic when a second is over

        def delivered(error: object, message: Message) -> None:
            offsets.append(message.offset())
            if error:
                failed.append(error)

        for value in values:
            producer.produce(topic, value, partition=partition, timestamp=time_ms, on_delivery=delivered)
            producer.poll(0)
        left = producer.flush(WAIT_S)
        if left or failed:
            raise AssertionError(f"{left} messages not sent, failed: {failed[:3]}")
        return offsets

    def produce_transaction(self, topic: str, partition: int, values: list[bytes], commit: bool) -> None:
        producer = self.producer(transactional_id="peers")
        if not hasattr(self, "transactions"):
            self.transactions = producer.init_transactions(WAIT_S)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, partition=partition)
        producer.flush(WAIT_S)
        (producer.commit_transaction if commit else producer.abort_transaction)(WAIT_S)

    def committed(self, group: str, topic: str) -> dict[int, int]:
        """A group's offsets by partition, those that there are."""
        consumer, found = Consumer(self.client(group_id=group)), []
        asked = [TopicPartition(topic, partition) for partition in self.partitions(topic)]

        def ask() -> bool:
            found[:] = consumer.committed(asked, 5)
            return True

        try:
            self.wait_for(ask, f"no offsets of group {group}")  # whose coordinator may just be chosen
        finally:
            consumer.close()
        return {one.partition: one.offset for one in found if one.offset >= 0}


def quiet() -> logging.Logger:
    """A client tells of brokers that a test has taken away: not here."""
    logger = logging.getLogger("kafka-client")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


def make_certificate(folder: pathlib.Path) -> pathlib.Path:
    """Of 127.0.0.1, signed by itself; both.pem holds it and its key."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=kafka",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    (folder / "both.pem").write_text(key.read_text() + certificate.read_text())
    return certificate
