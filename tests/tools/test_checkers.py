# SPDX-License-Identifier: Apache-2.0
"""The checkers find what they are there for."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
import check_code_map  # noqa: E402
import check_layers  # noqa: E402
import check_style  # noqa: E402

LAYERS = "1 base\n2 lake ledger\n3 query+ledger app\narrow/ lake\n"


class Checkers(unittest.TestCase):
    def setUp(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self._folder.name)
        for name in ("base", "lake", "ledger", "query", "app"):
            (self.root / "src" / name).mkdir(parents=True)

    def tearDown(self) -> None:
        self._folder.cleanup()

    def layers(self, folder: str, include: str) -> list[str]:
        (self.root / "src" / folder / "x.cc").write_text(f"#include {include}\n")
        return check_layers.problems_of(self.root, LAYERS)

    def test_upward_and_sideways_includes_are_found(self) -> None:
        self.assertTrue(self.layers("base", '"lake/a.h"'))
        self.assertTrue(self.layers("lake", '"ledger/a.h"'))

    def test_downward_and_allowed_includes_pass(self) -> None:
        self.assertFalse(self.layers("lake", '"base/a.h"'))
        self.assertFalse(self.layers("query", '"ledger/a.h"'))
        self.assertFalse(self.layers("lake", "<arrow/api.h>"))

    def test_a_heavy_library_elsewhere_is_found(self) -> None:
        self.assertTrue(self.layers("query", "<arrow/api.h>"))

    def test_a_folder_without_floor_is_found(self) -> None:
        (self.root / "src/attic").mkdir()
        self.assertTrue(check_layers.problems_of(self.root, LAYERS))

    def test_the_code_map_must_name_every_folder(self) -> None:
        (self.root / "tools").mkdir()
        (self.root / "tools/layers.txt").write_text(LAYERS)
        rows = "".join(f"| {f} | `src/{n}` | x |\n" for f, n in ((1, "base"), (2, "lake"), (2, "ledger"), (3, "query")))
        (self.root / "ARCHITECTURE.md").write_text(rows)
        self.assertEqual(len(check_code_map.problems_of(self.root)), 1)
        (self.root / "ARCHITECTURE.md").write_text(rows + "| 3 | `src/app` | x |\n")
        self.assertEqual(check_code_map.problems_of(self.root), [])

    def test_style(self) -> None:
        self.assertTrue(check_style.problems_of("src/a.cc", "int x;\n"))
        good = "// SPDX-License-Identifier: Apache-2.0\n"
        self.assertEqual(check_style.problems_of("src/a.cc", good), [])
        self.assertTrue(check_style.problems_of("src/a.h", good))
        self.assertTrue(check_style.problems_of("src/a.cc", good + "// TO" + "DO later\n"))

    def test_a_name_that_two_files_of_a_room_keep_to_themselves_is_found(self) -> None:
        for line in ("constexpr int kMax = 1;", "constexpr std::array<int, 1> kMax = {{", "enum class Cell { a };"):
            inside = f"namespace {{\n\n{line}\n\n}}  // namespace\n"
            self.assertEqual(len(check_style.named_twice({"src/lake/a.cc": inside, "src/lake/b/b.cc": inside})), 1, line)
            self.assertEqual(check_style.named_twice({"src/lake/a.cc": inside, "src/query/a.cc": inside}), [])
            self.assertEqual(check_style.named_twice({"src/lake/a.cc": inside, "src/lake/a_test.cc": inside}), [])
            self.assertEqual(check_style.named_twice({"src/lake/a.cc": inside, "src/lake/b.cc": f"void f() {{\n  {line}\n}}\n"}), [])


if __name__ == "__main__":
    unittest.main()
