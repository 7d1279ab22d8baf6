# SPDX-License-Identifier: Apache-2.0
"""A broker with the topics `json` and `avro`, each message one event: the lines of FILE, and the same as Avro in Confluent's frame
with the schema SCHEMA under its id 1. It runs until the standard input ends.

  topics.py FOLDER PARTITIONS FILE SCHEMA        writes a line "brokers HOST:PORT" when all is there
"""

import io
import json
import pathlib
import struct
import sys

import fastavro
import kafka as peer

SCHEMA_ID = 1
FLUSH_EVERY = 50_000  # the producer's queue holds 100,000


def framed(schema: object, line: bytes) -> bytes:
    out = io.BytesIO()
    out.write(struct.pack(">bI", 0, SCHEMA_ID))
    fastavro.schemaless_writer(out, schema, json.loads(line))
    return out.getvalue()


def fill(cluster: peer.Kafka, topic: str, partitions: int, messages) -> None:
    cluster.create_topic(topic, partitions)
    producer = cluster.producer("none", batch_size="262144")
    for number, message in enumerate(messages):
        producer.produce(topic, message, partition=number % partitions)
        if number % FLUSH_EVERY == 0:
            producer.flush(peer.WAIT_S)
    if producer.flush(peer.WAIT_S):
        raise RuntimeError(f"topic {topic} could not be filled")


def main(folder: str, partitions: int, path: str, schema_path: str) -> None:
    cluster = peer.Kafka(pathlib.Path(folder))
    try:
        cluster.start()
        schema = fastavro.parse_schema(json.loads(pathlib.Path(schema_path).read_text()))
        with open(path, "rb") as lines:
            fill(cluster, "json", partitions, (line.rstrip(b"\n") for line in lines))
        with open(path, "rb") as lines:
            fill(cluster, "avro", partitions, (framed(schema, line) for line in lines))
        print("brokers", cluster.bootstrap, flush=True)
        sys.stdin.read()
    finally:
        cluster.kill()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
