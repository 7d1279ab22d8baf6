# SPDX-License-Identifier: Apache-2.0
"""The schema registry of a server, as Confluent's own Python client and serializers use it; its verdicts beside Avro's."""

import base64
import hashlib
import itertools
import json
import signal
import unittest
import warnings

import avro.compatibility
import avro.schema

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client's own dependencies complain of
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
    from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from adweave_server import ServerTest

FORM = "application/vnd.schemaregistry.v1+json"
LEVELS = ("NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE")


def record(*fields: dict, name: str = "R", **more: object) -> dict:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, of: object = "int", **more: object) -> dict:
    return {"name": name, "type": of, **more}


def enum(*symbols: str, name: str = "E", **more: object) -> dict:
    return {"type": "enum", "name": name, "symbols": list(symbols), **more}


def fixed(size: int, name: str = "F", **more: object) -> dict:
    return {"type": "fixed", "name": name, "size": size, **more}


def array(of: object) -> dict:
    return {"type": "array", "items": of}


def map_of(of: object) -> dict:
    return {"type": "map", "values": of}


def chain(of: str, **more: object) -> dict:
    return record(field("v", of, **more), field("next", ["null", "R"], default=None))


# Groups of schemas; each is compared with each of its group, both ways.
GROUPS = {
    "types": ["null", "boolean", "int", "long", "float", "double", "bytes", "string", record(), enum("A"), fixed(2), array("int"),
              map_of("int"), ["null", "int"], ["null", "string"], ["int", "string"], ["long", "null"]],
    "unions": [["null"], ["null", "int"], ["int", "null"], ["null", "long"], ["null", "int", "string"], ["null", "bytes"], ["float", "double"],
               ["null", record()], ["null", record(field("a"))], ["null", record(field("a", default=1))], ["null", record(name="S")],
               [array("int"), map_of("long")], [array("long"), map_of("int")], [enum("A"), enum("B", name="G")], [enum("A", "B")],
               ["null", record(name="T", aliases=["R"])]],
    "records": [record(), record(field("a")), record(field("a", "long")), record(field("a", default=1)), record(field("a"), field("b")),
                record(field("a"), field("b", default=2)), record(field("b", aliases=["a"])), record(field("b", "long", aliases=["a"], default=0)),
                record(field("a", ["null", "int"], default=None)), record(field("a", ["null", "int"])), record(field("a", "string")),
                record(field("a"), name="S"), record(field("a"), name="S", aliases=["R"]), record(field("a"), name="n.R"),
                record(field("a"), name="m.S", aliases=["n.R"]), record(field("a", record(field("x"), name="I"))),
                record(field("a", record(field("x", "long"), name="I"))), record(field("a", record(name="I"), default={})),
                record(field("a", enum("A")))],
    "enums": [enum("A"), enum("A", "B"), enum("B", "A"), enum("A", default="A"), enum("A", "B", default="B"), enum("B", default="B"),
              enum("A", name="G"), enum("A", name="G", aliases=["E"]), enum("A", name="n.E")],
    "fixed": [fixed(1), fixed(2), fixed(2, name="G"), fixed(2, name="G", aliases=["F"]), fixed(2, name="n.F"), "bytes", "string"],
    "containers": [array("int"), array("long"), array("string"), array(["null", "int"]), array(record(name="I")), array(record(field("x"), name="I")),
                   map_of("int"), map_of("long"), map_of(array("int")), map_of(array("double"))],
    "recursive": [chain("int"), chain("long"), chain("int", default=0), chain("string"), record(field("next", ["null", "R"], default=None)),
                  record(field("v"), field("next", array("R"))), record(field("v"), field("next", map_of("R")))],
    "logical": ["int", "long", {"type": "int", "logicalType": "date"}, {"type": "long", "logicalType": "timestamp-micros"}, "bytes",
                {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, {"type": "string", "logicalType": "uuid"}],
}


def reads(reader: object, writer: object) -> bool:
    """What Avro's own checker says."""
    parsed = [avro.schema.parse(json.dumps(schema)) for schema in (reader, writer)]
    verdict = avro.compatibility.ReaderWriterCompatibilityChecker().get_compatibility(*parsed)
    return verdict.compatibility is avro.compatibility.SchemaCompatibilityType.compatible


class RegistryTest(ServerTest):
    CONFIG = "sources: [{name: s, http: true, format: json, kind: click, fields: {campaign_id: c, event_time: {receipt: true}}}]\n"

    def start(self, **env: str) -> None:
        super().start(**env)
        self.client = self.new_client()

    def new_client(self, **more: str) -> SchemaRegistryClient:
        return self.enterContext(SchemaRegistryClient({"url": f"http://127.0.0.1:{self.port}", **more}))

    def ask_json(self, method: str, path: str, body: object = None, status: int = 200, **headers: str):
        found, value, answer = self.ask(method, path, json.dumps(body).encode() if body is not None else b"", Content_Type=FORM, **headers)
        self.assertEqual(found, status, value)
        self.assertEqual(answer.getheader("Content-Type"), FORM)
        return value

    def refused(self, code: int, method: str, path: str, body: object = None) -> str:
        value = self.ask_json(method, path, body, status=code if code < 600 else code // 100)
        self.assertEqual(value["error_code"], code, value)
        return value["message"]

    def put(self, subject: str, schema: object) -> int:
        return self.ask_json("POST", f"/subjects/{subject}/versions", {"schema": json.dumps(schema)})["id"]


class ClientTest(RegistryTest):
    """PyPI's confluent-kafka, as it is."""

    V1 = json.dumps(record(field("user", "string"), name="ads.Click"))
    V2 = json.dumps(record(field("user", "string"), field("price", ["null", "double"], default=None), name="ads.Click"))

    def test_serializers_write_and_read(self) -> None:
        self.start()
        context = SerializationContext("clicks", MessageField.VALUE)
        old = AvroSerializer(self.client, self.V1)({"user": "u1"}, context)
        new = AvroSerializer(self.client, self.V2)({"user": "u2", "price": 1.5}, context)
        self.assertEqual((old[:5].hex(), new[:5].hex()), ("0000000001", "0000000002"))
        read = AvroDeserializer(self.new_client(), self.V2)
        self.assertEqual([read(message, context) for message in (old, new)], [{"user": "u1", "price": None}, {"user": "u2", "price": 1.5}])
        self.assertEqual(AvroDeserializer(self.new_client())(old, context), {"user": "u1"})
        latest = AvroSerializer(self.new_client(), None, conf={"auto.register.schemas": False, "use.latest.version": True})
        self.assertEqual(latest({"user": "u2", "price": 1.5}, context), new)
        self.stop(signal.SIGKILL)
        self.start()
        self.assertEqual([AvroDeserializer(self.client, self.V2)(message, context)["user"] for message in (old, new)], ["u1", "u2"])
        self.assertEqual(self.client.get_versions("clicks-value"), [1, 2])
        with self.assertRaises(SchemaRegistryError) as wrong:
            AvroSerializer(self.client, json.dumps(record(field("other"), name="ads.Click")))({"other": 1}, context)
        self.assertEqual((wrong.exception.http_status_code, wrong.exception.error_code), (409, 409))
        self.assertIn("the field 'other' of 'ads.Click' is not written and has no default", str(wrong.exception))

    def test_every_call_of_the_client(self) -> None:
        self.start()
        client, v1, v2 = self.client, Schema(self.V1, "AVRO"), Schema(self.V2, "AVRO")
        self.assertEqual(client.get_subjects(), [])
        self.assertEqual([client.register_schema("a/b c-value", schema) for schema in (v1, v2)], [1, 2])
        self.assertEqual(client.register_schema("d", v2, normalize_schemas=True), 2)
        self.assertEqual(client.get_subjects(), ["a/b c-value", "d"])
        self.assertEqual(client.get_schema(2).schema_str, self.V2)
        found = client.lookup_schema("a/b c-value", v1)
        self.assertEqual((found.subject, found.version, found.schema_id, found.schema.schema_str), ("a/b c-value", 1, 1, self.V1))
        self.assertEqual(client.get_latest_version("a/b c-value").version, 2)
        self.assertEqual(client.get_version("a/b c-value", 1).schema_id, 1)
        self.assertEqual(client.get_versions("a/b c-value"), [1, 2])
        self.assertTrue(client.test_compatibility("a/b c-value", v2))
        self.assertFalse(client.test_compatibility("a/b c-value", Schema(json.dumps(record(field("z"), name="ads.Click")), "AVRO")))
        self.assertEqual(client.get_compatibility(), "BACKWARD")
        self.assertEqual(client.set_compatibility(level="FULL")["compatibility"], "FULL")
        self.assertEqual(client.set_compatibility("d", "NONE")["compatibility"], "NONE")
        self.assertEqual((client.get_compatibility(), client.get_compatibility("d")), ("FULL", "NONE"))
        self.assertEqual(client.delete_version("a/b c-value", 1), 1)
        self.assertEqual(client.delete_subject("d"), [1])
        self.assertEqual(client.delete_subject("d", permanent=True), [1])
        with self.assertRaises(SchemaRegistryError) as missing:
            client.get_version("d", 1)
        self.assertEqual((missing.exception.http_status_code, missing.exception.error_code), (404, 40401))


class RestTest(RegistryTest):
    """What other clients ask, and the codes that they know."""

    def test_what_is_told(self) -> None:
        self.start()
        self.assertEqual(self.ask_json("GET", "/"), {})
        self.assertEqual(self.ask_json("GET", "/schemas/types"), ["AVRO"])
        self.assertEqual([self.put("a", "int"), self.put("b", "int"), self.put("b", ["int", "long"])], [1, 1, 2])
        self.assertEqual(self.ask_json("GET", "/schemas/ids/2"), {"schema": '["int", "long"]'})
        self.assertEqual(self.ask_json("GET", "/schemas/ids/2/schema"), ["int", "long"])
        self.assertEqual(self.ask_json("GET", "/schemas/ids/1/subjects"), ["a", "b"])
        self.assertEqual(self.ask_json("GET", "/schemas/ids/1/versions"), [{"subject": "a", "version": 1}, {"subject": "b", "version": 1}])
        self.assertEqual(self.ask_json("GET", "/subjects/b/versions/latest"),
                         {"subject": "b", "version": 2, "id": 2, "schema": '["int", "long"]'})
        self.assertEqual(self.ask_json("GET", "/subjects/b/versions/-1/schema"), ["int", "long"])
        self.assertEqual(self.ask_json("GET", "/subjects/b/versions/1/referencedby"), [])
        self.assertEqual(self.ask_json("POST", "/subjects/b", {"schema": '{"type": "int"}'})["version"], 1)
        self.assertEqual(self.ask_json("DELETE", "/subjects/b/versions/latest"), 2)
        self.assertEqual(self.ask_json("GET", "/subjects/b/versions?deleted=true"), [1, 2])
        self.assertEqual(self.ask_json("GET", "/subjects/b/versions?deletedOnly=true"), [2])
        self.assertEqual(self.ask_json("GET", "/subjects?deletedOnly=true"), [])
        self.assertEqual(self.ask_json("DELETE", "/subjects/b"), [1])
        self.assertEqual(self.ask_json("GET", "/subjects"), ["a"])
        self.assertEqual(self.ask_json("GET", "/subjects?deleted=true&subjectPrefix=b"), ["b"])
        self.assertEqual(self.ask("HEAD", "/subjects")[0], 200)

    def test_what_is_refused(self) -> None:
        self.start()
        self.put("a", "int")
        schema = {"schema": '"string"'}
        for code, method, path, body in (
                (40401, "GET", "/subjects/x/versions", None), (40401, "GET", "/subjects/x/versions/1", None), (40401, "DELETE", "/subjects/x", None),
                (40401, "POST", "/subjects/x", schema), (40401, "DELETE", "/config/a", None), (40401, "DELETE", "/mode/a", None),
                (40402, "GET", "/subjects/a/versions/2", None), (40402, "DELETE", "/subjects/a/versions/2", None),
                (40402, "POST", "/compatibility/subjects/a/versions/7", schema), (40403, "GET", "/schemas/ids/9", None),
                (40403, "GET", "/schemas/ids/x/schema", None), (40403, "POST", "/subjects/a", schema), (40405, "DELETE", "/subjects/a?permanent=true", None),
                (40407, "DELETE", "/subjects/a/versions/1?permanent=true", None), (40408, "GET", "/config/a", None), (40409, "GET", "/mode/a", None),
                (409, "POST", "/subjects/a/versions", schema), (42201, "POST", "/subjects/a/versions", {"schema": "{}"}),
                (42201, "POST", "/subjects/a/versions", {}), (42201, "POST", "/subjects/a/versions", {**schema, "schemaType": "PROTOBUF"}),
                (42201, "POST", "/subjects/a/versions", {**schema, "references": [{"name": "n", "subject": "s", "version": 1}]}),
                (42201, "POST", "/subjects/a/versions", {**schema, "metadata": {"properties": {}}}), (42202, "GET", "/subjects/a/versions/0", None),
                (42202, "GET", "/subjects/a/versions/first", None), (42203, "PUT", "/config", {"compatibility": "SIDEWAYS"}),
                (42203, "PUT", "/config/a", {}), (42204, "PUT", "/mode", {"mode": "SLEEP"}), (42205, "PUT", "/mode/a", {"mode": "IMPORT"}),
                (42205, "POST", "/subjects/a/versions", {**schema, "id": 7}), (42208, "POST", "/subjects/a%0Ab/versions", schema),
                (400, "POST", "/subjects/a/versions", []), (400, "PUT", "/config", None)):
            with self.subTest(code=code, method=method, path=path, body=body):
                self.assertTrue(self.refused(code, method, path, body))
        self.assertEqual(self.ask("POST", "/subjects/a/versions", b"{}", Content_Type="text/csv")[0], 415)
        self.ask_json("DELETE", "/subjects/a")
        self.refused(40404, "DELETE", "/subjects/a")
        self.refused(40406, "DELETE", "/subjects/a/versions/1")

    def test_modes(self) -> None:
        self.start()
        self.assertEqual(self.ask_json("PUT", "/mode/a", {"mode": "IMPORT"}), {"mode": "IMPORT"})
        body = {"schema": '"int"', "id": 70, "version": 5}
        self.assertEqual(self.ask_json("POST", "/subjects/a/versions", body), {"id": 70})
        self.refused(42207, "POST", "/subjects/a/versions", {**body, "schema": '"long"', "version": 6})
        self.assertEqual(self.ask_json("DELETE", "/mode/a"), {"mode": "IMPORT"})
        self.assertEqual(self.ask_json("PUT", "/mode", {"mode": "READONLY"}), {"mode": "READONLY"})
        self.refused(42205, "POST", "/subjects/a/versions", {"schema": '"long"'})
        self.assertEqual(self.ask_json("GET", "/mode/a?defaultToGlobal=true"), {"mode": "READONLY"})
        self.assertEqual(self.ask_json("DELETE", "/mode"), {"mode": "READONLY"})
        self.assertEqual(self.put("a", "long"), 71)

    def test_tokens(self) -> None:
        tokens = [{"name": role, "role": role, "sha256": hashlib.sha256(role.encode()).hexdigest()} for role in ("ingest", "read", "admin")]
        self.config = self.write("adweave.yaml", self.CONFIG + "serve: {tokens: " + json.dumps(tokens) + "}\n")
        self.start()
        body = json.dumps({"schema": '"int"'}).encode()
        for path, method, allowed in (("/subjects", "GET", {"ingest", "read", "admin"}), ("/subjects/a/versions", "POST", {"ingest", "admin"}),
                                      ("/compatibility/subjects/a/versions", "POST", {"ingest", "read", "admin"}),
                                      ("/mode", "DELETE", {"admin"}), ("/config", "DELETE", {"admin"}), ("/subjects/a", "DELETE", {"admin"})):
            self.assertEqual(self.ask_json(method, path, {}, status=401)["error_code"], 401)
            for role in ("read", "ingest", "admin"):
                basic = base64.b64encode(f"user:{role}".encode()).decode()
                for header in (f"Bearer {role}", f"Basic {basic}")[: 1 if path == "/subjects/a" else 2]:
                    status, value, _ = self.ask(method, path, body, Authorization=header)
                    self.assertEqual(status, 200 if role in allowed else 403, (path, role, value))
        with self.assertRaises(SchemaRegistryError) as refused:
            self.client.get_subjects()
        self.assertEqual(refused.exception.http_status_code, 401)
        self.assertEqual(self.new_client(**{"basic.auth.user.info": "me:read"}).get_subjects(), [])


class CompatibilityTest(RegistryTest):
    def test_verdicts_are_those_of_avro(self) -> None:
        """Every pair of every group, both ways, beside PyPI avro's checker."""
        self.start()
        levels = ("BACKWARD", "FORWARD", "FULL")
        compared = 0
        for name, schemas in GROUPS.items():
            for older in schemas:
                for level in levels:
                    self.put(f"{level}-{compared}", older)
                    self.ask_json("PUT", f"/config/{level}-{compared}", {"compatibility": level})
                number = compared
                for newer in schemas:
                    backward, forward = reads(newer, older), reads(older, newer)
                    for level, expected in zip(levels, (backward, forward, backward and forward), strict=True):
                        path = f"/compatibility/subjects/{level}-{number}/versions/latest?verbose=true"
                        verdict = self.ask_json("POST", path, {"schema": json.dumps(newer)})
                        self.assertEqual(verdict["is_compatible"], expected, (name, level, older, newer, verdict))
                        self.assertEqual(not verdict["messages"], expected)
                        compared += 1
        self.assertGreater(compared, 3000)

    def test_levels_say_which_versions_count(self) -> None:
        """A field that goes and comes back as another type: what the latest version allows, an earlier one may not."""
        self.start()
        versions = [record(field("id"), field("a", default=0)), record(field("id"))]
        candidates = {
            "the same": (versions[1], set(LEVELS)),
            "a field with a default": (record(field("id"), field("b", default=0)), set(LEVELS)),
            "a field without a default": (record(field("id"), field("b")), {"NONE", "FORWARD", "FORWARD_TRANSITIVE"}),
            "a wider type": (record(field("id", "long")), {"NONE", "BACKWARD", "BACKWARD_TRANSITIVE"}),
            "a field as another type": (record(field("id"), field("a", "string", default="")), {"NONE", "BACKWARD", "FORWARD", "FULL"}),
            "the field without its default": (record(field("id"), field("a")), {"NONE", "FORWARD", "FORWARD_TRANSITIVE"}),
            "nothing left": (record(), {"NONE", "BACKWARD", "BACKWARD_TRANSITIVE"}),
        }
        for number, (name, (candidate, allowed)) in enumerate(candidates.items()):
            for level in LEVELS:
                subject = f"s{number}-{level}"
                self.ask_json("PUT", f"/config/{subject}", {"compatibility": "NONE"})
                for version in versions:
                    self.put(subject, version)
                self.assertEqual(self.client.set_compatibility(subject, level)["compatibility"], level)
                with self.subTest(name=name, level=level):
                    tried = self.ask_json("POST", f"/compatibility/subjects/{subject}/versions", {"schema": json.dumps(candidate)})
                    self.assertEqual(tried["is_compatible"], level in allowed)
                    if level in allowed:
                        self.client.register_schema(subject, Schema(json.dumps(candidate), "AVRO"))
                    else:
                        with self.assertRaises(SchemaRegistryError) as refused:
                            self.client.register_schema(subject, Schema(json.dumps(candidate), "AVRO"))
                        self.assertEqual(refused.exception.error_code, 409)


class DurabilityTest(RegistryTest):
    def test_ids_stay_when_the_server_is_killed(self) -> None:
        ids: dict[str, int] = {}
        for life in range(4):
            self.start()
            for number in range(5):
                schema = json.dumps(record(field("id"), *(field(f"f{n}", default=0) for n in range(life * 5 + number))))
                ids[schema] = self.client.register_schema("s", Schema(schema, "AVRO"))
            self.stop(signal.SIGKILL)
        self.assertEqual(sorted(ids.values()), list(range(1, 21)))
        self.start()
        for number, (schema, schema_id) in enumerate(ids.items(), 1):
            found = self.client.lookup_schema("s", Schema(schema, "AVRO"))
            self.assertEqual((found.version, found.schema_id, self.client.get_schema(schema_id).schema_str), (number, schema_id, schema))
        self.assertEqual(self.stop(), 0)

    def test_damage_is_named(self) -> None:
        self.start()
        self.put("s", "int")
        self.put("t", "long")
        self.stop()
        path = self.data / "registry" / f"{1:020}.change"
        path.write_bytes(path.read_bytes().replace(b"int", b"out"))
        said = self.adweave("serve", "-c", self.config, "--data", self.data, code=1).stderr
        self.assertIn(f"{path}: its checksum does not hold", said)


class OwnSchemasTest(RegistryTest):
    """A source whose messages are of schemas that the server's own registry has."""

    CONFIG = """sources:
  - {name: clicks, http: true, format: avro, framing: confluent, registry: self, kind: click, files: "in/*.b64",
     fields: {event_id: id, campaign_id: campaign, event_time: {receipt: true}}}
  - {name: texts, files: "in/*.b64", format: avro, framing: confluent, registry: self, envelope: $, kind: click,
     fields: {event_id: id, campaign_id: campaign, event_time: {receipt: true}}}
""".replace(', files: "in/*.b64",\n     fields', ',\n     fields', 1)
    V1 = record(field("id", "string"), field("campaign", "string"), name="Click")
    V2 = record(field("campaign", "string"), field("id", "string"), field("more", ["null", "int"], default=None), name="Click")
    CLICKS = "SELECT event_id, campaign_id, CAST(extra AS VARCHAR) AS extra FROM clicks ORDER BY 1"

    def message(self, schema: dict, **event: object) -> bytes:
        return AvroSerializer(self.client, json.dumps(schema))(event, SerializationContext("clicks", MessageField.VALUE))

    def deliver(self, body: bytes) -> dict:
        status, answer, _ = self.ask("POST", "/v1/events?source=clicks&wait=committed", body, Content_Type="application/avro")
        self.assertEqual(status, 200, answer)
        return answer

    def test_versions_are_known_once_they_are_registered(self) -> None:
        self.start()
        self.assertEqual(self.deliver(self.message(self.V1, id="1", campaign="a"))["accepted"], 1)
        both = self.message(self.V2, campaign="b", id="2", more=7) + self.message(self.V1, id="3", campaign="c")
        self.assertEqual(self.deliver(both)["accepted"], 2)
        self.ask_json("DELETE", "/subjects/clicks-value")
        self.ask_json("DELETE", "/subjects/clicks-value?permanent=true")
        self.assertEqual(self.deliver(both.replace(b"\x02b\x022", b"\x02b\x024"))["accepted"], 1)  # no message loses its schema
        self.assertEqual(self.stop(), 0)
        self.write("in/m.b64", base64.b64encode(both.replace(b"\x02b\x022", b"\x02b\x025")[: len(both) // 2 + 1]).decode() + "\n")
        self.assertEqual([(row["event_id"], row["campaign_id"]) for row in self.sql(self.CLICKS)], [("1", "a"), ("2", "b"), ("3", "c"), ("4", "b")])
        self.check_conservation()

    def test_an_unknown_version_comes_back(self) -> None:
        """Messages of schemas that nobody has registered are kept, say so, and are read once somebody has."""
        self.start()
        known = self.message(self.V1, id="1", campaign="a")
        unknown = [b"\0\0\0\0\x63" + known[5:].replace(b"\x021", b"\x02" + name) for name in (b"2", b"3")]
        behind = known.replace(b"\x021", b"\x025")  # nobody knows where it begins
        answer = self.deliver(known + unknown[0] + behind)
        self.assertEqual((answer["accepted"], answer["rejected"]), (1, 1))
        answer = self.deliver(unknown[1])
        self.assertEqual((answer["accepted"], answer["rejected"]), (0, 1))
        self.assertIn("no schema is known for schema id 99: the schema registry does not know it", answer["errors"][0])
        self.assertEqual(self.stop(), 0)
        self.write("in/m.b64", base64.b64encode(unknown[0].replace(b"\x022", b"\x024")).decode() + "\n")
        self.adweave("run", "-c", self.config, "--data", self.data)
        self.assertEqual(self.sql("SELECT reason, count(*) AS n FROM current_rejects GROUP BY ALL"), [{"reason": "unknown_schema", "n": 3}])
        self.start()
        self.ask_json("PUT", "/mode/late", {"mode": "IMPORT"})
        self.ask_json("POST", "/subjects/late/versions", {"schema": json.dumps(self.V1), "id": 99})
        self.assertEqual(self.stop(), 0)
        self.adweave("rejects", "replay", "-c", self.config, "--data", self.data)
        self.assertEqual([row["event_id"] for row in self.sql(self.CLICKS)], ["1", "2", "3", "4", "5"])
        self.assertEqual(self.sql("SELECT count(*) AS n FROM current_rejects WHERE state = 'open'"), [{"n": 0}])
        self.check_conservation()


if __name__ == "__main__":
    unittest.main()
