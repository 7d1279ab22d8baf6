# SPDX-License-Identifier: Apache-2.0
"""Documents are true: commands print what they show, reference pages are those the program writes, configs parse."""

import os
import re
import subprocess
import unittest

from adweave import PROGRAM, ROOT, AdweaveTest

RUN_BLOCK = re.compile(r"<!-- run -->\n```\n(.*?)```", re.DOTALL)


class Documents(AdweaveTest):
    def test_commands_print_what_the_documents_show(self) -> None:
        blocks = 0
        for document in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
            for number, block in enumerate(RUN_BLOCK.findall(document.read_text())):
                blocks += 1
                with self.subTest(document=document.name, block=number):
                    self.check_block(block, self.folder / f"data{blocks}")
        self.assertGreaterEqual(blocks, 2)

    def check_block(self, block: str, data: object) -> None:
        program = f"{os.path.dirname(os.path.abspath(PROGRAM))}:{os.environ['PATH']}"
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = step.partition("\n")
            done = subprocess.run(
                command.replace("$DATA", str(data)), shell=True, cwd=ROOT, capture_output=True, text=True, check=False,
                env={**os.environ, "PATH": program},
            )
            self.assertEqual(done.stdout.replace(str(data), "$DATA"), shown, command)

    def test_reference_pages_are_what_the_program_writes(self) -> None:
        self.adweave("docs", "--out", self.folder / "reference")
        for page in sorted((self.folder / "reference").iterdir()):
            self.assertEqual((ROOT / "docs/reference" / page.name).read_text(), page.read_text(), page.name)

    def test_every_configuration_is_valid(self) -> None:
        for config in sorted((ROOT / "config").rglob("*.yaml")):
            self.adweave("validate", "-c", config)

    def test_every_exit_code_is_documented(self) -> None:
        page = (ROOT / "docs/reference/exit-codes.md").read_text()
        header = (ROOT / "src/app/command.h").read_text()
        for code in re.findall(r"^  k\w+ = (\d+),", header, re.MULTILINE):
            self.assertIn(f"| {code} |", page)


if __name__ == "__main__":
    unittest.main()
