# SPDX-License-Identifier: Apache-2.0
"""What bench/instructions.py reads out of a callgrind file."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench"))
import instructions  # noqa: E402

PROFILE = """\
version: 1
creator: callgrind-3.19.0
positions: line
events: Ir

ob=(1) /build/bin/adweave
fl=(1) a.cc
fn=(1) hot
10 100
+2 20
cob=(2) /lib/libc.so.6
cfn=(2) memcpy
calls=3 0
12 5000
* 4

ob=(2)
fl=(2) memcpy.S
fn=(2)
0 5000

ob=(1)
fn=(3) other
-3 7

totals: 5131
"""


class Instructions(unittest.TestCase):
    def test_costs_are_those_of_each_object_without_what_it_calls(self) -> None:
        self.assertEqual(instructions.self_costs(PROFILE), {"adweave": 131, "libc.so.6": 5000})

    def test_every_loop_has_an_expected_count(self) -> None:
        expected = instructions.EXPECTED.read_text()
        for name in ("decode JSON", "decode Avro", "decode CSV", "prepare", "deduplicate", "attribute", "write Parquet"):
            self.assertIn(f'"{name}"', expected)

    def test_a_count_beyond_the_tolerance_is_refused(self) -> None:
        self.assertEqual(instructions.verdict(1029, 1000), (0.029, True))
        self.assertFalse(instructions.verdict(1031, 1000)[1])
        self.assertFalse(instructions.verdict(969, 1000)[1])
        self.assertFalse(instructions.verdict(0, 1000)[1])
        self.assertFalse(instructions.verdict(1000, None)[1])


if __name__ == "__main__":
    unittest.main()
