# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/labels.ndjson: what every data file is, by the manifests that came with the files.

    python3 tests/tools/make_labels.py > tests/data/labels.ndjson

Nothing here asks adweave. CSV dialects and encodings are what csv_duckdb/expected.ndjson says (DuckDB 2.0.0's own
sniffer), Avro codecs what avro/readers.csv says, validity of JSON what openrtb/iab/index.csv says; the rest is stated
by the pool's list of files. The answer keys themselves, JSON all of them, are data files too.
"""

import csv
import json
import pathlib

DATA = pathlib.Path(__file__).resolve().parents[1] / "data"
CSV = {"delimiter": ",", "quote": "\"", "escape": None, "comment": None, "skip": 0, "header": True}


def label(file: str, format_: str, compression: str = "none", encoding: str | None = "utf-8", **more: object) -> None:
    path = DATA / file
    if not path.is_file():
        raise FileNotFoundError(path)
    print(json.dumps({"file": file, "format": format_, "compression": compression, "encoding": encoding, **more}))


def duckdb() -> None:
    with open(DATA / "csv_duckdb/expected.ndjson", encoding="utf-8") as rows:
        for row in map(json.loads, rows):
            dialect = row.get("dialect")
            if dialect:
                dialect = {"delimiter": dialect["delimiter"], "header": dialect["header"], "skip": dialect["skip_rows"]} | {
                    key: None if dialect[key] == "(empty)" else dialect[key] for key in ("quote", "escape", "comment")}
                if dialect["escape"] == dialect["quote"]:  # quotes are doubled
                    dialect["escape"] = None
            label("csv_duckdb/" + row["file"], "csv", "gzip" if row["gzip"] else "none", encoding_of(row),
                  dialect=dialect)


def encoding_of(row: dict) -> str | None:
    """The manifest says whether a file is UTF-8; of the others, the files' own names say what they are."""
    if row["utf8"]:
        return "utf-8"
    name = row["file"].rsplit("/", 1)[-1]
    if "utf16" in name:
        return "utf-16le"
    if "latin1" in name:
        return "latin-1"
    return "shift_jis" if "shift_jis" in name else None


def avro() -> None:
    with open(DATA / "avro/readers.csv", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            label("avro/" + row["file"], "avro", encoding=None, codec=row["codec"] or None,
                  dialect={"framing": "container"})
    label("avro/apache/messageV1/test_message.bin", "avro", encoding=None, dialect={"framing": "single_object"})
    label("avro/apache/weather.json", "json", dialect={"framing": "lines"})
    for path in sorted((DATA / "avro").rglob("*.ndjson")):
        if path.stat().st_size > 1:  # some containers hold no rows
            label(str(path.relative_to(DATA)), "json", dialect={"framing": "lines"})
    for path in sorted((DATA / "avro").rglob("*.avsc")):
        label(str(path.relative_to(DATA)), "json")
    label("avro/readers.csv", "csv", dialect=CSV | {"quote": None})


def openrtb() -> None:
    lines = {"framing": "lines"}
    label("openrtb/bid_requests.ndjson", "json", dialect=lines)
    label("openrtb/bid_responses.ndjson.gz", "json", "gzip", dialect=lines)
    label("openrtb/bid_requests.framed.ndjson.gz", "avro", "gzip", None,
          dialect={"framing": "confluent", "envelope": "message"})
    for codec in ("snappy", "deflate"):
        label(f"openrtb/bid_requests.{codec}.avro", "avro", encoding=None, codec=codec, dialect={"framing": "container"})
    for name in ("bid_requests", "bid_responses"):
        label(f"openrtb/{name}.sources.csv.gz", "csv", "gzip", dialect=CSV | {"quote": None})
    label("openrtb/iab/index.csv", "csv", dialect=CSV)
    with open(DATA / "openrtb/iab/index.csv", encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            label("openrtb/iab/" + row["file"], "json")
    for path in sorted((DATA / "openrtb/broken").iterdir()):
        label(f"openrtb/broken/{path.name}", "json")
    for path in sorted((DATA / "openrtb/beeswax/headers").iterdir()):
        label(f"openrtb/beeswax/headers/{path.name}", "csv", dialect=CSV | {"quote": None})
    label("openrtb/beeswax/streaming/unjoined_json.json", "json", dialect={"framing": "document"})
    for name in ("schema_id_7.json", "bid_request.avsc"):
        label("openrtb/" + name, "json")


def rest() -> None:
    label("access_log/apache_logs", "lines", dialect={})
    label("attribution/data.csv.gz", "csv", "gzip", dialect=CSV | {"quote": None})
    label("attribution/vectors.json", "json", dialect={"framing": "document"})
    for path in sorted((DATA / "csv_spectrum/csvs").iterdir()):
        label(f"csv_spectrum/csvs/{path.name}", "csv", dialect=CSV | {"quote": None})
        label(f"csv_spectrum/json/{path.stem}.json", "json")
    label("csv_duckdb/expected.ndjson", "json", dialect={"framing": "lines"})
    label("seeds/expected.json", "json")
    label("seeds/impressions.ndjson", "json", dialect={"framing": "lines"})
    label("seeds/bid_requests.ndjson", "json", dialect={"framing": "lines"})
    label("seeds/clicks_conversions.csv", "csv", dialect=CSV | {"quote": None})
    label("seeds/bid_requests.avro", "avro", encoding=None, codec="deflate", dialect={"framing": "container"})


if __name__ == "__main__":
    duckdb()
    avro()
    openrtb()
    rest()
