# SPDX-License-Identifier: Apache-2.0
"""Messages by the schemas of a real Apicurio Registry, over the interface of Confluent's that it has."""

import io
import json
import os
import pathlib
import socket
import struct
import subprocess
import tarfile
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import fastavro
from adweave import ROOT
from adweave_server import ServerTest

ARCHIVE = next((ROOT / ".cache/peers/jars/apicurio").glob("apicurio-registry-app-*.tar.gz"))
WAIT_S = 120.0
V1 = {"type": "record", "name": "Click", "fields": [{"name": name, "type": "string"} for name in ("id", "campaign")]}
V2 = {**V1, "fields": [*V1["fields"], {"name": "more", "type": ["null", "int"], "default": None}]}

folder: tempfile.TemporaryDirectory
apicurio: "Apicurio"


class Apicurio:
    """One process that keeps all in memory, and listens on this machine alone."""

    def __init__(self, home: pathlib.Path) -> None:
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(home, filter="data")
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
            port, management = one.getsockname()[1], other.getsockname()[1]
        settings = {"quarkus.http.host": "127.0.0.1", "quarkus.http.port": port, "quarkus.management.host": "127.0.0.1",
                    "quarkus.management.port": management, "apicurio.storage.kind": "sql", "apicurio.storage.sql.kind": "h2",
                    "apicurio.ccompat.legacy-id-mode.enabled": "false"}
        self.url = f"http://127.0.0.1:{port}/apis/ccompat/v7"
        self.log = home / "log.txt"
        java = f"{os.environ['JAVA_HOME']}/bin/java"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *(f"-D{k}={v}" for k, v in settings.items()),
                 "-jar", "quarkus-run.jar"], cwd=home, stdout=log, stderr=log)
        until = time.monotonic() + WAIT_S
        while True:
            try:
                self.ask("/subjects")
                return
            except OSError as error:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise AssertionError(f"Apicurio does not serve: {error}; {self.log.read_text()[-3000:]}") from error
                time.sleep(0.2)

    def ask(self, path: str, body: dict | None = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/vnd.schemaregistry.v1+json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def register(self, schema: dict) -> int:
        return self.ask("/subjects/clicks-value/versions", {"schema": json.dumps(schema)})["id"]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def setUpModule() -> None:
    global folder, apicurio
    folder = tempfile.TemporaryDirectory()
    apicurio = Apicurio(pathlib.Path(folder.name))


def tearDownModule() -> None:
    apicurio.end()
    folder.cleanup()


def message(schema_id: int, schema: dict, **event: object) -> bytes:
    out = io.BytesIO()
    out.write(struct.pack(">bI", 0, schema_id))
    fastavro.schemaless_writer(out, schema, event)
    return out.getvalue()


class ApicurioTest(ServerTest):
    def setUp(self) -> None:
        super().setUp()
        source = {"name": "clicks", "http": True, "files": "in/*.avro", "format": "avro", "framing": "confluent",
                  "registry": apicurio.url, "kind": "click",
                  "fields": {"event_id": "id", "campaign_id": "campaign", "event_time": {"receipt": True}}}
        self.config = self.write("adweave.yaml", json.dumps({"sources": [source]}))

    def ids(self) -> list[str]:
        return [row["id"] for row in self.sql("SELECT event_id AS id FROM clicks ORDER BY 1")]

    def test_versions_are_read_and_unknown_ids_come_back(self) -> None:
        one, two = apicurio.register(V1), apicurio.register(V2)
        self.assertNotEqual(one, two)
        unknown = two + 1000
        self.write("in/a.avro", message(one, V1, id="1", campaign="a") + message(two, V2, id="2", campaign="b", more=7)
                   + message(unknown, V1, id="3", campaign="c"))
        self.run_config(self.config)
        self.assertEqual(self.ids(), ["1", "2"])
        self.assertEqual(self.sql("SELECT reason FROM current_rejects"), [{"reason": "unknown_schema"}])
        self.start()
        status, answer, _ = self.ask("POST", "/v1/events?source=clicks&wait=committed", message(one, V1, id="4", campaign="a"),
                                     Content_Type="application/avro")
        self.assertEqual((status, answer["accepted"]), (200, 1), answer)
        self.assertEqual(self.stop(), 0)
        self.check_conservation()


if __name__ == "__main__":
    unittest.main()
