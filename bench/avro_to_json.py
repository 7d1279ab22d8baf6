# SPDX-License-Identifier: Apache-2.0
"""The generated bid requests as JSON lines, for peers that do not read Avro: the same records in the same order."""

import json
import pathlib

SYNC_BYTES = 16


class Reader:
    """Avro's primitive values, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def long(self) -> int:
        number = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return (number >> 1) ^ -(number & 1)
            shift += 7

    def text(self) -> str:
        length = self.long()
        self.at += length
        return self.data[self.at - length : self.at].decode()


def record(reader: Reader) -> dict:
    bid = {"id": reader.text(), "imp_id": reader.text(), "time": reader.long()}
    bid["user"] = reader.text() if reader.long() else None
    bid["site"] = {"domain": reader.text()}
    bid["device"] = {"ua": reader.text()}
    bid["floor_micros"] = reader.long()
    bid["currency"] = reader.text()
    return bid


def convert(source: pathlib.Path, target: pathlib.Path) -> None:
    reader = Reader(source.read_bytes())
    reader.at = 4
    for _ in range(reader.long()):
        reader.text(), reader.text()
    reader.at += 1 + SYNC_BYTES
    with open(target, "w", encoding="utf-8") as out:
        while reader.at < len(reader.data):
            rows = reader.long()
            reader.long()
            for _ in range(rows):
                out.write(json.dumps(record(reader), separators=(",", ":")) + "\n")
            reader.at += SYNC_BYTES
