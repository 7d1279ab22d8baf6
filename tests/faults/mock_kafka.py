# SPDX-License-Identifier: Apache-2.0
"""Kafka brokers inside this process: those of librdkafka, which the program is built with. A real Kafka is tests/integration/peers'."""

import ctypes
import time

COPY = 2  # RD_KAFKA_MSG_F_COPY
OFFSET_COMMIT = 8  # as the protocol numbers requests
CUT = -195  # RD_KAFKA_RESP_ERR__TRANSPORT: the connection is closed, and there is no answer
FLUSH_MS = 60_000


def library() -> ctypes.CDLL:
    lib = ctypes.CDLL("librdkafka.so.1")
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new", "rd_kafka_topic_new"):
        getattr(lib, name).restype = ctypes.c_void_p
    lib.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return lib


class Kafka:
    """A cluster with the topic `events`."""

    def __init__(self, brokers: int = 1, partitions: int = 3) -> None:
        self.lib, self.partitions, self.sent = library(), partitions, 0
        self.owner = self._client({})
        self.cluster = ctypes.c_void_p(self.lib.rd_kafka_mock_cluster_new(self.owner, brokers))
        self._check(self.lib.rd_kafka_mock_topic_create(self.cluster, b"events", partitions, brokers))
        self.bootstrap = self.lib.rd_kafka_mock_cluster_bootstraps(self.cluster).decode()
        self.producer = self._client({"bootstrap.servers": self.bootstrap, "linger.ms": "5", "enable.idempotence": "true"})
        self.topic = ctypes.c_void_p(self.lib.rd_kafka_topic_new(self.producer, b"events", None))

    def _client(self, properties: dict[str, str]) -> ctypes.c_void_p:
        settings = ctypes.c_void_p(self.lib.rd_kafka_conf_new())
        text = ctypes.create_string_buffer(256)
        for name, value in {"log_level": "0", **properties}.items():
            self._check(self.lib.rd_kafka_conf_set(settings, name.encode(), value.encode(), text, len(text)))
        return ctypes.c_void_p(self.lib.rd_kafka_new(0, settings, text, len(text)))

    def _check(self, error: int) -> None:
        if error != 0:
            raise RuntimeError(f"librdkafka: error {error}")

    def produce(self, messages: list[bytes]) -> None:
        """Returns once they are kept."""
        for message in messages:
            self._check(self.lib.rd_kafka_produce(self.topic, self.sent % self.partitions, COPY, message, ctypes.c_size_t(len(message)),
                                                  None, ctypes.c_size_t(0), None))
            self.sent += 1
        self._check(self.lib.rd_kafka_flush(self.producer, FLUSH_MS))

    def restart(self, broker: int, seconds: float) -> None:
        """It is away so long."""
        self._check(self.lib.rd_kafka_mock_broker_set_down(self.cluster, broker))
        time.sleep(seconds)
        self._check(self.lib.rd_kafka_mock_broker_set_up(self.cluster, broker))

    def cut_offset_commits(self, count: int) -> None:
        """So many of the next ones get no answer."""
        self.lib.rd_kafka_mock_push_request_errors(self.cluster, ctypes.c_int16(OFFSET_COMMIT), ctypes.c_size_t(count), *[ctypes.c_int(CUT)] * count)

    def close(self) -> None:
        self.lib.rd_kafka_topic_destroy(self.topic)
        self.lib.rd_kafka_destroy(self.producer)
        self.lib.rd_kafka_mock_cluster_destroy(self.cluster)
        self.lib.rd_kafka_destroy(self.owner)
