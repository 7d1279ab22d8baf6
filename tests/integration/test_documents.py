# SPDX-License-Identifier: Apache-2.0
"""Documents are true: commands print what they show, reference pages are those the program writes, configs parse."""

import re
import sys
import unittest

from adweave import PROGRAM, ROOT, AdweaveTest

sys.path.insert(0, str(ROOT / "tools"))
import update_documents  # noqa: E402


class Documents(AdweaveTest):
    maxDiff = None

    def test_commands_print_what_the_documents_show(self) -> None:
        blocks = 0
        for document in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
            for _, block, _ in update_documents.RUN_BLOCK.findall(document.read_text()):
                blocks += 1
                data = str(self.folder / f"data{blocks}")
                for command, shown in update_documents.steps_of(block):
                    with self.subTest(document=document.name, command=command):
                        self.assertEqual(update_documents.output_of(command, data, PROGRAM), shown)
        self.assertGreaterEqual(blocks, 5)

    def test_every_command_is_shown(self) -> None:
        documents = (ROOT / "README.md").read_text() + (ROOT / "docs/tour.md").read_text()
        help_text = self.adweave("-h").stdout
        names = re.findall(r"^  (\w+)  ", help_text.split("Subcommands:")[1], re.MULTILINE)
        self.assertGreater(len(names), 9)
        for name in names:
            self.assertIn(f"$ adweave {name}", documents)

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
